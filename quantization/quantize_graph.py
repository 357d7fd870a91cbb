"""Float Graph + ranges -> int8 Graph: a scale and zero point for every activation, int8 weights, int32 biases.

Rules of TFLite's quantization spec: activations are asymmetric per tensor and hold zero exactly; Concat, Pad, Reshape,
Maximum and pooling have one quantization for inputs and output; logistic, softmax and tanh have a fixed output scale.
"""

from collections.abc import Mapping

import numpy as np

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import Conv2D, DepthwiseConv2D, FullyConnected, PRelu
from quantization.observers import Range
from quantization.quantize_weights import quantize_slopes, quantize_weights
from quantization.settle_ranges import settle_ranges


def activation_quantization(settled: Range) -> Quantization:
    """Asymmetric int8 over a range that holds zero; the zero point is rounded so that zero is exact."""
    scale = np.float32(settled.width / 255)
    zero_point = int(np.clip(np.rint(-128 - settled.low / float(scale)), -128, 127))
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int32))


def quantize_graph(graph: Graph, ranges: Mapping[str, Range]) -> Graph:
    """The int8 graph; `graph` has passed the float passes.

    Raises QuantizationError for an activation that calibration has not seen, and for those of `settle_ranges`.
    """
    missing = [name for name in graph.activations() if name not in ranges]
    if missing:
        raise QuantizationError(f"activation {missing[0]} has no calibrated range; calibrate the same graph")
    settled = settle_ranges(graph, ranges)
    quantizations = {name: activation_quantization(settled[name]) for name in graph.activations()}
    tensors = {
        name: Tensor(name, graph.tensors[name].shape, "int8", None, quantization)
        for name, quantization in quantizations.items()
    }
    for op in graph.ops:
        match op:
            case Conv2D() | DepthwiseConv2D() | FullyConnected():
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
