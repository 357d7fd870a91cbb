"""Samples as they come -> log-Mel columns by the firmware's front end, the very frames that the model sees.

Frame t is centred on sample 512 t of the stream and reads 512 samples to either side, so it is there one hop later.
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.native import N_MELS, NativeCodeScale, run_frontend

HOP_SAMPLES = 512
LOWEST_DB, STEPS_PER_DB = -80, 2  # a column's byte b stands for LOWEST_DB + b / STEPS_PER_DB
_LEAST_FRAMES = 4  # at a time: the ends of each run, two frames, are thrown away
_UNUSED = NativeCodeScale((1 << 31) - 1, 1 << 30, 32, 0, 0)  # codes aren't looked at
Samples = NDArray[np.int16]


class Spectrogram:
    """Of one machine."""

    def __init__(self) -> None:
        self._samples: Samples = np.empty(0, np.int16)  # from a frame's centre on
        self._start = 0  # sample index of the first

    def push(self, samples: Samples, sample_index: int) -> tuple[int, NDArray[np.uint8]]:
        """(n,) int16 -> index of the first new frame and (n_frames, 128) uint8; after a gap the frames at it are
        missing."""
        if self._start + self._samples.size != sample_index:
            self._samples, self._start = samples, sample_index
        else:
            self._samples = np.concatenate([self._samples, samples])
        skipped = min(self._samples.size, -self._start % HOP_SAMPLES)
        self._samples, self._start = self._samples[skipped:], self._start + skipped
        first, n_hops = self._start // HOP_SAMPLES + 1, self._samples.size // HOP_SAMPLES
        if n_hops <= _LEAST_FRAMES:
            return first, np.empty((0, N_MELS), np.uint8)
        frames = run_frontend(self._samples[: n_hops * HOP_SAMPLES], _UNUSED, _UNUSED, None).log_mel[1:n_hops]
        self._samples = self._samples[(n_hops - 1) * HOP_SAMPLES :]
        self._start += (n_hops - 1) * HOP_SAMPLES
        return first, bytes_of_log_mel(frames)


def bytes_of_log_mel(log_mel: NDArray[np.int16]) -> NDArray[np.uint8]:
    """1/256 dB -> uint8 of the same shape, saturated."""
    steps = (log_mel.astype(np.int32) - 256 * LOWEST_DB + 64) * STEPS_PER_DB // 256
    return np.clip(steps, 0, 255).astype(np.uint8)
