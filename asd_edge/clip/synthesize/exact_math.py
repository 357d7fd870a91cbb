"""Sine, exponential and sums from IEEE-exact operations only, so that a clip has the same bytes on every CPU.

IEEE 754 fixes the result of + - * / and sqrt to the last bit; it doesn't fix sin, exp, pow, nor the order in which a
vectorized sum, dot product or FFT adds. So only the former are used here, one NumPy ufunc per operation (which also
keeps the C compiler from fusing a product and a sum). The polynomials are Taylor series on a reduced argument.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TAU = 6.283185307179586  # 2 pi
LN_2 = 0.6931471805599453
LN_10 = 2.302585092994046
_N_SINE_TERMS = 8  # up to x^15: below 7e-12 on [-pi/2, pi/2]
_N_EXP_TERMS = 15  # below 1e-18 on [-ln 2 / 2, ln 2 / 2]


def _sine_coefficients() -> tuple[float, ...]:
    """Coefficients of x, x^3, x^5, ... of sin(2 pi x)."""
    coefficients = [TAU]
    for term in range(1, _N_SINE_TERMS):
        coefficients.append(-coefficients[-1] * TAU * TAU / float(2 * term * (2 * term + 1)))
    return tuple(coefficients)


_SINE_COEFFICIENTS = _sine_coefficients()


def cos_turns(phase: FloatArray) -> FloatArray:
    """cos(2 pi phase) of a phase in turns, element by element; absolute error below 1e-11."""
    reduced = phase - np.floor(phase + 0.5)  # [-0.5, 0.5)
    reduced = 0.25 - np.abs(reduced)  # cos(2 pi r) = sin(2 pi (1/4 - |r|)), argument in [-0.25, 0.25]
    squared = reduced * reduced
    total = np.full_like(squared, _SINE_COEFFICIENTS[-1])
    for coefficient in _SINE_COEFFICIENTS[-2::-1]:
        total *= squared
        total += coefficient
    total *= reduced
    return total


def cos_turn(phase: float) -> float:
    """cos(2 pi phase) of one phase in turns."""
    return float(cos_turns(np.array([phase]))[0])


def exponential(exponent: float) -> float:
    """e to the power of `exponent` (|exponent| < 700); relative error below 1e-15 + 1.5e-16 * |exponent|."""
    octaves = int(np.floor(exponent / LN_2 + 0.5))
    rest = exponent - octaves * LN_2
    result = 1.0
    for term in range(_N_EXP_TERMS, 0, -1):
        result = 1.0 + result * rest / float(term)
    factor = 2.0 if octaves > 0 else 0.5
    for _ in range(abs(octaves)):
        result *= factor
    return result


def amplitude_of_db(level_db: float) -> float:
    """The amplitude factor of a level in dB: 10^(level_db / 20)."""
    return exponential(level_db * (LN_10 / 20.0))


def decay_curve(n_samples: int, ratio: float) -> FloatArray:
    """1, ratio, ratio^2, ... (n_samples,) by doubling the part that is known."""
    curve = np.ones(n_samples)
    n_known, power = 1, ratio
    while n_known < n_samples:
        n_new = min(n_known, n_samples - n_known)
        curve[n_known : n_known + n_new] = curve[:n_new] * power
        n_known += n_new
        power *= power
    return curve


def root_mean_square(signal: FloatArray) -> float:
    """The effective value, added from left to right (cumsum is sequential by definition; sum is not)."""
    return float(np.sqrt(np.cumsum(signal * signal)[-1] / float(signal.size)))
