"""Frames of int16 samples -> power spectrum in 64 bits: Hann window, 512-point complex FFT, split into 511 real bins.

Decimation in time: one radix-8 pass with the window in it, three radix-4 passes, each of which divides by the number
of terms that it adds, so that no sum can overflow (firmware/frontend/DESIGN.md derives every shift).
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.fixed_point import IntArray, check_int32, multiply_high
from asd_edge.frontend.fixed_tables import DIGIT_REVERSED, INV_SQRT2_Q31, N_COMPLEX, RADIX4_SPANS, fixed_tables

ComplexInt = tuple[IntArray, IntArray]  # real and imaginary part
_QUARTER_Q31 = 1 << 30  # multiply_high by it divides by 4


def power_spectrum(frames: NDArray[np.int16]) -> IntArray:
    """(n_frames, 1024) int16 -> (n_frames, 511) |X|^2 of bins 1..511 in units of 2^-44, below 2^62."""
    spectrum = window_radix8(frames)
    for span, twiddles in zip(RADIX4_SPANS, fixed_tables().twiddles, strict=True):
        spectrum = radix4_pass(spectrum, span, twiddles)
    return split_power(spectrum)


def window_radix8(frames: NDArray[np.int16]) -> ComplexInt:
    """(n_frames, 1024) int16 -> real and imaginary part (n_frames, 512) Q31: 64 windowed 8-point DFTs, divided by 8.

    Butterfly r takes the points r + 64 * j; it stands where the radix-4 passes expect it, r's digits reversed.
    """
    samples = frames.astype(np.int64).reshape(-1, 8, 64, 2).transpose(0, 2, 1, 3)  # (n_frames, r, j, re / im)
    windowed = (samples * fixed_tables().window) >> 16
    windowed = windowed[:, DIGIT_REVERSED]
    points = [(windowed[:, :, j, 0], windowed[:, :, j, 1]) for j in range(8)]
    outputs = _dft8(points)
    real = np.stack([output[0] for output in outputs], axis=2).reshape(-1, N_COMPLEX)
    imag = np.stack([output[1] for output in outputs], axis=2).reshape(-1, N_COMPLEX)
    return check_int32(real, "first pass"), check_int32(imag, "first pass")


def _dft8(x: list[ComplexInt]) -> list[ComplexInt]:
    even = _dft4(x[0], x[2], x[4], x[6])
    odd = _dft4(x[1], x[3], x[5], x[7])
    turned = (
        odd[0],
        _twice_high(odd[1][0] + odd[1][1], odd[1][1] - odd[1][0]),  # * (1 - i) / sqrt(2)
        (odd[2][1], -odd[2][0]),  # * -i
        _twice_high(odd[3][1] - odd[3][0], -odd[3][0] - odd[3][1]),  # * (-1 - i) / sqrt(2)
    )
    first = [(e[0] + o[0], e[1] + o[1]) for e, o in zip(even, turned, strict=True)]
    second = [(e[0] - o[0], e[1] - o[1]) for e, o in zip(even, turned, strict=True)]
    return first + second


def _dft4(x0: ComplexInt, x1: ComplexInt, x2: ComplexInt, x3: ComplexInt) -> list[ComplexInt]:
    sum02, difference02 = _checked(x0[0] + x2[0], x0[1] + x2[1]), _checked(x0[0] - x2[0], x0[1] - x2[1])
    sum13, difference13 = _checked(x1[0] + x3[0], x1[1] + x3[1]), _checked(x1[0] - x3[0], x1[1] - x3[1])
    return [
        (sum02[0] + sum13[0], sum02[1] + sum13[1]),
        (difference02[0] + difference13[1], difference02[1] - difference13[0]),
        (sum02[0] - sum13[0], sum02[1] - sum13[1]),
        (difference02[0] - difference13[1], difference02[1] + difference13[0]),
    ]


def _checked(real: IntArray, imag: IntArray) -> ComplexInt:
    return check_int32(real, "sum of two"), check_int32(imag, "sum of two")


def _twice_high(real: IntArray, imag: IntArray) -> ComplexInt:
    """1 / sqrt(2) of both parts: the Q31 product halves, so it counts twice."""
    return 2 * multiply_high(real, INV_SQRT2_Q31), 2 * multiply_high(imag, INV_SQRT2_Q31)


def radix4_pass(spectrum: ComplexInt, span: int, twiddles: IntArray) -> ComplexInt:
    """Four DFTs of `span` points each, side by side, become one of 4 * span, divided by 4. (n_frames, 512) in and out.

    twiddles (span, 3, 2) Q30: cos and sin of 2 pi q k / (4 span).
    """
    real, imag = (part.reshape(-1, N_COMPLEX // (4 * span), 4, span) for part in spectrum)
    inputs = [(multiply_high(real[:, :, 0], _QUARTER_Q31), multiply_high(imag[:, :, 0], _QUARTER_Q31))]
    for q in range(1, 4):
        cos, sin = twiddles[:, q - 1, 0], twiddles[:, q - 1, 1]
        re, im = real[:, :, q], imag[:, :, q]
        inputs.append(
            (
                multiply_high(re, cos) + multiply_high(im, sin),
                multiply_high(im, cos) + multiply_high(re, -sin),
            )
        )
    outputs = _dft4(*inputs)
    joined = [np.stack([output[part] for output in outputs], axis=2).reshape(-1, N_COMPLEX) for part in (0, 1)]
    return check_int32(joined[0], "radix-4 pass"), check_int32(joined[1], "radix-4 pass")


def split_power(spectrum: ComplexInt) -> IntArray:
    """Z (n_frames, 512) Q31, 1/512 of the complex DFT -> |X_k|^2 (n_frames, 511), k = 1..511, X 1/512 of the real DFT.

    With U = Z_k + conj(Z_(512-k)) and V = Z_k - conj(Z_(512-k)): X_k = U / 2 + W, X_(512-k) = conj(U / 2 - W), where
    W = -i exp(-2 pi i k / 1024) V / 2. Bin 256 is conj(Z_256).
    """
    real, imag = spectrum
    low, high = slice(1, N_COMPLEX // 2), slice(N_COMPLEX - 1, N_COMPLEX // 2, -1)  # k and 512 - k
    cos, sin = fixed_tables().split.T
    sum_re = check_int32(real[:, low] + real[:, high], "split") >> 1
    sum_im = check_int32(imag[:, low] - imag[:, high], "split") >> 1
    diff_re = check_int32(real[:, low] - real[:, high], "split")
    diff_im = check_int32(imag[:, low] + imag[:, high], "split")
    turned_re = multiply_high(diff_im, cos) + multiply_high(diff_re, -sin)
    turned_im = multiply_high(diff_re, cos) + multiply_high(diff_im, sin)  # its sign is turned
    power = np.empty((len(real), N_COMPLEX - 1), np.int64)
    power[:, : N_COMPLEX // 2 - 1] = _square(sum_re + turned_re, sum_im - turned_im)
    power[:, N_COMPLEX // 2 - 1] = _square(real[:, N_COMPLEX // 2], imag[:, N_COMPLEX // 2])
    power[:, : N_COMPLEX // 2 - 1 : -1] = _square(sum_re - turned_re, sum_im + turned_im)
    return power


def _square(real: IntArray, imag: IntArray) -> IntArray:
    check_int32(real, "split")
    check_int32(imag, "split")
    return real * real + imag * imag
