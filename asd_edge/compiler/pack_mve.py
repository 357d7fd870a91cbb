"""Weights of a convolution in the order in which the kernels for MVE read them (firmware/kernels/asd_kernels_mve.h).

The kernels sum products with codes as they are; what the input's zero point adds is known and goes into the bias.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.stream_graph import Pair

LANES = 16  # taps that one instruction multiplies
GROUP = 4  # output channels that share the codes that are read
PATCH_BYTES = 4096  # of windows in scratch at a time, unless two of them need more
ROW_BYTES = 64  # 16 channels of 4 columns
TILE = 8  # outputs of a depthwise convolution that are requantized at once
MOST_TAPS = 3  # of a depthwise kernel, along either axis
MOST_CHANNELS = 9362  # of a depthwise convolution: offsets of a tile are 16 bits


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """What replaces a step's weights and bias."""

    weights: NDArray[np.int8]  # (n_bytes,)
    bias: NDArray[np.int32]  # (n_channels_out,)


def has_depthwise_kernel(kernel: Pair, stride_mel: int, n_channels: int) -> bool:
    """Whether the depthwise kernel for MVE can run it; else it stays as it is, for the plain kernel."""
    return max(kernel) <= MOST_TAPS and stride_mel in (1, 2) and n_channels <= MOST_CHANNELS


def pack_matrix(weights: NDArray[np.int8], bias: NDArray[np.int32], zero_point: int) -> PackedWeights:
    """Weights (n_out, ...) of a convolution or fully connected layer -> [groups of 4][blocks of 16 taps][4][16]."""
    rows = weights.reshape(len(weights), -1)
    n_out, n_taps = rows.shape
    padded = np.pad(rows, ((0, -n_out % GROUP), (0, -n_taps % LANES)))
    blocks = padded.reshape(padded.shape[0] // GROUP, GROUP, padded.shape[1] // LANES, LANES)
    return PackedWeights(blocks.transpose(0, 2, 1, 3).ravel(), _without_zero_point(rows, bias, zero_point))


def pack_depthwise(weights: NDArray[np.int8], bias: NDArray[np.int32], zero_point: int) -> PackedWeights:
    """Weights (1, time, mel, n_channels) -> [channel][mel][time]."""
    rows = weights[0].transpose(2, 1, 0).reshape(weights.shape[3], -1)
    return PackedWeights(rows.ravel(), _without_zero_point(rows, bias, zero_point))


def matrix_scratch_bytes(n_taps: int, n_mels_out: int, is_pointwise: bool) -> int:
    """Scratch of CONV2D and POINTWISE."""
    if is_pointwise and n_taps % LANES == 0:
        return 0
    row_bytes = n_taps + -n_taps % LANES
    return row_bytes * min(n_mels_out, max(2, PATCH_BYTES // row_bytes // 2 * 2))


def depthwise_scratch_bytes(n_mels_out: int, stride_mel: int) -> int:
    """Scratch of DEPTHWISE."""
    return ROW_BYTES * ((n_mels_out + -n_mels_out % TILE - 1) * stride_mel + 4)


def _without_zero_point(rows: NDArray[np.int8], bias: NDArray[np.int32], zero_point: int) -> NDArray[np.int32]:
    """bias - zero_point * sum of each row, modulo 2^32 as the kernels add."""
    sums: NDArray[np.int64] = rows.sum(axis=1, dtype=np.int64)
    return (bias.astype(np.int64) - zero_point * sums).astype(np.int32)
