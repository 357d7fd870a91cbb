"""A message as a record in a file: magic, content's length, CRC-32 of number and content, number, content.

The content is the topic, a zero, the payload. A reader passes over whatever is no whole record.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"ASDr"
_HEAD = struct.Struct("<4sIIQ")  # magic, bytes of content, CRC-32, sequence number
_NUMBER = struct.Struct("<Q")
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Message:
    """`sequence` counts a spool's messages from 1 on."""

    sequence: int
    topic: str
    payload: bytes


def pack_record(message: Message) -> bytes:
    """The topic has no zero byte."""
    content = message.topic.encode() + b"\0" + message.payload
    return _HEAD.pack(_MAGIC, len(content), _crc(message.sequence, content), message.sequence) + content


def find_record(data: bytes, start: int) -> tuple[Message, int] | None:
    """The first whole record from `start` on, and where it ends."""
    at = data.find(_MAGIC, start)
    while at >= 0:
        if at + _HEAD.size <= len(data):
            _, n_bytes, crc, sequence = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + n_bytes
            content = data[at + _HEAD.size : end]
            if end <= len(data) and _crc(sequence, content) == crc:
                topic, _, payload = content.partition(b"\0")
                return Message(sequence, topic.decode(), payload), end
        at = data.find(_MAGIC, at + 1)
    return None


class SegmentReader:
    """The whole records of one file, which may still grow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.newest = 0  # the last number read
        self._file: BinaryIO = path.open("rb", buffering=0)
        self._data, self._at = b"", 0

    def next_message(self) -> Message | None:
        while True:
            found = find_record(self._data, self._at)
            if found is not None:
                message, self._at = found
                self.newest = message.sequence
                return message
            more = self._file.read(_READ_BYTES)
            if not more:
                return None
            self._data, self._at = self._data[self._at :] + more, 0

    def close(self) -> None:
        self._file.close()


def newest_number(path: Path) -> int:
    """Of the last whole record; 0 where there is none."""
    reader = SegmentReader(path)
    while reader.next_message() is not None:
        pass
    reader.close()
    return reader.newest


def _crc(sequence: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(_NUMBER.pack(sequence)))
