"""One operator of a parsed .tflite file -> its dataclass; refuses by name what the Graph can't say."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.export.tflite_operators import ACTIVATIONS, OPERATORS, RELUS, SAME, builtin_name
from asd_edge.graph.graph import Tensor
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
    same_padding,
)

_OP_TYPES: dict[int, type[Op]] = {operator.code: op_type for op_type, operator in OPERATORS.items()}
_RELUS = {operator.code: activation for activation, operator in RELUS.items()}
_ACTIVATIONS = {code: activation for activation, code in ACTIVATIONS.items()}
_WEIGHTED = (Conv2D, DepthwiseConv2D, FullyConnected)
_FUSING = (*_WEIGHTED, AveragePool2D, MaxPool2D, Add, Mul)
_BINARY = (Add, Mul, Maximum, PRelu)
_NEXT = "export it again"


@dataclass(frozen=True)
class FileOperator:
    """What the file says of an operator. `ranks` are the file's numbers of dimensions, before they become four."""

    builtin: int
    options: Any
    inputs: tuple[str, ...]
    output: str
    tensors: dict[str, Tensor]
    ranks: dict[str, int]

    @property
    def where(self) -> str:
        """The operator as messages call it: "CONV_2D (output 'y')"."""
        return f"{builtin_name(self.builtin)} (output {self.output!r})"


def read_operator(found: FileOperator) -> Op:
    """The operator. A convolution or fully connected layer has three inputs here: the reader adds a missing bias.

    Raises UnsupportedOperatorError for one that no stage defines, GraphError for a variant that none does.
    """
    if found.builtin in _RELUS:
        return Relu(_one_input(found), found.output, _RELUS[found.builtin])
    if found.builtin not in _OP_TYPES:
        known = ", ".join(sorted(builtin_name(known) for known in (*_OP_TYPES, *_RELUS)))
        raise UnsupportedOperatorError(f"operator {found.where} is not supported; this project runs {known}")
    op_type, activation = _OP_TYPES[found.builtin], _activation(found)
    if op_type in _WEIGHTED:
        return _weighted_sum(op_type, found, activation)
    if op_type in (AveragePool2D, MaxPool2D):
        return _pool(op_type, found, activation)
    if op_type in _BINARY:
        return _binary(op_type, found, activation)
    if op_type is Pad:
        return Pad((found.inputs[0],), found.output, _paddings(found))
    if op_type is Reshape:
        return Reshape((found.inputs[0],), found.output)
    if op_type is Mean:
        return Mean((found.inputs[0],), found.output, _axes(found))
    if op_type is Concat:
        if found.options.axis not in (found.ranks[found.output] - 1, -1):
            raise GraphError(f"{found.where}: axis {found.options.axis}; only channels, the last, are concatenated")
        return Concat(found.inputs, found.output)
    return _unary(op_type, found)


def _one_input(found: FileOperator) -> tuple[str]:
    if len(found.inputs) != 1:
        raise GraphError(f"{found.where}: {len(found.inputs)} inputs where 1 is needed; {_NEXT}")
    return (found.inputs[0],)


def _unary(op_type: type[Op], found: FileOperator) -> Op:
    inputs, output = _one_input(found), found.output
    if op_type is LeakyRelu:
        alpha = float(found.options.alpha)
        if not 0 <= alpha < np.inf:
            raise GraphError(f"{found.where}: alpha {alpha}; a slope below zero is not supported")
        return LeakyRelu(inputs, output, alpha)
    if op_type is Softmax:
        beta = float(found.options.beta)
        if not 0 < beta < np.inf:
            raise GraphError(f"{found.where}: beta {beta}; it must be above zero")
        return Softmax(inputs, output, beta)
    if op_type is Tanh:
        return Tanh(inputs, output)
    if op_type is Requantize:
        return Requantize(inputs, output)
    return Elu(inputs, output) if op_type is Elu else Logistic(inputs, output)


