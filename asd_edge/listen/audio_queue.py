"""Audio between the thread that hears a source and the one that scores it: bounded; what it loses are whole windows.

The rule of firmware/engine/asd_audio_buffer.c: where there is no room, the rest of that window is dropped, what waits
of it too, and the next window begins at its boundary. Windows go on being dropped until there is room for one.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Int16Array = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Audio:
    """(n,) int16 at 16 kHz, from sample `index` of the machine's on."""

    samples: Int16Array
    index: int


@dataclass(frozen=True)
class Gap:
    """All samples before `until` that didn't come were dropped."""

    until: int


@dataclass(frozen=True)
class Break:
    """What the source did at sample `index`. But for `running`, what comes behind it doesn't join what was before."""

    state: Literal["running", "lost", "recovered", "ended"]
    index: int
    detail: str


Item = Audio | Gap | Break


class AudioQueue:
    """One thread puts, one pops."""

    def __init__(self, room_samples: int, window_samples: int, work: threading.Event) -> None:
        """`work` is set whenever something was put. A room smaller than a window is made as large as one."""
        self._room, self._window, self._work = max(room_samples, window_samples), window_samples, work
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._popped = threading.Condition(self._lock)
        self._window_start = 0  # of the window that is coming in
        self._is_dropping = False
        self.n_waiting = 0  # samples
        self.most_waiting = 0
        self.heard = 0  # samples that were put, dropped ones included

    def put(self, samples: Int16Array) -> None:
        """Samples that came; never waits."""
        with self._lock:
            while samples.size > 0:
                if self.heard == self._window_start + self._window:
                    self._begin_window()
                piece = samples[: self._window_start + self._window - self.heard]
                if not self._is_dropping and self.n_waiting + piece.size > self._room:
                    self._drop_window()
                if not self._is_dropping:
                    self._items.append(Audio(piece, self.heard))
                    self.n_waiting += piece.size
                    self.most_waiting = max(self.most_waiting, self.n_waiting)
                self.heard += piece.size
                samples = samples[piece.size :]
        self._work.set()

    def has_room(self, n_samples: int, seconds: float) -> bool:
        """Wait up to `seconds` until as many fit, for a source that can wait."""
        with self._lock:
            return self._popped.wait_for(lambda: self.n_waiting + n_samples <= self._room, seconds)

    def put_break(self, state: Literal["running", "lost", "recovered", "ended"], detail: str) -> None:
        """What the source did; windows begin anew behind it."""
        with self._lock:
            self._end_gap()
            self._window_start = self.heard
            self._items.append(Break(state, self.heard, detail))
        self._work.set()

    def pop(self) -> Item | None:
        """The oldest item; None: nothing waits."""
        with self._lock:
            if not self._items:
                return None
            item = self._items.popleft()
            if isinstance(item, Audio):
                self.n_waiting -= item.samples.size
                self._popped.notify()
            return item

    def clear(self) -> None:
        """What waits is given up."""
        with self._lock:
            self._items.clear()
            self._is_dropping, self.n_waiting, self._window_start = False, 0, self.heard

    def resize(self, room_samples: int, window_samples: int) -> None:
        """Windows of another length begin with what comes next."""
        with self._lock:
            self._room = max(room_samples, window_samples)
            if window_samples != self._window:
                self._end_gap()
                self._window, self._window_start = window_samples, self.heard

    def _begin_window(self) -> None:
        self._window_start = self.heard
        if self._is_dropping and self.n_waiting + self._window <= self._room:
            self._end_gap()

    def _end_gap(self) -> None:
        if self._is_dropping:
            self._items.append(Gap(self.heard))
            self._is_dropping = False

    def _drop_window(self) -> None:
        self._is_dropping = True
        while self._items:
            newest = self._items[-1]
            if not isinstance(newest, Audio) or newest.index < self._window_start:
                return
            self._items.pop()
            self.n_waiting -= newest.samples.size
