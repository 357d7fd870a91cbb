"""A bundle -> the frames that bring it to a board over a serial line, in order, by the code that sends them.

A line that only remembers stands in the port's place and answers as a board does that takes everything.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from asd_edge.backends.link_frames import Frame, FrameReceiver, encode_frame
from asd_edge.backends.serial_link import SerialLink
from asd_edge.flash.serial_update import (
    BEGIN,
    CHECK_BODY,
    GO_BACK,
    INSTALL,
    RESTART,
    STATE,
    STATE_BODY,
    WRITE,
    board_state,
    go_back,
    update_board,
)
from asd_edge.package.bundle import Bundle

_ANSWER = 0x80
_NAMES = {  # and what the board does
    STATE: ("STATE", "says what runs and how its self-test ended"),
    BEGIN: ("BEGIN", "checks header, signature, version; begins the slot that doesn't run"),
    WRITE: ("WRITE", "erases the pages that begin here, writes part of the bundle, reads it back"),
    INSTALL: ("INSTALL", "checks the hash of the whole; marks it as trial"),
    RESTART: ("RESTART", "starts; tries a model on trial by its self-test, confirms it or goes back"),
    GO_BACK: ("GO_BACK", "marks the model before as the one to run"),
}


@dataclass(frozen=True)
class FrameRun:
    """Frames alike, one behind the other; `line_bytes`: of all of them as they are sent."""

    name: str
    n_frames: int
    body_bytes: int
    line_bytes: int
    does: str  # the board, on each

    @property
    def line(self) -> str:
        """For a user."""
        times = f"{self.n_frames:,} x " if self.n_frames > 1 else ""
        return f"{self.name:8}{times}{self.body_bytes:,} bytes, {self.line_bytes:,} on the line: the board {self.does}"


def plan_update(bundle: Bundle, content: bytes) -> tuple[Frame, ...]:
    """Where the board takes the bundle; a board that refuses ends it earlier."""
    return _frames(lambda link: update_board(link, bundle, content), [bundle.version])


def plan_go_back() -> tuple[Frame, ...]:
    """Where the board holds a model to go back to."""
    return _frames(go_back, [2, 1])


def plan_look() -> tuple[Frame, ...]:
    """Asks what runs."""
    return _frames(board_state, [1])


def frame_runs(frames: tuple[Frame, ...]) -> tuple[FrameRun, ...]:
    """Frames of one kind and size counted together."""
    found = []
    for (kind, body_bytes), group in itertools.groupby(frames, key=lambda frame: (frame.type, len(frame.body))):
        lengths = [len(encode_frame(frame)) for frame in group]
        name, does = _NAMES[kind]
        found.append(FrameRun(name, len(lengths), body_bytes, sum(lengths), does))
    return tuple(found)


class _Rehearsal:
    """A line; `versions`: that the board says it runs, at each question."""

    def __init__(self, versions: Iterator[int]) -> None:
        self.frames: list[Frame] = []
        self._versions, self._receiver, self._answers = versions, FrameReceiver(), b""

    @property
    def in_waiting(self) -> int:
        return len(self._answers)

    def write(self, data: bytes) -> int:
        for frame in self._receiver.receive(data):
            self.frames.append(frame)
            body = bytes(CHECK_BODY.size)
            if frame.type == STATE:
                version = next(self._versions)
                body = STATE_BODY.pack(0, 0, version, 1, 0, 0, version)
            self._answers += encode_frame(Frame(frame.type | _ANSWER, frame.sequence, body))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        part, self._answers = self._answers[:size], self._answers[size:]
        return part

    def close(self) -> None:
        self._answers = b""


def _frames(send: Callable[[SerialLink], object], versions: list[int]) -> tuple[Frame, ...]:
    line = _Rehearsal(iter(versions))
    send(SerialLink(line, "rehearsal"))
    return tuple(line.frames)
