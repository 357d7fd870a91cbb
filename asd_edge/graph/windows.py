"""Windows of an activation as arrays, shared by both interpreters: padding, im2col, depthwise shifts."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.ops import AveragePool2D, Padding, output_size

Number = TypeVar("Number", bound=np.generic)


def pad_time_mel(x: NDArray[Number], padding: Padding, value: float) -> NDArray[Number]:
    """x (1, time, mel, channels) with `value` around time and mel."""
    if padding == Padding():
        return x
    widths = ((0, 0), (padding.time_before, padding.time_after), (padding.mel_before, padding.mel_after), (0, 0))
    return np.pad(x, widths, constant_values=value)


def windows_as_rows(x: NDArray[Number], kernel: tuple[int, int], stride: tuple[int, int]) -> NDArray[Number]:
    """im2col: padded x (1, time, mel, channels) -> (out_time * out_mel, kernel_time * kernel_mel * channels)."""
    _, time, mel, channels = x.shape
    out_time, out_mel = (output_size(*size) for size in zip((time, mel), kernel, stride, strict=True))
    if kernel == (1, 1):
        return x[0, :: stride[0], :: stride[1]].reshape(out_time * out_mel, channels)
    view = np.lib.stride_tricks.sliding_window_view(x[0], kernel, axis=(0, 1))[:: stride[0], :: stride[1]]
    # view: (out_time, out_mel, channels, kernel_time, kernel_mel)
    return view.transpose(0, 1, 3, 4, 2).reshape(out_time * out_mel, kernel[0] * kernel[1] * channels)


def pooling_windows(x: NDArray[Number], window: tuple[int, int], stride: tuple[int, int]) -> NDArray[Number]:
    """x (1, time, mel, channels) -> (out_time * out_mel, window_time * window_mel, channels)."""
    rows = windows_as_rows(x, window, stride)
    return rows.reshape(len(rows), window[0] * window[1], x.shape[3])


def average_counts(x: NDArray[np.generic], op: AveragePool2D) -> NDArray[np.int64]:
    """How many values each window holds without what padding adds: (out_time * out_mel,)."""
    ones = pad_time_mel(np.ones((*x.shape[:3], 1), np.int64), op.padding, 0)
    return np.asarray(pooling_windows(ones, op.window, op.stride).sum(axis=(1, 2)), np.int64)


def shifted_views(
    x: NDArray[Number], kernel: tuple[int, int], stride: tuple[int, int]
) -> Iterator[tuple[int, int, NDArray[Number]]]:
    """For each tap of a window: (kernel_time, kernel_mel, the samples that it meets (out_time, out_mel, channels))."""
    _, time, mel, _ = x.shape
    out_time, out_mel = (output_size(*size) for size in zip((time, mel), kernel, stride, strict=True))
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            rows = slice(row, row + (out_time - 1) * stride[0] + 1, stride[0])
            columns = slice(column, column + (out_mel - 1) * stride[1] + 1, stride[1])
            yield row, column, x[0, rows, columns]
