"""Int8 operators that treat every value alone: sums, products, maxima, and rectifiers as tables of all 256 codes."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Add, LeakyRelu, Mul, PRelu, Relu, Requantize
from quantization.factors import (
    ADD_LEFT_SHIFT,
    Factor,
    add_factors,
    leaky_relu_factors,
    mul_factor,
    output_bounds,
    prelu_factors,
    rescale_factor,
    scale_and_zero_point,
)
from quantization.fixed_point import multiply_by_quantized_multiplier

Int8Array = NDArray[np.int8]
ALL_CODES = np.arange(-128, 128, dtype=np.int8)


def add(graph: Graph, op: Add, x: Int8Array, y: Int8Array) -> Int8Array:
    """Both operands rescaled to twice the greater of their scales, summed, rescaled to the output's."""
    *operand_factors, factor = add_factors(graph, op)
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.int64)
    for name, operand, operand_factor in zip(op.inputs, (x, y), operand_factors, strict=True):
        _, zero_point = scale_and_zero_point(graph, name)
        shifted = (operand.astype(np.int32) - zero_point) << ADD_LEFT_SHIFT
        total += multiply_by_quantized_multiplier(shifted, *operand_factor)
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    codes = multiply_by_quantized_multiplier(total, *factor) + output_zero_point
    return np.clip(codes, *output_bounds(graph, op)).astype(np.int8)


def mul(graph: Graph, op: Mul, x: Int8Array, y: Int8Array) -> Int8Array:
    """The product of two codes, rescaled."""
    (_, x_zero_point), (_, y_zero_point) = (scale_and_zero_point(graph, name) for name in op.inputs)
    product = (x.astype(np.int32) - x_zero_point) * (y.astype(np.int32) - y_zero_point)
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    codes = multiply_by_quantized_multiplier(product, *mul_factor(graph, op)) + output_zero_point
    return np.clip(codes, *output_bounds(graph, op)).astype(np.int8)


def rescale_table(graph: Graph, op: Relu | Requantize) -> Int8Array:
    """(256,): every code in the output's scale, clamped by the activation."""
    bounds = output_bounds(graph, op) if isinstance(op, Relu) else (-128, 127)
    factor = rescale_factor(graph, op)
    return _two_sided_table(graph, op, (factor, factor), np.ones(1, np.int32), bounds)[:, 0]


def leaky_relu_table(graph: Graph, op: LeakyRelu) -> Int8Array:
    """(256,)."""
    return _two_sided_table(graph, op, leaky_relu_factors(graph, op), np.ones(1, np.int32), (-128, 127))[:, 0]


def prelu_table(graph: Graph, op: PRelu) -> Int8Array:
    """(256, n_channels)."""
    _, slope_zero_point = scale_and_zero_point(graph, op.inputs[1])
    slopes = graph.values(op.inputs[1]).astype(np.int32).reshape(-1) - slope_zero_point
    return _two_sided_table(graph, op, prelu_factors(graph, op), slopes, (-128, 127))


def _two_sided_table(
    graph: Graph,
    op: Relu | Requantize | LeakyRelu | PRelu,
    factors: tuple[Factor, Factor],
    slopes: NDArray[np.int32],
    bounds: tuple[int, int],
) -> Int8Array:
    """One factor at and above the zero point, another below it after a product with the slopes (n_channels,)."""
    _, zero_point = scale_and_zero_point(graph, op.inputs[0])
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    centred = ALL_CODES[:, None].astype(np.int32) - zero_point  # (256, 1)
    positive = multiply_by_quantized_multiplier(np.maximum(centred, 0), *factors[0])
    negative = multiply_by_quantized_multiplier(np.minimum(centred, 0) * slopes, *factors[1])
    codes = np.where(centred >= 0, positive, negative) + output_zero_point
    return np.asarray(np.clip(codes, *bounds), np.int8)
