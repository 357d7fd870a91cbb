"""The workstation's end of the line, against bytes that a board could send."""

import os
import pty
import struct
import threading
import tty
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pytest

from asd_edge.backends.link_frames import Frame, FrameReceiver, encode_frame
from asd_edge.backends.serial_link import ALARM, SerialLink, open_link
from asd_edge.errors import BackendError
from asd_edge.flash.serial_update import await_board, board_state, install_bundle, restart, send_audio


class OneChunk:
    """Answers a question for the memory, and has an alarm before and behind the answer in the same bytes."""

    def __init__(self) -> None:
        self._receiver, self._waiting = FrameReceiver(), b""

    @property
    def in_waiting(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes) -> int:
        for frame in self._receiver.receive(data):
            answer = Frame(frame.type | 0x80, frame.sequence, struct.pack("<IIII", 1, 2, 3, 4))
            alarms = [Frame(ALARM, 0, bytes((number,))) for number in (1, 2)]
            self._waiting += b"".join(map(encode_frame, (alarms[0], answer, alarms[1])))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        part, self._waiting = self._waiting[:size], self._waiting[size:]
        return part

    def close(self) -> None:
        self._waiting = b""


def test_an_alarm_behind_an_answer_in_the_same_bytes_is_heard() -> None:
    with SerialLink(OneChunk(), "line") as link:
        assert link.memory() == (1, 2, 3, 4)
        assert [frame.body for frame in link.unasked] == [b"\1", b"\2"]


class Answers:
    """Answers with the body of the request's type, else with the same one."""

    in_waiting = 0

    def __init__(self, body: bytes, of_type: Mapping[int, bytes] = MappingProxyType({})) -> None:
        self._receiver, self._body, self._of_type, self._waiting = FrameReceiver(), body, of_type, b""

    def write(self, data: bytes) -> int:
        for frame in self._receiver.receive(data):
            body = self._of_type.get(frame.type, self._body)
            self._waiting += encode_frame(Frame(frame.type | 0x80, frame.sequence, body))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        part, self._waiting = self._waiting[:size], self._waiting[size:]
        return part

    def close(self) -> None:
        self._waiting = b""


SAMPLES, SAMPLES_TYPE = np.zeros(512, np.int16), 3
ASK: dict[str, Callable[[SerialLink], object]] = {
    "hello": SerialLink.hello,
    "memory": SerialLink.memory,
    "score a clip": lambda link: link.score_clip(SAMPLES, 0),
    "state": board_state,
    "restart": restart,
    "install": lambda link: install_bundle(link, bytes(512)),
    "audio": lambda link: send_audio(link, SAMPLES),
}


@pytest.mark.parametrize("n_bytes", [0, 1, 5, 1000])
@pytest.mark.parametrize("asked", ASK)
def test_an_answer_of_another_length_is_named(asked: str, n_bytes: int) -> None:
    if n_bytes == 1000 and asked in ("hello", "state", "restart"):
        n_bytes = 27  # what stands behind their numbers is text of any length
    with (
        SerialLink(Answers(bytes(n_bytes)), "line") as link,
        pytest.raises(BackendError, match=f"line: an answer of {n_bytes} bytes; update the board's firmware"),
    ):
        ASK[asked](link)


@pytest.mark.parametrize("taken", [0, 513])
def test_a_board_that_takes_nothing_or_more_than_it_got_is_named(taken: int) -> None:
    link = SerialLink(Answers(bytes(4), {SAMPLES_TYPE: struct.pack("<I", taken)}), "line")
    with pytest.raises(BackendError, match=f"line: has taken {taken} of 512 samples; update the board's firmware"):
        link.score_clip(SAMPLES, 0)


@pytest.mark.parametrize("asked", [board_state, await_board])
def test_a_board_that_is_unplugged_is_one_line_at_once(asked: Callable[[SerialLink], object]) -> None:
    pytest.importorskip("serial", reason="pyserial is missing")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    name = os.ttyname(theirs)

    def unplug() -> None:
        os.read(ours, 4096)
        os.close(ours)

    thread = threading.Thread(target=unplug)
    with open_link(name) as link:
        os.close(theirs)
        thread.start()
        with pytest.raises(BackendError, match=rf"{name}: the line is lost \(.*\); plug the board in again, then run"):
            asked(link)
        with pytest.raises(BackendError, match="the line is lost"):
            link.memory()
    thread.join()
