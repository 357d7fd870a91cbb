"""ELU, logistic and tanh in int8: 256-entry tables, one output for each input code -128..127.

They follow LiteRT's kernels, which fill such a table too: the function in float32, one rounding half away from zero.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LOGISTIC_SCALE, LOGISTIC_ZERO_POINT = np.float32(1 / 256), -128  # of the output, fixed by TFLite's quantization spec
TANH_SCALE, TANH_ZERO_POINT = np.float32(1 / 128), 0  # likewise
_FAR = 80.0  # exp(80) is finite in float32, and the logistic there is 0 or 1 in any int8 scale

FloatArray = NDArray[np.float32]


def elu_table(
    input_scale: np.float32, input_zero_point: int, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8]:
    """Entry q + 128 is the ELU of input code q: x where x >= 0, else exp(x) - 1; (256,) int8."""

    def elu(x: FloatArray) -> FloatArray:
        return np.where(x < 0, _exp(np.minimum(x, 0)) - np.float32(1), x)

    return _table(elu, (input_scale, input_zero_point), (output_scale, output_zero_point))


def logistic_table(input_scale: np.float32, input_zero_point: int) -> NDArray[np.int8]:
    """Entry q + 128 is 1 / (1 + exp(-x)) of input code q; (256,) int8."""

    def logistic(x: FloatArray) -> FloatArray:
        return np.float32(1) / (np.float32(1) + _exp(-np.clip(x, -_FAR, _FAR)))

    return _table(logistic, (input_scale, input_zero_point), (LOGISTIC_SCALE, LOGISTIC_ZERO_POINT))


def tanh_table(input_scale: np.float32, input_zero_point: int) -> NDArray[np.int8]:
    """Entry q + 128 is tanh(x) of input code q; (256,) int8."""

    def tanh(x: FloatArray) -> FloatArray:
        return np.tanh(x.astype(np.float64)).astype(np.float32)

    return _table(tanh, (input_scale, input_zero_point), (TANH_SCALE, TANH_ZERO_POINT))


def _exp(x: FloatArray) -> FloatArray:
    """exp rounded correctly to float32: NumPy's own float32 exp differs in the last bit from processor to processor."""
    return np.exp(x.astype(np.float64)).astype(np.float32)


def _table(
    function: Callable[[FloatArray], FloatArray], source: tuple[np.float32, int], target: tuple[np.float32, int]
) -> NDArray[np.int8]:
    """A function of real values as a function of codes; `source` and `target` are (scale, zero_point)."""
    codes = np.arange(-128, 128, dtype=np.float32)
    y = function(source[0] * (codes - np.float32(source[1]))) * (np.float32(1) / target[0])
    # as C's round; in float64, because 0.5 - 2^-25 + 0.5 is 1 in float32
    rounded = np.trunc(y.astype(np.float64) + np.copysign(0.5, y))
    return np.asarray(np.clip(rounded + target[1], -128, 127), np.int8)
