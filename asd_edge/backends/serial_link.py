"""A board at the end of a serial line: requests that survive noise, lost bytes and a board that starts anew.

firmware/link/DESIGN.md has the bodies. A request is sent again until its answer comes; the board carries it out once.
"""

import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.link_frames import Frame, FrameReceiver, encode_frame
from asd_edge.errors import BackendError

VERSION = 1
DEFAULT_BAUD = 115_200
SECONDS_PER_TRY, TRIES = 2.0, 5
SAMPLES_PER_REQUEST = 512  # one hop
_HELLO, _START, _SAMPLES, _FINISH, _MEMORY, ALARM, _ANSWER, _REFUSAL = 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFF
_REFUSALS = {
    1: "doesn't know the request",
    2: "says that the request's body is malformed",
    3: "has no model that it trusts; write the image to it again",
    4: "has started anew",
    5: "has lost samples",
}
_STARTED_ANEW, _LOST_SAMPLES = 4, 5
_HELLO_BODY = struct.Struct("<HHIHHHH32s")
_STATUS, _MEMORY_BODY, _TAKEN = struct.Struct("<I"), struct.Struct("<IIII"), struct.Struct("<I")
_SCORE = struct.Struct("<IIq")  # samples taken so far, status, score in Q16


class Line(Protocol):
    """What pyserial's ports offer; `read` returns fewer bytes, or none, when its time is over."""

    def read(self, size: int = 1) -> bytes:
        """At most `size` bytes."""

    def write(self, data: bytes, /) -> int | None:
        """Into the line."""

    def close(self) -> None:
        """Give the line back."""


class StreamLostError(BackendError):
    """The board has started anew, or has lost samples: the clip under way is lost, the line is not."""


class LinkBrokenError(BackendError):
    """The line is gone, or what answers isn't this link's firmware: another try is in vain."""


@dataclass(frozen=True)
class BoardHello:
    """What a board says of itself; `model_status` as in asd_status.h."""

    board: str
    model_status: int
    clip_samples: int
    n_classes: int
    n_codes: int
    is_endless: bool
    source_sha256: str  # of model.tflite and detector.safetensors


@dataclass(frozen=True)
class LinkScore:
    """A score as the board sent it; codes: the embedding, none of an autoencoder."""

    status: int
    score_q16: int
    codes: NDArray[np.int8]


