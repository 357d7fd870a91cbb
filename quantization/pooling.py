"""Int8 operators that gather positions: average and maximum over windows, mean over whole axes."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import AveragePool2D, MaxPool2D, Mean
from asd_edge.graph.windows import average_counts, pad_time_mel, pooling_windows
from quantization.factors import mean_count, mean_factor, output_bounds, scale_and_zero_point
from quantization.fixed_point import multiply_by_quantized_multiplier

Int8Array = NDArray[np.int8]


def average_pool(graph: Graph, op: AveragePool2D, x: Int8Array) -> Int8Array:
    """Sum of the codes of a window / their count, rounded half away from zero; (n_positions, n_channels)."""
    padded = pad_time_mel(x, op.padding, 0)  # a code of 0 adds nothing to a sum of codes
    sums = pooling_windows(padded, op.window, op.stride).sum(axis=1, dtype=np.int32)
    counts = average_counts(x, op)[:, None]
    codes = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return np.asarray(np.clip(codes, *output_bounds(graph, op)), np.int8)


def max_pool(graph: Graph, op: MaxPool2D, x: Int8Array) -> Int8Array:
    """(n_positions, n_channels)."""
    padded = pad_time_mel(x, op.padding, -128)
    codes = pooling_windows(padded, op.window, op.stride).max(axis=1)
    return np.asarray(np.clip(codes, *output_bounds(graph, op)), np.int8)


def mean(graph: Graph, op: Mean, x: Int8Array) -> Int8Array:
    """The sum of codes minus zero point, rescaled and divided by one factor; the axes stay as ones."""
    _, zero_point = scale_and_zero_point(graph, op.inputs[0])
    _, output_zero_point = scale_and_zero_point(graph, op.output)
    sums = x.sum(axis=op.axes, keepdims=True, dtype=np.int64) - zero_point * mean_count(graph, op)
    codes = multiply_by_quantized_multiplier(sums, *mean_factor(graph, op)) + output_zero_point
    return np.asarray(np.clip(codes, -128, 127), np.int8)
