"""Audio around an alarm -> one FLAC file per alarm, within a quota; the oldest files go first.

`hear` and `publish` only keep samples in memory and pass them on; a thread of its own writes. Until a file is whole its
name ends in .part, and a start removes what an earlier run left so.
"""

import queue
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ListenError
from asd_edge.listen.config import RATE_HZ
from asd_edge.listen.events import AlarmEnded, AlarmStarted, Event, WindowScore
from asd_edge.listen.recording_config import RecordingConfig
from asd_edge.listen.recording_file import PART, RecordingFile, recordings_in
from asd_edge.listen.watched_thread import WatchedThread

_MARGIN_SECONDS = 2.0  # between a window's end and its score
_MOST_WAITING = 300 * RATE_HZ  # samples of all machines that the writer has not taken yet
_CLOSE_SECONDS = 4.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
Samples = NDArray[np.int16]


@dataclass(frozen=True)
class _Begin:
    machine: str
    path: Path
    comment: str


@dataclass(frozen=True)
class _Write:
    machine: str
    samples: Samples


@dataclass(frozen=True)
class _End:
    machine: str


@dataclass
class _Machine:
    """What the listening thread knows of one. `n_left`: samples until the recording ends; None: there is none."""

    first_index: int  # of all that it was heard of
    next_index: int
    recent: deque[tuple[int, Samples]] = field(default_factory=deque)
    window_samples: int = 10 * RATE_HZ  # the longest; as long as no score says another
    n_left: int | None = None


class Recorder:
    """A `Sink` and an `AudioSink`."""

    def __init__(self, config: RecordingConfig) -> None:
        """Raises ListenError for a folder that can't be made or written."""
        self._config = config
        try:
            config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in config.folder.glob(f"*{PART}"):
                path.unlink()
            (config.folder / f"probe{PART}").touch()
            (config.folder / f"probe{PART}").unlink()
        except OSError as error:
            raise ListenError(
                f"{config.folder}: can't hold recordings ({error.strerror}); give a folder that can be written"
            ) from error
        self._machines: dict[str, _Machine] = {}
        self._waiting: queue.SimpleQueue[_Begin | _Write | _End | None] = queue.SimpleQueue()
        self._n_waiting, self._lock = 0, threading.Lock()
        self._problem: str | None = None
        self._writer = WatchedThread("recordings", self._write)

    def hear(self, machine: str, samples: Samples, sample_index: int) -> None:
        state = self._machines.setdefault(machine, _Machine(sample_index, sample_index))
        n_missing = sample_index - state.next_index
        if n_missing > 0 and state.n_left is not None:
            self._pass_on(machine, state, np.zeros(min(n_missing, state.n_left), np.int16))
        state.next_index = sample_index + samples.size
        state.recent.append((sample_index, samples))
        oldest = state.next_index - self._before_samples - state.window_samples - round(_MARGIN_SECONDS * RATE_HZ)
        while state.recent[0][0] + state.recent[0][1].size <= oldest:
            state.recent.popleft()
        if state.n_left is not None:
            self._pass_on(machine, state, samples)

    def publish(self, event: Event) -> None:
        if isinstance(event, WindowScore) and event.machine in self._machines:
            state = self._machines[event.machine]
            state.window_samples = max(state.window_samples, event.n_samples)
        elif isinstance(event, AlarmStarted) and event.machine in self._machines:
            self._begin(event, self._machines[event.machine])
        elif isinstance(event, AlarmEnded) and event.machine in self._machines:
            state = self._machines[event.machine]
            if state.n_left is not None:
                state.n_left = min(state.n_left, round(self._config.after_seconds * RATE_HZ))
                self._end_if_over(event.machine, state)

    def problem(self) -> str | None:
        return self._writer.problem or self._problem

    def close(self) -> None:
        """What is being recorded ends here and is kept."""
        for machine, state in self._machines.items():
            if state.n_left is not None:
                state.n_left = 0
                self._end_if_over(machine, state)
        self._waiting.put(None)
        self._writer.join(_CLOSE_SECONDS)

    @property
    def _before_samples(self) -> int:
        return round(self._config.before_seconds * RATE_HZ)

    def _begin(self, event: AlarmStarted, state: _Machine) -> None:
        if state.n_left is not None:  # of the alarm before
            state.n_left = 0
            self._end_if_over(event.machine, state)
        state.window_samples = max(state.window_samples, event.n_samples)
        start = max(state.first_index, event.sample_index - self._before_samples)
        comment = f"machine {event.machine}, alarm {event.alarm}, from sample {start}; what was not heard is silence"
        path = self._config.folder / recording_name(event.time_utc, event.machine, event.alarm)
        self._waiting.put(_Begin(event.machine, path, comment))
        state.n_left = round(self._config.longest_seconds * RATE_HZ)
        at = start
        for index, samples in tuple(state.recent):
            if index > at and state.n_left is not None:
                self._pass_on(event.machine, state, np.zeros(min(index - at, state.n_left), np.int16))
            if index + samples.size > start and state.n_left is not None:
                self._pass_on(event.machine, state, samples[max(0, start - index) :])
            at = max(at, index + samples.size)

    def _pass_on(self, machine: str, state: _Machine, samples: Samples) -> None:
        assert state.n_left is not None
        taken = samples[: state.n_left]
        with self._lock:
            has_room = self._n_waiting + taken.size <= _MOST_WAITING
            self._n_waiting += taken.size if has_room else 0
        if has_room:
            self._waiting.put(_Write(machine, taken))
            state.n_left -= taken.size
        else:
            self._problem = f"{self._config.folder} is too slow: a recording was cut short"
            state.n_left = 0
        self._end_if_over(machine, state)

    def _end_if_over(self, machine: str, state: _Machine) -> None:
        if state.n_left == 0:
            state.n_left = None
            self._waiting.put(_End(machine))

    def _write(self) -> None:
        """On the writer's thread, until close."""
        files: dict[str, RecordingFile] = {}
        while (task := self._waiting.get()) is not None:
            try:
                match task:
                    case _Begin(machine, path, comment):
                        files[machine] = RecordingFile(path, comment, 1_000_000 * self._config.quota_mb)
                    case _Write(machine, samples):
                        with self._lock:
                            self._n_waiting -= samples.size
                        if machine in files:
                            files[machine].write(samples)
                    case _End(machine):
                        if machine in files:
                            files.pop(machine).finish()
                            self._problem = None
            except ListenError as error:
                files.pop(task.machine, None)
                self._problem = str(error)


def recording_name(time_utc: str, machine: str, alarm: str) -> str:
    """Of the file that belongs to an alarm; names sort by time."""
    time = re.sub(r"[-:]|\.\d+", "", time_utc)
    return f"{time}_{_UNSAFE.sub('-', machine)}_{_UNSAFE.sub('-', alarm)}.flac"


def recording_of(folder: Path, event: AlarmStarted) -> Path | None:
    """The finished recording of an alarm, if it is there still."""
    path = folder / recording_name(event.time_utc, event.machine, event.alarm)
    return path if path in recordings_in(folder) else None
