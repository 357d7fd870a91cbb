"""int8 embedding and claimed machine -> the log-odds in integers: the twin of asd_arcface_log_odds_s8.c.

The formula is arcface_log_odds.py's; steps, ranges and errors: firmware/scorer/DESIGN.md.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ClipError
from asd_edge.scorer.fixed_head import FixedHead

LOG2_E_Q30 = 1_549_082_005
LN_2_Q30 = 744_261_118
POWER_Q31 = (1_488_521_729, 515_857_119, 118_988_976, 20_066_583, 2_155_280)  # see `exponential`
LOG_BITS = 24


def fixed_log_odds(codes: NDArray[np.int8], head: FixedHead, class_index: int) -> int:
    """Codes (E,) -> log-odds against class `class_index`, Q16.

    Raises ClipError for an embedding without a direction: every code the zero point.
    """
    direction = np.asarray(codes, np.int64) - head.zero_point
    embedding_square = int(direction @ direction)
    if embedding_square == 0:
        raise ClipError("its embedding is all zeros, so it has no score; check the clip and the model")
    rows = head.rows.astype(np.int64)
    dots = (rows @ direction).tolist()
    row_squares = (rows * rows).sum(axis=1).tolist()
    true_logit, greatest, exponentials = 0, -(1 << 31), 0
    for index, (dot, row_square) in enumerate(zip(dots, row_squares, strict=True)):
        squares = embedding_square * row_square
        root, shift = square_root(squares)
        magnitude = _ratio((abs(dot) << shift) << 30, root)
        cosine = -magnitude if dot < 0 else magnitude  # Q30
        if index == class_index:
            true_logit = (
                _margin_cosine(head, cosine, squares - dot * dot, root, shift) * head.scale_q16 + (1 << 22)
            ) >> 23
            continue
        logit = (cosine * head.scale_q16 + (1 << 22)) >> 23  # Q23
        if logit <= greatest:
            exponentials += exponential(greatest - logit)
        else:
            fall = exponential(logit - greatest)
            low = exponentials & 0xFFFF_FFFF
            exponentials = (1 << 31) + (((exponentials >> 32) * fall) << 1) + ((low * fall) >> 31)
            greatest = logit
    log_odds = greatest + logarithm(exponentials) - true_logit  # Q23
    return (log_odds + (1 << 6)) >> 7


def square_root(value: int) -> tuple[int, int]:
    """value in 1..2^64 - 1 -> (root in 2^31..2^32 - 1, shift): sqrt(value) = root / 2^shift."""
    shift = (64 - value.bit_length()) // 2
    return math.isqrt(value << (2 * shift)), shift


def exponential(decay: int) -> int:
    """exp(-decay), Q23 -> Q31.

    1 - 2^-f = f (c1 - f (c2 - f (c3 - f (c4 - f c5)))): (1 - 2^-f) / f interpolated at the Chebyshev nodes of 0..1.
    """
    octaves = decay * LOG2_E_Q30  # Q53
    fraction = (octaves >> 21) & 0xFFFF_FFFF  # Q32
    fall = POWER_Q31[-1]
    for power in reversed(POWER_Q31[:-1]):
        fall = power - ((fraction * fall) >> 32)
    return ((1 << 31) - ((fraction * fall) >> 32)) >> (octaves >> 53)


def logarithm(total: int) -> int:
    """log of a sum of at least 1, Q31 -> Q23."""
    octaves = total.bit_length() - 32
    mantissa = total >> octaves  # Q31, 1..2
    for _ in range(LOG_BITS):
        square = mantissa * mantissa
        is_set = square >> 63
        mantissa = square >> (31 + is_set)
        octaves = 2 * octaves + is_set
    return (octaves * LN_2_Q30) >> 31


def _margin_cosine(head: FixedHead, cosine: int, rest: int, root: int, shift: int) -> int:
    """phi, Q30; rest = squares - dot^2, of which the square root is the sine times the lengths."""
    if cosine <= head.threshold:
        return cosine - head.shortfall
    sine = 0
    if rest != 0:
        side, side_shift = square_root(rest)
        sine = _ratio((side << 30) >> (side_shift - shift), root)
    return (cosine * head.cos_margin - sine * head.sin_margin + (1 << 29)) >> 30


def _ratio(magnitude_q30: int, length: int) -> int:
    """magnitude / length rounded, Q30."""
    return (magnitude_q30 + length // 2) // length
