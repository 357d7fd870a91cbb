"""What an int8 operator multiplies its integers by, as (multiplier, left shift), formed in the precision TFLite uses.

The precision is part of the definition: for some scales a factor from float32 and one from float64 give other codes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, Quantization
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    LeakyRelu,
    MaxPool2D,
    Mean,
    Mul,
    PRelu,
    Relu,
    Requantize,
)
from quantization.fixed_point import quantize_multiplier, quantize_multipliers
from quantization.wide_factor import WideFactors, wide_factors

ADD_LEFT_SHIFT = 20  # TFLite's headroom for the sum of two rescaled int8
WeightedSum = Conv2D | DepthwiseConv2D | FullyConnected


class Factor(NamedTuple):
    """multiplier * 2^(shift - 31)."""

    multiplier: int
    shift: int


def quantization_of(graph: Graph, name: str) -> Quantization:
    """Raises GraphError for a tensor without one."""
    quantization = graph.tensors[name].quantization
    if quantization is None:
        raise GraphError(f"tensor {name} has no scale; quantize the graph first")
    return quantization


def scale_and_zero_point(graph: Graph, name: str) -> tuple[np.float32, int]:
    """Of a tensor that has one of each."""
    quantization = quantization_of(graph, name)
    return quantization.scale[0], int(quantization.zero_point[0])


def activation_bounds(activation: Activation, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """The codes that an activation clamps to; 1 / scale and 6 / scale are float32, rounded half away from zero."""

    def codes(real: int) -> int:
        return int(np.floor(float(np.float32(real) / scale) + 0.5))

    match activation:
        case Activation.NONE:
            return -128, 127
        case Activation.RELU:
            return max(-128, zero_point), 127
        case Activation.RELU6:
            return max(-128, zero_point), min(127, zero_point + codes(6))
        case Activation.RELU_N1_TO_1:
            return max(-128, zero_point - codes(1)), min(127, zero_point + codes(1))


def output_bounds(graph: Graph, op: WeightedSum | Relu | Add | Mul | AveragePool2D | MaxPool2D) -> tuple[int, int]:
    """The codes that the operator's activation clamps its output to."""
    return activation_bounds(op.activation, *scale_and_zero_point(graph, op.output))


def weighted_sum_reals(graph: Graph, op: WeightedSum) -> NDArray[np.float64]:
    """The real factor of each output channel."""
    input_scale, _ = scale_and_zero_point(graph, op.inputs[0])
    output_scale, _ = scale_and_zero_point(graph, op.output)
    scales = quantization_of(graph, op.inputs[1]).scale.astype(np.float64)
    n_outputs = graph.tensors[op.inputs[2]].shape[0]
    return np.broadcast_to(float(input_scale) * scales / float(output_scale), n_outputs)


def convolution_factors(graph: Graph, op: Conv2D | DepthwiseConv2D) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Multipliers and shifts, one per output channel."""
    return quantize_multipliers(weighted_sum_reals(graph, op))


def fully_connected_factors(graph: Graph, op: FullyConnected) -> WideFactors:
    """One per output: TFLite rounds these once, from all bits of a float64."""
    return wide_factors(weighted_sum_reals(graph, op))


def prelu_factors(graph: Graph, op: PRelu) -> tuple[Factor, Factor]:
    """Of codes at or above the zero point, and of code * slope below it."""
    (scale, _), (slope_scale, _) = (scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, _ = scale_and_zero_point(graph, op.output)
    return (
        Factor(*quantize_multiplier(float(scale / output_scale))),
        Factor(*quantize_multiplier(float(scale * slope_scale / output_scale))),
    )


def leaky_relu_factors(graph: Graph, op: LeakyRelu) -> tuple[Factor, Factor]:
    """Of codes at or above the zero point, and of those below it."""
    (scale, _), (output_scale, _) = (scale_and_zero_point(graph, name) for name in (*op.inputs, op.output))
    return (
        Factor(*quantize_multiplier(float(scale / output_scale))),
        Factor(*quantize_multiplier(float(scale * np.float32(op.alpha) / output_scale))),
    )


def rescale_factor(graph: Graph, op: Relu | Requantize) -> Factor:
    """Of every code."""
    (scale, _), (output_scale, _) = (scale_and_zero_point(graph, name) for name in (*op.inputs, op.output))
    if isinstance(op, Relu):
        return Factor(*quantize_multiplier(float(scale / output_scale)))
    return Factor(*quantize_multiplier(float(scale) / float(output_scale)))


def add_factors(graph: Graph, op: Add) -> tuple[Factor, Factor, Factor]:
    """Of each operand's codes * 2^ADD_LEFT_SHIFT, and of their sum."""
    scales = [float(scale_and_zero_point(graph, name)[0]) for name in op.inputs]
    output_scale, _ = scale_and_zero_point(graph, op.output)
    twice_max = 2.0 * max(scales)
    return (
        Factor(*quantize_multiplier(scales[0] / twice_max)),
        Factor(*quantize_multiplier(scales[1] / twice_max)),
        Factor(*quantize_multiplier(twice_max / float(np.float32(1 << ADD_LEFT_SHIFT) * output_scale))),
    )


def mul_factor(graph: Graph, op: Mul) -> Factor:
    """Of the product of two codes."""
    (x_scale, _), (y_scale, _) = (scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, _ = scale_and_zero_point(graph, op.output)
    return Factor(*quantize_multiplier(float(x_scale * y_scale / output_scale)))


def mean_count(graph: Graph, op: Mean) -> int:
    """How many values each mean is of."""
    shape = graph.tensors[op.inputs[0]].shape
    return int(np.prod([shape[axis] for axis in op.axes]))


def mean_factor(graph: Graph, op: Mean) -> Factor:
    """Of a sum of codes: the rescaling and the division by their count in one, the multiplier truncated."""
    (scale, _), (output_scale, _) = (scale_and_zero_point(graph, name) for name in (*op.inputs, op.output))
    multiplier, shift = quantize_multiplier(float(scale) / float(output_scale))
    count = mean_count(graph, op)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return Factor((multiplier << room) // count, shift - room)
