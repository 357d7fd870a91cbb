"""Float Graph + ranges -> int8 Graph: a scale and zero point for every activation, int8 weights, int32 biases.

Rules of TFLite's quantization spec: activations are asymmetric per tensor and hold zero exactly; Concat, Pad, Reshape
and pooling have one quantization for inputs and output; the logistic's output is 1/256 with zero point -128.
"""

from collections.abc import Mapping

import numpy as np

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import (
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Logistic,
    MaxPool2D,
    Pad,
    PRelu,
    Reshape,
)
from quantization.observers import Range
from quantization.quantize_weights import quantize_slopes, quantize_weights

_LEAST_WIDTH = 1e-6  # of an activation that never changes


def activation_quantization(observed: Range) -> Quantization:
    """Asymmetric int8 over the range, widened to hold zero; the zero point is rounded so that zero is exact."""
    low, high = min(observed.low, 0.0), max(observed.high, 0.0)
    scale = np.float32(max(high - low, _LEAST_WIDTH) / 255)
    zero_point = int(np.clip(np.rint(-128 - low / float(scale)), -128, 127))
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int32))


def shared_ranges(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """The ranges with those tensors made equal that one operator can't rescale between."""
    shared = dict(ranges)
    group = {name: name for name in shared}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for op in graph.ops:
        if isinstance(op, Concat | Pad | Reshape | AveragePool2D | MaxPool2D):
            for name in op.inputs:
                group[root(name)] = root(op.output)
    unions: dict[str, Range] = {}
    for name in shared:
        top = root(name)
        unions[top] = unions[top].union(shared[name]) if top in unions else shared[name]
    return {name: unions[root(name)] for name in shared}


def quantize_graph(graph: Graph, ranges: Mapping[str, Range]) -> Graph:
    """The int8 graph. Raises QuantizationError for an activation that calibration has not seen."""
    missing = [name for name in graph.activations() if name not in ranges]
    if missing:
        raise QuantizationError(f"activation {missing[0]} has no calibrated range; calibrate the same graph")
    shared = shared_ranges(graph, {name: ranges[name] for name in graph.activations()})
    quantizations = {name: activation_quantization(observed) for name, observed in shared.items()}
    for op in graph.ops:
        if isinstance(op, Logistic):
            quantizations[op.output] = Quantization(np.array([1 / 256], np.float32), np.array([-128], np.int32))
    tensors = {
        name: Tensor(name, graph.tensors[name].shape, "int8", None, quantization)
        for name, quantization in quantizations.items()
    }
    for op in graph.ops:
        match op:
            case Conv2D() | DepthwiseConv2D():
                quantized = quantize_weights(
                    graph.values(op.inputs[1]).astype(np.float64),
                    graph.values(op.inputs[2]).astype(np.float64),
                    3 if isinstance(op, DepthwiseConv2D) else 0,
                    float(quantizations[op.inputs[0]].scale[0]),
                    (op.inputs[1], op.inputs[2]),
                )
                for tensor in (quantized.weights, quantized.bias):
                    if tensor.name in tensors:
                        raise QuantizationError(f"tensor {tensor.name} is shared by two layers; give each its own")
                    tensors[tensor.name] = tensor
            case PRelu():
                slopes = graph.values(op.inputs[1]).astype(np.float64)
                tensors[op.inputs[1]] = quantize_slopes(slopes, op.inputs[1])
            case _:
                pass
    return Graph(tensors, graph.ops, graph.inputs, graph.outputs)
