"""A clip at other levels: what the same machine sounds like from nearer by or farther away."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.synthesize.exact_math import amplitude_of_db

_FULL_SCALE = 32767


def at_level(samples: NDArray[np.int16], change_db: float) -> NDArray[np.int16]:
    """`samples` louder or quieter, up to full scale at most; the same ones where that changes nothing."""
    peak = max(int(np.abs(samples.astype(np.int32)).max()), 1)
    factor = min(amplitude_of_db(change_db), max(_FULL_SCALE / peak, 1.0))
    return samples if factor == 1 else np.rint(samples * factor).astype(np.int16)


def level_in_turn_db(index: int, change_db: float) -> float:
    """0, -change_db, change_db, 0, ..."""
    return (0.0, -change_db, change_db)[index % 3]
