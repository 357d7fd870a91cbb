"""Runs an int8 Graph in NumPy, bit for bit as TFLite's reference kernels do: the definition that every core is held to.

Products of a convolution are summed in float32 by BLAS, which is exact here: activations minus zero point lie in
[-255, 255], weights in [-127, 127], and a slice of at most 512 products stays below 2^24.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, Quantization
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    Logistic,
    MaxPool2D,
    Mul,
    Op,
    Pad,
    PRelu,
    Reshape,
)
from asd_edge.graph.windows import pad_time_mel, shifted_views, windows_as_rows
from quantization.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier, quantize_multipliers
from quantization.lookup_tables import elu_table, logistic_table

Int8Array = NDArray[np.int8]
_EXACT_PRODUCTS = 512  # 512 * 255 * 127 < 2^24
_ADD_LEFT_SHIFT = 20  # TFLite's headroom for the sum of two rescaled int8


def run_int8(graph: Graph, inputs: Mapping[str, Int8Array]) -> dict[str, Int8Array]:
    """Every activation of the graph, inputs included: name -> (1, time, mel, channels) int8.

    Raises GraphError for an input of another shape or an operator that has no int8 form.
    """
    activations: dict[str, Int8Array] = {}
    for name in graph.inputs:
        if inputs[name].shape != graph.tensors[name].shape or inputs[name].dtype != np.int8:
            raise GraphError(
                f"input {name} is {inputs[name].dtype} {inputs[name].shape}, the graph wants int8 "
                f"{graph.tensors[name].shape}; check the front end's settings"
            )
        activations[name] = inputs[name]
    for op in graph.ops:
        activations[op.output] = _run_op(graph, op, [activations.get(name) for name in op.inputs])
    return activations


def _scale_and_zero_point(graph: Graph, name: str) -> tuple[np.float32, int]:
    quantization = _quantization(graph, name)
    return quantization.scale[0], int(quantization.zero_point[0])


def _quantization(graph: Graph, name: str) -> Quantization:
    quantization = graph.tensors[name].quantization
    if quantization is None:
        raise GraphError(f"tensor {name} has no scale; quantize the graph first")
    return quantization


def activation_bounds(activation: Activation, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """The codes that a fused activation clamps to."""

    def code(real: float) -> int:
        return zero_point + int(np.floor(np.float32(real) / scale + np.float32(0.5)))

    match activation:
        case Activation.NONE:
            return -128, 127
        case Activation.RELU:
            return max(-128, zero_point), 127
        case Activation.RELU6:
            return max(-128, zero_point), min(127, code(6.0))


def _requantize_sums(graph: Graph, op: Conv2D | DepthwiseConv2D, sums: NDArray[np.int32]) -> Int8Array:
    """int32 accumulators (..., n_outputs) -> int8 codes of the output."""
    input_scale, _ = _scale_and_zero_point(graph, op.inputs[0])
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    weight_scales = _quantization(graph, op.inputs[1]).scale.astype(np.float64)
    multipliers, shifts = quantize_multipliers(float(input_scale) * weight_scales / float(output_scale))
    codes = multiply_by_quantized_multiplier(sums, multipliers, shifts)
    codes += output_zero_point
    low, high = activation_bounds(op.activation, output_scale, output_zero_point)
    return np.clip(codes, low, high, out=codes).astype(np.int8).reshape(graph.tensors[op.output].shape)


def _conv2d(graph: Graph, op: Conv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]), graph.values(op.inputs[2])
    _, zero_point = _scale_and_zero_point(graph, op.inputs[0])
    padded = pad_time_mel(x, op.padding, zero_point)
    rows = windows_as_rows(padded, weights.shape[1:3], op.stride).astype(np.float32)
    rows -= zero_point
    columns = weights.reshape(len(weights), -1).astype(np.float32).T
    sums = np.broadcast_to(bias.astype(np.int32), (len(rows), len(weights))).copy()
    for start in range(0, rows.shape[1], _EXACT_PRODUCTS):
        part = slice(start, start + _EXACT_PRODUCTS)
        sums += (rows[:, part] @ columns[part]).astype(np.int32)
    return _requantize_sums(graph, op, sums)


def _depthwise_conv2d(graph: Graph, op: DepthwiseConv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]).astype(np.int32), graph.values(op.inputs[2])
    _, zero_point = _scale_and_zero_point(graph, op.inputs[0])
    centred = pad_time_mel(x, op.padding, zero_point).astype(np.int32)
    centred -= zero_point
    sums = np.broadcast_to(bias.astype(np.int32), graph.tensors[op.output].shape[1:]).copy()
    for row, column, samples in shifted_views(centred, weights.shape[1:3], op.stride):
        sums += samples * weights[0, row, column]
    return _requantize_sums(graph, op, sums)


def _prelu(graph: Graph, op: PRelu, x: Int8Array) -> Int8Array:
    (scale, zero_point), (slope_scale, slope_zero_point) = (_scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    centred = x.astype(np.int32) - zero_point
    slopes = graph.values(op.inputs[1]).astype(np.int32) - slope_zero_point
    # TFLite forms both factors in float32
    positive = multiply_by_quantized_multiplier(centred, *quantize_multiplier(float(scale / output_scale)))
    negative_factor = quantize_multiplier(float(scale * slope_scale / output_scale))
    negative = multiply_by_quantized_multiplier(centred * slopes, *negative_factor)
    codes = np.where(centred >= 0, positive, negative) + output_zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


def _add(graph: Graph, op: Add, operands: tuple[Int8Array, Int8Array]) -> Int8Array:
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    pairs = [_scale_and_zero_point(graph, name) for name in op.inputs]
    twice_max = 2.0 * float(max(scale for scale, _ in pairs))
    total = np.zeros(graph.tensors[op.output].shape, np.int64)
    for operand, (scale, zero_point) in zip(operands, pairs, strict=True):
        shifted = (operand.astype(np.int32) - zero_point) << _ADD_LEFT_SHIFT
        total += multiply_by_quantized_multiplier(shifted, *quantize_multiplier(float(scale) / twice_max))
    factor = twice_max / float(np.float32(1 << _ADD_LEFT_SHIFT) * output_scale)
    codes = multiply_by_quantized_multiplier(total, *quantize_multiplier(factor)) + output_zero_point
    low, high = activation_bounds(op.activation, output_scale, output_zero_point)
    return np.clip(codes, low, high).astype(np.int8)


def _mul(graph: Graph, op: Mul, operands: tuple[Int8Array, Int8Array]) -> Int8Array:
    (left_scale, left_zero), (right_scale, right_zero) = (_scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    product = (operands[0].astype(np.int32) - left_zero) * (operands[1].astype(np.int32) - right_zero)
    factor = quantize_multiplier(float(left_scale * right_scale / output_scale))
    codes = multiply_by_quantized_multiplier(product, *factor) + output_zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


def _average_pool(graph: Graph, op: AveragePool2D, x: Int8Array) -> Int8Array:
    sums = np.zeros(graph.tensors[op.output].shape[1:], np.int32)
    for _, _, samples in shifted_views(x, op.window, op.stride):
        sums += samples
    count = op.window[0] * op.window[1]
    rounded = np.where(sums > 0, sums + count // 2, sums - count // 2)
    return (np.sign(rounded) * (np.abs(rounded) // count)).astype(np.int8)[None]


def _run_op(graph: Graph, op: Op, operands: list[Any]) -> Int8Array:
    x = operands[0]
    match op:
        case Conv2D():
            return _conv2d(graph, op, x)
        case DepthwiseConv2D():
            return _depthwise_conv2d(graph, op, x)
        case PRelu():
            return _prelu(graph, op, x)
        case Elu():
            table = elu_table(*_scale_and_zero_point(graph, op.inputs[0]), *_scale_and_zero_point(graph, op.output))
            return table[x.astype(np.int16) + 128]
        case Logistic():
            return logistic_table(*_scale_and_zero_point(graph, op.inputs[0]))[x.astype(np.int16) + 128]
        case Add():
            return _add(graph, op, (operands[0], operands[1]))
        case Mul():
            return _mul(graph, op, (operands[0], operands[1]))
        case Concat():
            return np.concatenate(operands, axis=3)
        case Pad():
            return np.asarray(pad_time_mel(x, op.padding, _scale_and_zero_point(graph, op.inputs[0])[1]), np.int8)
        case Reshape():
            return np.asarray(x.reshape(graph.tensors[op.output].shape), np.int8)
        case AveragePool2D():
            return _average_pool(graph, op, x)
        case MaxPool2D():
            return np.asarray(np.max([s for _, _, s in shifted_views(x, op.window, op.stride)], axis=0)[None], np.int8)
        case _:
            raise GraphError(f"{type(op).__name__} {op.output} has no int8 form; run the float passes first")
