"""Runs an int8 Graph in NumPy, bit for bit as TFLite's reference kernels do: the definition that every core is held to.

Products of a convolution are summed in float32 by BLAS, which is exact here: activations minus zero point lie in
[-255, 255], weights in [-128, 127], and a slice of at most 512 products stays below 2^24. An operator whose output is
a function of one code (and its channel) is computed for all 256 codes and looked up.
"""

from collections.abc import Mapping, Sequence

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
from asd_edge.graph.windows import pad_time_mel, pooling_windows, shifted_views, windows_as_rows
from quantization.fixed_point import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    requantize,
)
from quantization.lookup_tables import elu_table, logistic_table

Int8Array = NDArray[np.int8]
_ALL_CODES = np.arange(-128, 128, dtype=np.int8)
_EXACT_PRODUCTS = 512  # 512 * 255 * 128 < 2^24
_LOOK_UP_ROWS = 512  # positions at a time, so that their indices stay in cache
_ADD_LEFT_SHIFT = 20  # TFLite's headroom for the sum of two rescaled int8


def run_int8(graph: Graph, inputs: Mapping[str, Int8Array]) -> dict[str, Int8Array]:
    """Every activation of the graph, inputs included: name -> (1, time, mel, channels) int8.

    Raises GraphError for an input that is missing or has another shape, or an operator that has no int8 form.
    """
    activations: dict[str, Int8Array] = {}
    for name in graph.inputs:
        found = f"{inputs[name].dtype} {inputs[name].shape}" if name in inputs else "missing"
        wanted = f"int8 {graph.tensors[name].shape}"
        if found != wanted:
            raise GraphError(f"input {name} is {found}, the graph wants {wanted}; check the front end's settings")
        activations[name] = inputs[name]
    for op in graph.ops:
        operands = [activations[name] for name in op.inputs if name in activations]
        activations[op.output] = _run_op(graph, op, operands)
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
    """The codes that a fused activation clamps to; 6 / scale is a float32, rounded half away from zero."""
    match activation:
        case Activation.NONE:
            return -128, 127
        case Activation.RELU:
            return max(-128, zero_point), 127
        case Activation.RELU6:
            six = zero_point + int(np.floor(float(np.float32(6) / scale) + 0.5))
            return max(-128, zero_point), min(127, six)


def _requantize(graph: Graph, op: Conv2D | DepthwiseConv2D, sums: NDArray[np.int32]) -> Int8Array:
    """int32 accumulators (n_positions, n_outputs) -> int8 codes of the output."""
    input_scale, _ = _scale_and_zero_point(graph, op.inputs[0])
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    weight_scales = _quantization(graph, op.inputs[1]).scale.astype(np.float64)
    multipliers, shifts = quantize_multipliers(float(input_scale) * weight_scales / float(output_scale))
    bounds = activation_bounds(op.activation, output_scale, output_zero_point)
    return requantize(sums, multipliers, shifts, output_zero_point, bounds)


def _conv2d(graph: Graph, op: Conv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]), graph.values(op.inputs[2]).astype(np.int32)
    _, zero_point = _scale_and_zero_point(graph, op.inputs[0])
    padded = pad_time_mel(x, op.padding, zero_point)
    rows = windows_as_rows(padded, weights.shape[1:3], op.stride).astype(np.float32)
    rows -= zero_point
    columns = weights.reshape(len(weights), -1).astype(np.float32).T
    sums = np.broadcast_to(bias, (len(rows), len(weights))).copy()
    for start in range(0, rows.shape[1], _EXACT_PRODUCTS):
        part = slice(start, start + _EXACT_PRODUCTS)
        sums += (rows[:, part] @ columns[part]).astype(np.int32)
    return _requantize(graph, op, sums).reshape(graph.tensors[op.output].shape)


def _depthwise_conv2d(graph: Graph, op: DepthwiseConv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]).astype(np.int32), graph.values(op.inputs[2]).astype(np.int32)
    _, zero_point = _scale_and_zero_point(graph, op.inputs[0])
    shape = graph.tensors[op.output].shape
    if weights.shape[1:3] == (1, 1):
        table = _requantize(graph, op, (_ALL_CODES[:, None].astype(np.int32) - zero_point) * weights[0, 0] + bias)
        return _look_up(table, pad_time_mel(x, op.padding, zero_point)[:, :: op.stride[0], :: op.stride[1]])
    centred = pad_time_mel(x, op.padding, zero_point).astype(np.int32)
    centred -= zero_point
    sums = np.broadcast_to(bias, shape[1:]).copy()
    products = np.empty_like(sums)
    for row, column, samples in shifted_views(centred, weights.shape[1:3], op.stride):
        np.multiply(samples, weights[0, row, column], out=products)
        sums += products
    return _requantize(graph, op, sums.reshape(-1, shape[3])).reshape(shape)


