"""The workstation's end of the line, against bytes that a board could send."""

import struct

from asd_edge.backends.link_frames import Frame, FrameReceiver, encode_frame
from asd_edge.backends.serial_link import ALARM, SerialLink


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
