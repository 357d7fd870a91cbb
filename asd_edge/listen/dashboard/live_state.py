"""What pages are told: the present state of all machines for a page that opens, and each change after it.

A message is server-sent: a name and one line of JSON. A page that doesn't take its messages in time is left behind: its
stream ends, and the browser opens another, which begins with the present state again.
"""

import base64
import json
import queue
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.listen.config import RATE_HZ
from asd_edge.listen.dashboard.spectrogram import HOP_SAMPLES, LOWEST_DB, STEPS_PER_DB, Spectrogram
from asd_edge.listen.events import (
    AlarmEnded,
    AlarmStarted,
    Event,
    ServiceState,
    SourceState,
    WindowDropped,
    WindowRefused,
    WindowScore,
)
from asd_edge.listen.recorder import recording_of
from asd_edge.native import N_MELS

N_SCORES = 1200  # of one machine
N_FRAMES = 313  # of one machine, ten seconds
N_ALARMS = 20  # of all machines
_MOST_UNREAD = 256  # messages of one page
Json = dict[str, Any]
_UNITS: Json = {
    "rate_hz": RATE_HZ,
    "hop_samples": HOP_SAMPLES,
    "n_mels": N_MELS,
    "n_frames": N_FRAMES,
    "lowest_db": LOWEST_DB,
    "steps_per_db": STEPS_PER_DB,
}


@dataclass
class _Alarm:
    started: AlarmStarted
    ended: AlarmEnded | None = None
    recording: str | None = None


@dataclass
class _Machine:
    spectrogram: Spectrogram = field(default_factory=Spectrogram)
    frames: deque[NDArray[np.uint8]] = field(default_factory=lambda: deque(maxlen=N_FRAMES))
    next_frame: int = 0
    scores: deque[Json] = field(default_factory=lambda: deque(maxlen=N_SCORES))
    state: Json | None = None
    window_samples: dict[str, int] = field(default_factory=dict)  # by kind, of the last score


class LiveState:
    """`tell` and `hear` are for one thread, the rest for any."""

    def __init__(self, machines: tuple[str, ...], recordings: Path | None) -> None:
        self._lock = threading.Lock()
        self._machines = {name: _Machine() for name in machines}
        self._recordings = recordings
        self._alarms: deque[_Alarm] = deque(maxlen=N_ALARMS)
        self._service: Json = {}
        self._streams: set[queue.Queue[bytes]] = set()

    def tell(self, event: Event) -> None:
        with self._lock:
            match event:
                case WindowScore() | WindowRefused() | WindowDropped():
                    machine = self._machine(event.machine)
                    point = _point(event, machine.window_samples)
                    machine.scores.append(point)
                    self._send("score", {"machine": event.machine, **point})
                case AlarmStarted():
                    self._alarms.append(_Alarm(event))
                    self._send("alarms", self._alarm_list())
                case AlarmEnded():
                    for alarm in self._alarms:
                        if alarm.started.alarm == event.alarm:
                            alarm.ended = event
                    self._send("alarms", self._alarm_list())
                case SourceState():
                    state = {"machine": event.machine, "state": event.state, "detail": event.detail}
                    self._machine(event.machine).state = state
                    self._send("state", state)
                case ServiceState():
                    self._service = {"state": event.state, "detail": event.detail, "time": event.time_utc}
                    self._send("service", self._service)

    def hear(self, machine: str, samples: NDArray[np.int16], sample_index: int) -> None:
        with self._lock:
            state = self._machine(machine)
            first, frames = state.spectrogram.push(samples, sample_index)
            if len(frames) == 0:
                return
            if first != state.next_frame:
                state.frames.clear()
            state.frames.extend(frames)
            state.next_frame = first + len(frames)
            self._send("frames", {"machine": machine, **_frames(first, frames)})

    def open_stream(self) -> queue.Queue[bytes]:
        """Messages for one page, the present state first; end it by `close_stream`."""
        stream: queue.Queue[bytes] = queue.Queue(_MOST_UNREAD)
        with self._lock:
            stream.put(_message("start", _UNITS))
            for name in self._machines:
                stream.put(_message("machine", self._snapshot(name)))
            stream.put(_message("alarms", self._alarm_list()))
            stream.put(_message("service", self._service))
            self._streams.add(stream)
        return stream

    def is_open(self, stream: queue.Queue[bytes]) -> bool:
        return stream in self._streams

    def close_stream(self, stream: queue.Queue[bytes]) -> None:
        with self._lock:
            self._streams.discard(stream)

    def close(self) -> None:
        with self._lock:
            for stream in self._streams:
                with suppress(queue.Full):
                    stream.put_nowait(b"")  # wakes who waits for a message
            self._streams.clear()

    def look_for_recordings(self) -> None:
        """Those of recent alarms that have been finished since."""
        if self._recordings is None:
            return
        with self._lock:
            alarms = [alarm for alarm in self._alarms if alarm.recording is None]
        found = [(alarm, recording_of(self._recordings, alarm.started)) for alarm in alarms]
        with self._lock:
            for alarm, path in found:
                alarm.recording = None if path is None else path.name
            if any(path is not None for _, path in found):
                self._send("alarms", self._alarm_list())

    def _machine(self, name: str) -> _Machine:
        return self._machines.setdefault(name, _Machine())

    def _snapshot(self, name: str) -> Json:
        machine = self._machines[name]
        frames = np.array(machine.frames, np.uint8)
        return {
            "machine": name,
            "state": machine.state,
            "scores": list(machine.scores),
            "frames": _frames(machine.next_frame - len(frames), frames),
        }

    def _alarm_list(self) -> list[Json]:
        """Newest first."""
        return [_alarm(alarm) for alarm in reversed(self._alarms)]

    def _send(self, name: str, content: Json | list[Json]) -> None:
        if not self._streams:
            return
        message = _message(name, content)
        for stream in tuple(self._streams):
            try:
                stream.put_nowait(message)
            except queue.Full:
                self._streams.remove(stream)


def _message(name: str, content: Json | list[Json]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


def _point(event: WindowScore | WindowRefused | WindowDropped, window_samples: dict[str, int]) -> Json:
    """A place in the course of scores; `at`: seconds of audio at the end of the window, of the last one left out."""
    if isinstance(event, WindowScore):
        window_samples[event.kind] = event.n_samples
        at = (event.sample_index + event.n_samples) / RATE_HZ
        return {"kind": event.kind, "at": at, "score": event.score, "threshold": event.threshold}
    at = (event.sample_index + event.n_advance + window_samples.get(event.kind, 0)) / RATE_HZ
    return {"kind": event.kind, "at": at, "score": None, "reason": event.reason}


def _frames(first: int, frames: NDArray[np.uint8]) -> Json:
    return {"first": first, "data": base64.b64encode(frames.tobytes()).decode()}


def _alarm(alarm: _Alarm) -> Json:
    started, ended = alarm.started, alarm.ended
    return {
        "machine": started.machine,
        "time": started.time_utc,
        "threshold": started.threshold,
        "peak": started.peak_score if ended is None else ended.peak_score,
        "seconds": None if ended is None else ended.seconds,
        "reason": None if ended is None else ended.reason,
        "recording": alarm.recording,
    }
