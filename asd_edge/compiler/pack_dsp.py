"""Weights as the kernels for cores with the DSP extension read them, and the scratch that those kernels take.

firmware/kernels/asd_kernels_dsp.h has the layout and the same sizes; depthwise weights stay as they are.
"""

import numpy as np
from numpy.typing import NDArray

_TABLE_BYTES = 256  # ASD_DSP_TABLE_BYTES
_MOST_CODES = 8192  # ASD_DSP_MOST_CODES
_TILE_ROWS = 4  # ASD_DSP_TILE_ROWS
DEPTHWISE_SCRATCH_BYTES = _TABLE_BYTES + 4 * 336  # ASD_DSP_DEPTHWISE_SCRATCH_BYTES


def pack_rows(weights: NDArray[np.int8]) -> bytes:
    """[out][...] of a convolution or a 1x1 convolution: each channel's row filled up with zeros to a multiple of 4."""
    rows = weights.reshape(len(weights), -1)
    return np.pad(rows, ((0, 0), (0, _up_to_four(rows.shape[1]) - rows.shape[1]))).tobytes()


def runs_depthwise(kernel: tuple[int, int], stride_mel: int) -> bool:
    """Whether the fast depthwise kernel has a (time, mel) kernel; the plain one, without scratch, runs the others."""
    return kernel == (3, 3) and stride_mel <= 2


def conv2d_scratch_bytes(n_rows: int, n_taps: int) -> int:
    """asd_dsp_conv2d_scratch_bytes: n_rows of the output, n_taps = kernel time * kernel mel * channels in."""
    padded_taps = _up_to_four(n_taps)
    rows = max(_TILE_ROWS, min(_up_to_four(n_rows), _MOST_CODES // padded_taps // 4 * 4))
    return _TABLE_BYTES + rows * (2 * padded_taps + 8) + 4 * padded_taps


def pointwise_scratch_bytes(n_rows: int, n_channels_in: int) -> int:
    """asd_dsp_pointwise_scratch_bytes."""
    return 2 * _up_to_four(n_channels_in) if n_rows == 1 else conv2d_scratch_bytes(n_rows, n_channels_in)


def _up_to_four(count: int) -> int:
    return (count + 3) // 4 * 4
