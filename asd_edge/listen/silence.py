"""Samples -> the stretches in which the microphone gives nothing: constant, or within a step or two of a constant."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.listen.config import RATE_HZ, SilenceConfig

BLOCK = 512  # samples; a stretch begins and ends with one


class SilenceTracker:
    """Follows one stream of blocks; a stretch counts from SilenceConfig.seconds on."""

    def __init__(self, config: SilenceConfig) -> None:
        self._config = config
        self._shortest = round(config.seconds * RATE_HZ)
        self._low, self._high = 0, 0
        self._start: int | None = None  # of the present run of blocks
        self._stretches: list[tuple[int, int]] = []  # [start, end), the newest may still grow
        self.is_silent = False

    def hear(self, block: NDArray[np.int16], index: int) -> None:
        """The next block, from sample `index` on."""
        low, high = int(block.min()), int(block.max())
        if self._start is not None:
            joined = min(low, self._low), max(high, self._high)
            if joined[1] - joined[0] <= self._config.peak_to_peak:
                self._low, self._high = joined
                self._grow(index + block.size)
                return
        is_quiet = high - low <= self._config.peak_to_peak
        self._start, self._low, self._high, self.is_silent = index if is_quiet else None, low, high, False
        if is_quiet:
            self._grow(index + block.size)

    def _grow(self, end: int) -> None:
        assert self._start is not None, "only a run grows"
        if end - self._start < self._shortest:
            return
        if self.is_silent:
            self._stretches.pop()
        self._stretches.append((self._start, end))
        self.is_silent = True

    def interrupt(self) -> None:
        """The stream has a gap: what comes next begins a new run."""
        self._start, self.is_silent = None, False

    def touches(self, start: int, end: int) -> bool:
        """Whether a silent stretch lies in [start, end)."""
        return any(first < end and start < last for first, last in self._stretches)

    def forget_before(self, index: int) -> None:
        """No one will ask about samples before `index`."""
        self._stretches = [stretch for stretch in self._stretches if stretch[1] > index]