def _binary(op_type: type[Op], found: FileOperator, activation: Activation) -> Op:
    if len(found.inputs) != 2:
        raise GraphError(f"{found.where}: {len(found.inputs)} inputs where 2 are needed; {_NEXT}")
    inputs = (found.inputs[0], found.inputs[1])
    if op_type is Add:
        return Add(inputs, found.output, activation)
    if op_type is Mul:
        return Mul(inputs, found.output, activation)
    return Maximum(inputs, found.output) if op_type is Maximum else PRelu(inputs, found.output)


def _activation(found: FileOperator) -> Activation:
    code = getattr(found.options, "fusedActivationFunction", schema.ActivationFunctionType.NONE)
    fuses = _OP_TYPES[found.builtin] in _FUSING
    if code not in _ACTIVATIONS or (_ACTIVATIONS[code] is not Activation.NONE and not fuses):
        raise GraphError(f"{found.where}: fused activation {code} is not supported; make it an operator of its own")
    return _ACTIVATIONS[code]


def _weighted_sum(op_type: type[Op], found: FileOperator, activation: Activation) -> Op:
    options = found.options
    if len(found.inputs) != 3:
        raise GraphError(f"{found.where}: {len(found.inputs)} inputs; give it an input, weights and a bias")
    names = (found.inputs[0], found.inputs[1], found.inputs[2])
    if op_type is FullyConnected:
        if options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
            raise GraphError(f"{found.where}: shuffled weights are not supported; {_NEXT}")
        return FullyConnected(names, found.output, activation)
    if (options.dilationHFactor, options.dilationWFactor) != (1, 1) or getattr(options, "depthMultiplier", 1) != 1:
        raise GraphError(
            f"{found.where}: dilation and depth multipliers are not supported; use stride or a larger kernel"
        )
    stride = (options.strideH, options.strideW)
    _, *kernel, _ = found.tensors[names[1]].shape
    padding = _padding(found, (kernel[0], kernel[1]), stride)
    if op_type is Conv2D:
        return Conv2D(names, found.output, stride, padding, activation)
    return DepthwiseConv2D(names, found.output, stride, padding, activation)


def _pool(op_type: type[Op], found: FileOperator, activation: Activation) -> Op:
    options = found.options
    window, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
    pool = AveragePool2D if op_type is AveragePool2D else MaxPool2D
    return pool(_one_input(found), found.output, window, stride, _padding(found, window, stride), activation)


def _padding(found: FileOperator, kernel: tuple[int, int], stride: tuple[int, int]) -> Padding:
    if found.options.padding != SAME:
        return Padding()
    _, time, mel, _ = found.tensors[found.inputs[0]].shape
    return Padding(*same_padding(time, kernel[0], stride[0]), *same_padding(mel, kernel[1], stride[1]))


def _paddings(found: FileOperator) -> Padding:
    tensor = found.tensors[found.inputs[1]]
    if tensor.values is None or tensor.shape != (4, 2):
        raise GraphError(f"{found.where}: paddings {tensor.name} aren't a 4x2 constant; {_NEXT}")
    batch, time, mel, channels = (tuple(int(size) for size in row) for row in np.asarray(tensor.values, np.int32))
    if any(batch) or any(channels):
        raise GraphError(f"{found.where}: pads batch or channels; only time and mel are padded")
    return Padding(*time, *mel)


def _axes(found: FileOperator) -> tuple[int, ...]:
    """Time (1) and mel (2); they stay as ones in the Graph, which a mean over time alone that drops it can't say."""
    values, rank = found.tensors[found.inputs[1]].values, found.ranks[found.inputs[0]]
    if values is None:
        raise GraphError(f"{found.where}: axes {found.inputs[1]} aren't a constant; {_NEXT}")
    axes = tuple(sorted({int(axis) % rank for axis in np.asarray(values).ravel()}))
    if not axes or not {1, 2}.issuperset(axes) or rank - 1 in axes:
        raise GraphError(f"{found.where}: mean over the axes {axes} of {rank}; only over time (1) and mel (2)")
    if axes == (1,) and rank == 4 and not found.options.keepDims:
        raise GraphError(f"{found.where}: mean over time alone that drops the axis; export it with keep_dims")
    return axes
