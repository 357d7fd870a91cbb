"""Log-Mel vectors and the int8 codes that an autoencoder made of them -> the clip's score in integers.

The twin of asd_reconstruction_score_s8.c; the formula is reconstruction_score.py's, the errors are in
firmware/scorer/DESIGN.md.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import CheckpointError, ClipError

ERROR_UNIT = 4096  # per dB
VALUE_BITS = 4  # 1/256 dB -> 1/4096 dB
MULTIPLIER_BITS = 31
MOST_VALUES = 1 << 19  # of a clip: so many squares of at most 2^44.4 fit 64 bits
LARGEST_SCALE, SMALLEST_SCALE = 4.0, 2.0**-40  # dB per code


@dataclass(frozen=True)
class FixedOutputScale:
    """asd_reconstruction_params: floor((code - zero_point) * multiplier / 2^shift + 1/2) in 1/4096 dB."""

    multiplier: int  # 2^30..2^31 - 1
    shift: int  # 17..58
    zero_point: int


def fixed_output_scale(scale: float, zero_point: int) -> FixedOutputScale:
    """real = scale * (code - zero_point) in dB. Raises CheckpointError for a scale that no log-Mel needs."""
    if not SMALLEST_SCALE <= scale < LARGEST_SCALE:
        raise CheckpointError(
            f"an output scale of {scale:g} dB per code can't be scored in integers: it has to be below "
            f"{LARGEST_SCALE:g} and positive; check the calibration of the model"
        )
    mantissa, exponent = math.frexp(scale * ERROR_UNIT)  # mantissa in [1/2, 1)
    multiplier = min(round(mantissa * 2.0**MULTIPLIER_BITS), (1 << MULTIPLIER_BITS) - 1)
    return FixedOutputScale(multiplier, MULTIPLIER_BITS - exponent, zero_point)


def fixed_reconstruction_score(vectors_256: NDArray[np.int16], codes: NDArray[np.int8], scale: FixedOutputScale) -> int:
    """Vectors (n, v) in 1/256 dB as the front end gives them, codes (n, v) -> mean squared error in dB^2, Q16.

    Raises ClipError for a clip without a vector, or of more values than MOST_VALUES.
    """
    n_values = codes.size
    if not 0 < n_values <= MOST_VALUES:
        raise ClipError(f"it has {n_values} values to score, not 1 to {MOST_VALUES}; cut it into shorter clips")
    products = (codes.astype(np.int64) - scale.zero_point) * scale.multiplier
    made = (products + (1 << (scale.shift - 1))) >> scale.shift
    errors = (vectors_256.astype(np.int64) << VALUE_BITS) - made
    total = int((errors * errors).astype(np.uint64).sum())
    units = n_values << 8
    return (total + units // 2) // units
