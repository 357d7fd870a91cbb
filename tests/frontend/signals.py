"""Clips that stress a front end, (clip_samples,) int16, by name."""

import numpy as np
from numpy.typing import NDArray

N_SAMPLES, RATE_HZ = 160_000, 16_000


def _int16(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def _clicks(*positions: int) -> NDArray[np.int16]:
    samples = np.zeros(N_SAMPLES, np.int16)
    samples[list(positions)] = 32767
    return samples


_TIME_S = np.arange(N_SAMPLES) / RATE_HZ
_NOISE = np.random.default_rng(11).standard_normal(N_SAMPLES)

SIGNALS: dict[str, NDArray[np.int16]] = {
    "noise at -20 dBFS": _int16(0.1 * _NOISE),
    "noise of one step": _int16(_NOISE / 32768.0),
    "tone at full scale": _int16(np.sin(2 * np.pi * 1000.0 * _TIME_S)),
    "sweep to 8 kHz": _int16(0.5 * np.sin(2 * np.pi * 400.0 * _TIME_S**2)),
    "full-scale square": np.where(_TIME_S * 441.0 % 1.0 < 0.5, 32767, -32768).astype(np.int16),
    "constant at -1": np.full(N_SAMPLES, -32768, np.int16),
    "silence": np.zeros(N_SAMPLES, np.int16),
    # a click within half a window of an end shows whether the clip is reflected, and about which sample
    "clicks at the edges": _clicks(1, 130, 511, N_SAMPLES - 2, N_SAMPLES - 300),
    "click on the first sample": _clicks(0),
    "click on the last sample": _clicks(N_SAMPLES - 1),
}
