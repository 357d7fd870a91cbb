"""Head rows, scale and margin -> the integers with which fixed_log_odds and asd_arcface_log_odds_s8 score.

Formulas, ranges and the error that the rows' rounding makes: firmware/scorer/DESIGN.md.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import CheckpointError

MOST_CLASSES, MOST_EMBEDDING = 65_535, 512
MOST_SCALE = 128.0
LARGEST_WEIGHT = 32_767
SCALE_BITS, MARGIN_BITS = 16, 30
MOST_ERROR = 0.02  # of the log-odds, for any embedding
ARITHMETIC_ERROR = 1e-4  # of it, everything but the rows' rounding


@dataclass(frozen=True)
class FixedHead:
    """asd_arcface_params: the head's rows, each in steps of its own, and the margin m."""

    rows: NDArray[np.int16]  # (n_classes, embedding_size)
    zero_point: int  # of the embedding
    scale_q16: int
    cos_margin: int  # cos(m), Q30
    sin_margin: int  # sin(m), Q30
    threshold: int  # cos(pi - m), Q30
    shortfall: int  # m sin(pi - m), Q30


def fixed_head(head_rows: NDArray[np.floating], scale: float, margin: float, zero_point: int) -> FixedHead:
    """head_rows (n_classes, E), margin in radians, zero_point of the int8 embedding.

    Raises CheckpointError for settings out of range, a row without a direction, and a head whose rounded rows could
    move a score by more than MOST_ERROR.
    """
    rows = np.asarray(head_rows, np.float64)
    if rows.ndim != 2 or not (2 <= len(rows) <= MOST_CLASSES and 1 <= rows.shape[1] <= MOST_EMBEDDING):
        raise CheckpointError(
            f"a head of shape {rows.shape} can't be scored in integers: it takes 2 to {MOST_CLASSES} classes and "
            f"embeddings of 1 to {MOST_EMBEDDING}; use --backends tflite"
        )
    if not (1.0 <= scale <= MOST_SCALE and 0.0 <= margin <= math.pi and -128 <= zero_point <= 127):
        raise CheckpointError(
            f"a scale of {scale:g}, a margin of {margin:g} and a zero point of {zero_point} can't be scored in "
            f"integers: they have to lie in 1 to {MOST_SCALE:g}, 0 to pi and -128 to 127; train with others"
        )
    lengths = np.linalg.norm(rows, axis=1)
    if not (np.isfinite(lengths) & (lengths > 0.0)).all():
        raise CheckpointError("a row of the head is all zeros or not finite; train or export the model again")
    fixed_rows = _quantize_rows(rows)
    worst = 2.0 * scale * row_distance(rows, fixed_rows)
    if worst > MOST_ERROR - ARITHMETIC_ERROR:
        raise CheckpointError(
            f"the head's rows as int16 could move a score by {worst:.3f}, more than {MOST_ERROR:g}; "
            "use a smaller scale or embedding"
        )
    return FixedHead(
        rows=fixed_rows,
        zero_point=zero_point,
        scale_q16=round(scale * 2**SCALE_BITS),
        cos_margin=_q30(math.cos(margin)),
        sin_margin=_q30(math.sin(margin)),
        threshold=_q30(math.cos(math.pi - margin)),
        shortfall=_q30(margin * math.sin(math.pi - margin)),
    )


def row_distance(head_rows: NDArray[np.floating], fixed_rows: NDArray[np.int16]) -> float:
    """The greatest distance between a row and its integers, both brought to length 1: no cosine is off by more."""
    return float(np.linalg.norm(_unit(head_rows) - _unit(fixed_rows), axis=1).max())


def _quantize_rows(rows: NDArray[np.float64]) -> NDArray[np.int16]:
    """The largest weight of each row becomes 32767; the others are rounded, halves away from zero."""
    steps = rows * (LARGEST_WEIGHT / np.abs(rows).max(axis=1, keepdims=True))
    return np.asarray(np.copysign(np.floor(np.abs(steps) + 0.5), steps), np.int16)


def _unit(rows: NDArray[np.floating] | NDArray[np.int16]) -> NDArray[np.float64]:
    exact = np.asarray(rows, np.float64)
    return np.asarray(exact / np.linalg.norm(exact, axis=1, keepdims=True), np.float64)


def _q30(value: float) -> int:
    return round(value * 2.0**MARGIN_BITS)