class SerialLink:
    """Requests and their answers over one line."""

    def __init__(self, line: Line, name: str) -> None:
        """`name`: of the port, for messages."""
        self._line = line
        self.name = name
        self.unasked: list[Frame] = []  # what the board said by itself, oldest first
        self._receiver = FrameReceiver()
        self._sequence = time.monotonic_ns() & 0xFF  # unlike that of a run before, whose answers may still come
        with self._naming_errors():
            line.write(b"\0\0")  # ends whatever the board has half received

    def __enter__(self) -> "SerialLink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    @property
    def n_bad_frames(self) -> int:
        """Answers that came damaged."""
        return self._receiver.n_bad_frames

    def hello(self) -> BoardHello:
        """Raises BackendError for a board that doesn't answer or speaks another version."""
        body = self.request(_HELLO)
        fields = self.unpack(_HELLO_BODY, body, has_text=True)
        version, status, clip_samples, n_classes, _, n_codes, is_endless, sha256 = fields
        if version != VERSION:
            raise BackendError(
                f"{self.name}: the board speaks version {version} of the link, this is {VERSION}; update its firmware"
            )
        board = body[_HELLO_BODY.size :].decode(errors="replace")
        return BoardHello(board, status, clip_samples, n_classes, n_codes, bool(is_endless), sha256.hex())

    def memory(self) -> tuple[int, int, int, int]:
        """RAM of the part, static variables, stack set aside, stack used so far; bytes."""
        ram, static, stack, used = self.unpack(_MEMORY_BODY, self.request(_MEMORY))
        return ram, static, stack, used

    def score_clip(self, samples: NDArray[np.int16], class_index: int) -> list[LinkScore]:
        """The scores of one stream, hop by hop. Raises StreamLostError or BackendError."""
        (status,) = self.unpack(_STATUS, self.request(_START, struct.pack("<I", class_index)))
        if status != 0:
            raise BackendError(f"{self.name}: the board refuses class {class_index}, status {status} of asd_status.h")
        scores: list[LinkScore] = []
        n_taken, little_endian = 0, samples.astype("<i2")
        while n_taken < samples.size:
            part, n_before = little_endian[n_taken : n_taken + SAMPLES_PER_REQUEST], n_taken
            n_taken = self._take(self.request(_SAMPLES, struct.pack("<I", n_taken) + part.tobytes()), scores)
            if not n_before < n_taken <= n_before + part.size:
                raise LinkBrokenError(
                    f"{self.name}: has taken {n_taken} of {n_before + part.size} samples; update the board's firmware"
                )
        n_before = -1
        while len(scores) != n_before:
            n_before = len(scores)
            self._take(self.request(_FINISH), scores)
        return scores

    def _take(self, body: bytes, scores: list[LinkScore]) -> int:
        """Add the score of an answer, if it has one; how many samples the board has taken."""
        if len(body) == _TAKEN.size:
            return int.from_bytes(body, "little")
        n_taken, status, score = self.unpack(_SCORE, body, has_text=True)
        scores.append(LinkScore(status, score, np.frombuffer(body, np.int8, offset=_SCORE.size)))
        return int(n_taken)

    def unpack(self, fields: struct.Struct, body: bytes, has_text: bool = False) -> tuple[Any, ...]:
        """The fields of an answer; `has_text`: others stand behind them. Raises LinkBrokenError by its length."""
        if len(body) < fields.size or (len(body) > fields.size and not has_text):
            raise LinkBrokenError(f"{self.name}: an answer of {len(body)} bytes; update the board's firmware")
        return fields.unpack_from(body)

    def request(self, kind: int, body: bytes = b"", tries: int = TRIES) -> bytes:
        """The body of a request's answer, after as many tries as it takes. Raises BackendError where none comes.

        `tries`: more of them, of 2 s each, for what a board may need longer for.
        """
        self._sequence = (self._sequence + 1) & 0xFF
        encoded = encode_frame(Frame(kind, self._sequence, body))
        for _ in range(tries):
            with self._naming_errors():
                self._line.write(encoded)
            answer = self._await(kind)
            if answer is not None:
                return answer.body
        raise BackendError(
            f"{self.name}: no answer in {tries} tries of {SECONDS_PER_TRY:.0f} s, {self.n_bad_frames} damaged frames; "
            "check that the board runs serve_link or detector, then port, baud rate and cable, and run the same "
            "command again"
        )

    def _await(self, kind: int) -> Frame | None:
        end = time.monotonic() + SECONDS_PER_TRY
        while time.monotonic() < end:
            with self._naming_errors():
                arrived = self._line.read(1) + self._line.read(_waiting(self._line))
            frames = self._receiver.receive(arrived)
            self.unasked += [frame for frame in frames if frame.type == ALARM]  # those behind the answer too
            for frame in frames:
                if frame.sequence == self._sequence and frame.type == kind | _ANSWER:
                    return frame
                if frame.sequence == self._sequence and frame.type == _REFUSAL:
                    self._raise_refusal(frame)
        return None

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        """What a line that is gone raises becomes a LinkBrokenError; pyserial's errors are OSErrors."""
        try:
            yield
        except OSError as error:
            raise LinkBrokenError(
                f"{self.name}: the line is lost ({error}); plug the board in again, then run the same command again"
            ) from error

    def _raise_refusal(self, frame: Frame) -> None:
        why = int.from_bytes(frame.body, "little")
        error = StreamLostError if why in (_STARTED_ANEW, _LOST_SAMPLES) else BackendError
        raise error(f"{self.name}: the board {_REFUSALS.get(why, f'refuses, code {why}')}")


def _waiting(line: Line) -> int:
    return int(getattr(line, "in_waiting", 0))


def split_port(name: str) -> tuple[str, int]:
    """ "/dev/ttyACM0@921600" -> the port and its baud rate. Raises BackendError for a rate that is no number."""
    port, _, baud = name.partition("@")
    if not baud:
        return port, DEFAULT_BAUD
    if not baud.isdecimal() or int(baud) == 0:
        raise BackendError(f"serial:{name}: {baud!r} is no baud rate; write serial:{port}@{DEFAULT_BAUD}")
    return port, int(baud)


def open_link(name: str) -> SerialLink:
    """`name`: "/dev/ttyACM0", "COM3", with "@BAUD" behind it where it isn't 115,200, or a URL of pyserial's.

    Raises BackendError for a missing package or a port that can't be opened.
    """
    port, baud = split_port(name)
    try:
        import serial
        from serial.tools.list_ports import comports
    except ImportError as error:
        raise BackendError("pyserial is missing; install asd-edge[boards]") from error
    try:
        line = serial.serial_for_url(port, baudrate=baud, timeout=0.05, write_timeout=SECONDS_PER_TRY)
    except (serial.SerialException, ValueError, OSError) as error:
        found: Sequence[str] = [entry.device for entry in comports()]
        raise BackendError(f"{port}: can't be opened ({error}); ports here: {', '.join(found) or 'none'}") from error
    return SerialLink(line, port)
