"""A sound that the small detector knows nothing of, and files of sound."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.listen.small_detector import RATE_HZ, WINDOW


def rattling(n_windows: float, seed: int) -> NDArray[np.int16]:
    """Quiet noise under a tone at 0.8 kHz that comes and goes."""
    time = np.arange(round(n_windows * WINDOW))
    tone = 3000 * np.sin(0.314 * time) * (time % 4096 < 1024)
    return np.asarray(np.rint(tone + np.random.default_rng(seed).normal(0, 40, time.size)), np.int16)


def write_sound(path: Path, samples: NDArray[np.int16]) -> Path:
    """16 bits at 16 kHz; `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return path
