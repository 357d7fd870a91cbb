"""Runs an int8 Graph in NumPy, bit for bit as TFLite's reference kernels do: the definition that every core is held to.

Products of a convolution are summed in float32 by BLAS, which is exact here: activations minus zero point lie in
[-255, 255], weights in [-128, 127], and a slice of at most 512 products stays below 2^24. An operator whose output is
a function of one code (and its channel) is computed for all 256 codes and looked up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
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
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
)
from asd_edge.graph.windows import pad_time_mel, shifted_views, windows_as_rows
from quantization.elementwise import ALL_CODES, add, leaky_relu_table, mul, prelu_table, rescale_table
from quantization.factors import convolution_factors, fully_connected_factors, output_bounds, scale_and_zero_point
from quantization.fixed_point import requantize
from quantization.lookup_tables import elu_table, logistic_table, tanh_table
from quantization.pooling import average_pool, max_pool, mean
from quantization.softmax import softmax
from quantization.wide_factor import multiply_wide

Int8Array = NDArray[np.int8]
_EXACT_PRODUCTS = 512  # 512 * 255 * 128 < 2^24
_LOOK_UP_ROWS = 512  # positions at a time, so that their indices stay in cache


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
        operands = [activations[name] if name in activations else graph.values(name) for name in op.inputs]
        activations[op.output] = _run_op(graph, op, operands)
    return activations


def _requantize(graph: Graph, op: Conv2D | DepthwiseConv2D, sums: NDArray[np.int32]) -> Int8Array:
    """int32 accumulators (n_positions, n_outputs) -> int8 codes of the output."""
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    return requantize(sums, *convolution_factors(graph, op), output_zero_point, output_bounds(graph, op))


def _conv2d(graph: Graph, op: Conv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]), graph.values(op.inputs[2]).astype(np.int32)
    _, zero_point = scale_and_zero_point(graph, op.inputs[0])
    padded = pad_time_mel(x, op.padding, zero_point)
    rows = windows_as_rows(padded, weights.shape[1:3], op.stride).astype(np.float32)
    rows -= zero_point
    columns = weights.reshape(len(weights), -1).astype(np.float32).T
    sums = np.broadcast_to(bias, (len(rows), len(weights))).copy()
    for start in range(0, rows.shape[1], _EXACT_PRODUCTS):
        part = slice(start, start + _EXACT_PRODUCTS)
        sums += (rows[:, part] @ columns[part]).astype(np.int32)
    return _requantize(graph, op, sums).reshape(graph.tensors[op.output].shape)


def _fully_connected(graph: Graph, op: FullyConnected, x: Int8Array) -> Int8Array:
    weights, bias = (graph.values(name).astype(np.int32) for name in op.inputs[1:])
    _, zero_point = scale_and_zero_point(graph, op.inputs[0])
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    sums = weights @ (x.ravel().astype(np.int32) - zero_point) + bias
    codes = multiply_wide(sums[None], fully_connected_factors(graph, op)) + output_zero_point
    return np.asarray(np.clip(codes, *output_bounds(graph, op)), np.int8).reshape(graph.tensors[op.output].shape)


def _depthwise_conv2d(graph: Graph, op: DepthwiseConv2D, x: Int8Array) -> Int8Array:
    weights, bias = graph.values(op.inputs[1]).astype(np.int32), graph.values(op.inputs[2]).astype(np.int32)
    _, zero_point = scale_and_zero_point(graph, op.inputs[0])
    shape = graph.tensors[op.output].shape
    if weights.shape[1:3] == (1, 1):
        table = _requantize(graph, op, (ALL_CODES[:, None].astype(np.int32) - zero_point) * weights[0, 0] + bias)
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


def _run_op(graph: Graph, op: Op, operands: Sequence[NDArray[Any]]) -> Int8Array:
    """The output from the operator's inputs, constants included."""
    x = operands[0]
    shape = graph.tensors[op.output].shape
    match op:
        case Conv2D():
            return _conv2d(graph, op, x)
        case DepthwiseConv2D():
            return _depthwise_conv2d(graph, op, x)
        case FullyConnected():
            return _fully_connected(graph, op, x)
        case Relu() | Requantize():
            return _look_up(rescale_table(graph, op), x)
        case PRelu():
            return _look_up(prelu_table(graph, op), x)
        case LeakyRelu():
            return _look_up(leaky_relu_table(graph, op), x)
        case Elu():
            input_quantization, output_quantization = (scale_and_zero_point(graph, n) for n in (*op.inputs, op.output))
            return _look_up(elu_table(*input_quantization, *output_quantization), x)
        case Logistic():
            return _look_up(logistic_table(*scale_and_zero_point(graph, op.inputs[0])), x)
        case Tanh():
            return _look_up(tanh_table(*scale_and_zero_point(graph, op.inputs[0])), x)
        case Softmax():
            return softmax(x, scale_and_zero_point(graph, op.inputs[0])[0], op.beta)
        case Add():
            return add(graph, op, x, operands[1])
        case Mul():
            return mul(graph, op, x, operands[1])
        case Maximum():
            return np.asarray(np.maximum(x, operands[1]), np.int8)
        case Concat():
            return np.concatenate(operands, axis=3)
        case Pad():
            return pad_time_mel(x, op.padding, scale_and_zero_point(graph, op.inputs[0])[1])
        case Reshape():
            return x.reshape(shape)
        case AveragePool2D():
            return average_pool(graph, op, x).reshape(shape)
        case MaxPool2D():
            return max_pool(graph, op, x).reshape(shape)
        case Mean():
            return mean(graph, op, x)
        case _:
            raise GraphError(f"{type(op).__name__} {op.output} has no int8 form; run the float passes first")
