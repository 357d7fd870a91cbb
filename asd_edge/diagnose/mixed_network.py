"""One network in two precisions: any of its layers in int8, the others in float.

A layer is what rounds: an operator with its weights and its output's codes, or an input of the network. Operators that
copy codes (Concat, Pad, Reshape, Maximum, MaxPool2D) round nothing and are no layers. A value is int8 where it is on
its grid and float32 where it isn't, so that an array's dtype says what it is:

* a layer in float computes its float operator from real values;
* a layer in int8 whose operands are all codes computes the integers of `run_int8`, bit for bit;
* a layer in int8 that reads a float computes its operator in float32 with the real values of its int8 weights and
  biases, and rounds the result to its own scale and zero point, clipped to [-128, 127]. Integers round twice where this
  rounds once, so that a value next to a tie may get the neighbouring code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.frontend.quantize_input import quantize_input
from asd_edge.graph.graph import Graph, Quantization, Tensor, float_weight
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Concat, Maximum, MaxPool2D, Op, Pad, Reshape
from quantization.interpret_int8 import run_int8

FloatArray = NDArray[np.float32]
Value = NDArray[np.float32] | NDArray[np.int8]
Values = Mapping[str, Value]  # activation -> (1, time, mel, channels); int8: codes, float32: real
_COPIES_CODES = Concat | Pad | Reshape | Maximum | MaxPool2D


@dataclass(frozen=True)
class _Forms:
    """One operator as graphs of its own; its activations are their inputs."""

    is_layer: bool
    exact: Graph  # float weights
    rounded: Graph  # the real values of the int8 weights
    integer: Graph


class MixedNetwork:
    """Both graphs have the same operators and activations; `layers` are in execution order, inputs first."""

    def __init__(self, float_graph: Graph, int8_graph: Graph) -> None:
        """Raises GraphError where the graphs are not of one network."""
        if _outline(float_graph) != _outline(int8_graph):
            raise GraphError("the float and the int8 network differ in their operators; run asd-edge export again")
        self.float_graph, self.int8_graph = float_graph, int8_graph
        self._forms = {
            op.output: _forms(float_graph, int8_graph, op, of_int8)
            for op, of_int8 in zip(float_graph.ops, int8_graph.ops, strict=True)
        }
        self.layers = (*float_graph.inputs, *(op.output for op in float_graph.ops if self._forms[op.output].is_layer))

    def run(self, inputs: Mapping[str, FloatArray], quantized: frozenset[str]) -> dict[str, Value]:
        """Every activation, with the layers in `quantized` in int8 and the others in float."""
        values: dict[str, Value] = {name: self._input(name, inputs, quantized) for name in self.float_graph.inputs}
        for op in self.float_graph.ops:
            values[op.output] = self._output(op, values, quantized)
        return values

    def rerun(
        self, inputs: Mapping[str, FloatArray], before: Values, quantized: frozenset[str], layer: str
    ) -> dict[str, Value]:
        """What `run` gives, from a run whose `quantized` differed in `layer` alone: only what lies behind it is new."""
        values = dict(before)
        changed = {layer}
        if layer in self.float_graph.inputs:
            values[layer] = self._input(layer, inputs, quantized)
        for op in self.float_graph.ops:
            if op.output == layer or not changed.isdisjoint(op.inputs):
                values[op.output] = self._output(op, values, quantized)
                changed.add(op.output)
        return values

    def unrounded(self, layer: str, values: Values) -> FloatArray:
        """What the layer in int8 makes of these values before it rounds them to codes; of an input the input itself."""
        if layer in self.float_graph.inputs:
            return self.real(layer, values[layer])
        form = self._forms[layer].rounded
        return run_float(form, {name: self.real(name, values[name]) for name in form.inputs})[layer]

    def codes(self, name: str, values: FloatArray) -> NDArray[np.int8]:
        """The nearest codes."""
        quantization = self.quantization(name)
        return quantize_input(values, float(quantization.scale[0]), int(quantization.zero_point[0]))

    def real(self, name: str, value: Value) -> FloatArray:
        """float32 as it is; codes as scale * (q - zero_point)."""
        if value.dtype == np.float32:
            return np.asarray(value, np.float32)
        quantization = self.quantization(name)
        distance = value.astype(np.float32) - np.float32(quantization.zero_point[0])
        return np.asarray(distance * quantization.scale[0], np.float32)

    def quantization(self, name: str) -> Quantization:
        """Of an activation."""
        quantization = self.int8_graph.tensors[name].quantization
        assert quantization is not None, f"{name} has no scale"
        return quantization

    def _input(self, name: str, inputs: Mapping[str, FloatArray], quantized: frozenset[str]) -> Value:
        return self.codes(name, inputs[name]) if name in quantized else inputs[name]

    def _output(self, op: Op, values: Values, quantized: frozenset[str]) -> Value:
        forms = self._forms[op.output]
        if op.output in quantized or not forms.is_layer:
            operands = {name: values[name] for name in forms.integer.inputs}
            codes = {name: np.asarray(value, np.int8) for name, value in operands.items() if value.dtype == np.int8}
            if len(codes) == len(operands):
                return run_int8(forms.integer, codes)[op.output]
            if forms.is_layer:
                return self.codes(op.output, self.unrounded(op.output, values))
        real = {name: self.real(name, values[name]) for name in forms.exact.inputs}
        return run_float(forms.exact, real)[op.output]


def _outline(graph: Graph) -> tuple[tuple[str, ...], list[tuple[type[Op], str, tuple[str, ...]]]]:
    """Inputs, and the kind, output and activations of each operator."""
    activations = set(graph.activations())
    ops = [(type(op), op.output, tuple(name for name in op.inputs if name in activations)) for op in graph.ops]
    return graph.inputs, ops


def _forms(float_graph: Graph, int8_graph: Graph, op: Op, int8_op: Op) -> _Forms:
    weights = [int8_graph.tensors[name] for name in int8_op.inputs if int8_graph.tensors[name].values is not None]
    rounded = {tensor.name: float_weight(tensor.name, real_values(tensor)) for tensor in weights}
    of_activations = {
        name: replace(tensor, dtype="float32", quantization=None)
        for name, tensor in int8_graph.tensors.items()
        if tensor.values is None
    }
    return _Forms(
        is_layer=not isinstance(op, _COPIES_CODES) or bool(weights),
        exact=_alone(float_graph.tensors, op),
        rounded=_alone({**of_activations, **rounded}, int8_op),
        integer=_alone(int8_graph.tensors, int8_op),
    )


def _alone(tensors: Mapping[str, Tensor], op: Op) -> Graph:
    """The operator as a graph of its own."""
    own = {name: tensors[name] for name in (*op.inputs, op.output)}
    inputs = tuple(name for name in dict.fromkeys(op.inputs) if own[name].values is None)
    return Graph(own, (op,), inputs, (op.output,))


def real_values(tensor: Tensor) -> NDArray[np.float64]:
    """scale * (q - zero_point) of weights or a bias."""
    quantization = tensor.quantization
    assert tensor.values is not None, f"{tensor.name} holds no values"
    assert quantization is not None, f"{tensor.name} has no scale"
    shape = tuple(-1 if axis == quantization.axis else 1 for axis in range(len(tensor.shape)))
    zero_point = quantization.zero_point.astype(np.float64).reshape(shape)
    return (tensor.values.astype(np.float64) - zero_point) * quantization.scale.astype(np.float64).reshape(shape)
