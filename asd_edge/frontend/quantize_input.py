"""Features in dB or FIR units -> the graph's int8 input codes; every int8 rung quantizes with this function."""

import numpy as np
from numpy.typing import NDArray


def quantize_input(values: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """clip(floor(x / scale + 1/2) + zero_point, -128, 127) in float64: halves round up; any shape, same shape out."""
    codes = np.floor(np.asarray(values, np.float64) / float(scale) + 0.5) + zero_point
    return np.asarray(np.clip(codes, -128, 127), np.int8)
