"""The matrix of signals that the front ends are held to: eleven signals at peak levels of 0, -3, -30, -50, -70 dBFS."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import clip_names, synthesize_clip

N_SAMPLES = 160_000
SAMPLE_RATE_HZ = 16_000
LEVELS_DBFS = (0, -3, -30, -50, -70)
MACHINES = ("fan", "pump", "slider", "valve")
SIGNALS = (
    *MACHINES,
    "sweep",
    "white noise",
    "1 kHz tone, noise 80 dB below",
    "square wave at full scale",
    "one-LSB dither",
    "silence",
    "click in silence",
)
ONE_LEVEL = {  # the only level, and why the cells at the others make no sense
    "square wave at full scale": (0, "full scale is its level"),
    "one-LSB dither": (-90, "one LSB is its level"),
    "silence": (None, "silence has no level"),
}
FEWER_LEVELS = {  # the levels, and why the cells at the others make no sense
    "1 kHz tone, noise 80 dB below": ((0, -3), "from -30 dBFS on its noise is below one LSB"),
}


@dataclass(frozen=True)
class Row:
    """One cell of the matrix."""

    signal: str
    level_dbfs: int | None
    samples: NDArray[np.int16]  # (N_SAMPLES,)

    @property
    def name(self) -> str:
        return self.signal if self.level_dbfs is None else f"{self.signal}, {self.level_dbfs} dBFS"


def left_out() -> tuple[tuple[str, str], ...]:
    """(signal, reason) of the cells that make no sense."""
    return tuple((signal, reason) for signal, (_, reason) in (ONE_LEVEL | FEWER_LEVELS).items())


def rows() -> Iterator[Row]:
    """Every cell that makes sense, 40 of 55."""
    for signal in SIGNALS:
        shape = _shape(signal)
        if signal in ONE_LEVEL:
            yield Row(signal, ONE_LEVEL[signal][0], np.clip(shape, -32768, 32767).astype(np.int16))
            continue
        levels_dbfs, _ = FEWER_LEVELS.get(signal, (LEVELS_DBFS, ""))
        for level_dbfs in levels_dbfs:
            peak = 32768.0 * 10.0 ** (level_dbfs / 20.0)
            scaled = np.rint(shape * (peak / np.abs(shape).max()))
            yield Row(signal, level_dbfs, np.clip(scaled, -32768, 32767).astype(np.int16))


def _shape(signal: str) -> NDArray[np.float64]:
    rng = np.random.default_rng(SIGNALS.index(signal))
    seconds = np.arange(N_SAMPLES) / SAMPLE_RATE_HZ
    match signal:
        case "sweep":
            return _sine(10.0 * seconds + 0.5 * 799.0 * seconds**2)  # 10 to 8000 Hz
        case "white noise":
            return rng.standard_normal(N_SAMPLES)
        case "1 kHz tone, noise 80 dB below":
            noise: NDArray[np.float64] = rng.standard_normal(N_SAMPLES)
            return _sine(1000.0 * seconds) + 7.07e-5 * noise
        case "square wave at full scale":
            return np.where((np.arange(N_SAMPLES) * 441 // 8000) % 2 == 0, 32767.0, -32768.0)
        case "one-LSB dither":
            return np.asarray(rng.integers(-1, 2, N_SAMPLES), np.float64)
        case "silence":
            return np.zeros(N_SAMPLES)
        case "click in silence":
            return np.asarray(np.arange(N_SAMPLES) == 80_123, np.float64)
    config = SynthConfig(n_train=1, n_test_normal=0, n_test_anomaly=0, machine_types=(signal,))
    return np.asarray(synthesize_clip(clip_names(config)[0], config), np.float64)


def _sine(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sin(2.0 * np.pi * turns), np.float64)