def _look_up(table: Int8Array, x: Int8Array) -> Int8Array:
    """table (256,) or (256, n_channels), row q + 128 for code q -> the output of each code of x (..., n_channels)."""
    if table.ndim == 1:
        return np.asarray(np.roll(table, 128).take(x.view(np.uint8)), np.int8)
    n_channels = table.shape[1]
    codes = x.reshape(-1, n_channels)
    outputs = np.empty_like(codes)
    first_entries = 128 * n_channels + np.arange(n_channels)  # of code 0, channel by channel
    for start in range(0, len(codes), _LOOK_UP_ROWS):
        entries = codes[start : start + _LOOK_UP_ROWS].astype(np.intp)
        entries *= n_channels
        entries += first_entries
        np.take(table.reshape(-1), entries, out=outputs[start : start + _LOOK_UP_ROWS], mode="clip")
    return outputs.reshape(x.shape)


def _prelu_table(graph: Graph, op: PRelu) -> Int8Array:
    """(256, n_channels)."""
    (scale, zero_point), (slope_scale, slope_zero_point) = (_scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    centred = _ALL_CODES[:, None].astype(np.int32) - zero_point  # (256, 1)
    slopes = graph.values(op.inputs[1]).astype(np.int32).reshape(-1) - slope_zero_point
    # TFLite forms both factors in float32
    positive = multiply_by_quantized_multiplier(centred, *quantize_multiplier(float(scale / output_scale)))
    negative_factor = quantize_multiplier(float(scale * slope_scale / output_scale))
    negative = multiply_by_quantized_multiplier(centred * slopes, *negative_factor)
    codes = np.where(centred >= 0, positive, negative) + output_zero_point
    return np.asarray(np.clip(codes, -128, 127), np.int8)


def _add(graph: Graph, op: Add, x: Int8Array, y: Int8Array) -> Int8Array:
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    pairs = [_scale_and_zero_point(graph, name) for name in op.inputs]
    twice_max = 2.0 * float(max(scale for scale, _ in pairs))
    total = np.zeros(x.shape, np.int64)
    for operand, (scale, zero_point) in zip((x, y), pairs, strict=True):
        shifted = (operand.astype(np.int32) - zero_point) << _ADD_LEFT_SHIFT
        total += multiply_by_quantized_multiplier(shifted, *quantize_multiplier(float(scale) / twice_max))
    factor = twice_max / float(np.float32(1 << _ADD_LEFT_SHIFT) * output_scale)
    codes = multiply_by_quantized_multiplier(total, *quantize_multiplier(factor)) + output_zero_point
    return np.clip(codes, *activation_bounds(op.activation, output_scale, output_zero_point)).astype(np.int8)


def _mul(graph: Graph, op: Mul, x: Int8Array, y: Int8Array) -> Int8Array:
    (x_scale, x_zero_point), (y_scale, y_zero_point) = (_scale_and_zero_point(graph, name) for name in op.inputs)
    output_scale, output_zero_point = _scale_and_zero_point(graph, op.output)
    product = (x.astype(np.int32) - x_zero_point) * (y.astype(np.int32) - y_zero_point)
    factor = quantize_multiplier(float(x_scale * y_scale / output_scale))  # in float32, as TFLite does
    codes = multiply_by_quantized_multiplier(product, *factor) + output_zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


def _average_pool(op: AveragePool2D, x: Int8Array) -> Int8Array:
    """Sums rounded half away from zero, (n_positions, n_channels)."""
    sums = pooling_windows(x, op.window, op.stride).sum(axis=1, dtype=np.int32)
    count = op.window[0] * op.window[1]
    magnitudes = (np.abs(sums) + count // 2) // count
    return np.asarray(np.sign(sums) * magnitudes, np.int8)


def _run_op(graph: Graph, op: Op, operands: Sequence[Int8Array]) -> Int8Array:
    """The output from the activations among the operator's inputs."""
    x = operands[0]
    shape = graph.tensors[op.output].shape
    match op:
        case Conv2D():
            return _conv2d(graph, op, x)
        case DepthwiseConv2D():
            return _depthwise_conv2d(graph, op, x)
        case PRelu():
            return _look_up(_prelu_table(graph, op), x)
        case Elu():
            input_quantization, output_quantization = (_scale_and_zero_point(graph, n) for n in (*op.inputs, op.output))
            return _look_up(elu_table(*input_quantization, *output_quantization), x)
        case Logistic():
            return _look_up(logistic_table(*_scale_and_zero_point(graph, op.inputs[0])), x)
        case Add():
            return _add(graph, op, x, operands[1])
        case Mul():
            return _mul(graph, op, x, operands[1])
        case Concat():
            return np.concatenate(operands, axis=3)
        case Pad():
            return pad_time_mel(x, op.padding, _scale_and_zero_point(graph, op.inputs[0])[1])
        case Reshape():
            return x.reshape(shape)
        case AveragePool2D():
            return _average_pool(op, x).reshape(shape)
        case MaxPool2D():
            return np.asarray(pooling_windows(x, op.window, op.stride).max(axis=1), np.int8).reshape(shape)
        case _:
            raise GraphError(f"{type(op).__name__} {op.output} has no int8 form; run the float passes first")
