"""Frames of a serial line and their bytes, the twin of firmware/link: COBS, a CRC-32, a zero that ends each."""

import zlib
from dataclasses import dataclass, field

MAX_BODY = 1040  # ASD_LINK_MAX_BODY
_HEADER_BYTES, _CRC_BYTES = 2, 4
_LONGEST_RUN = 254
_MAX_RAW = _HEADER_BYTES + MAX_BODY + _CRC_BYTES
_MAX_ENCODED = _MAX_RAW + _MAX_RAW // _LONGEST_RUN + 1


@dataclass(frozen=True)
class Frame:
    """A request, or the answer that carries its sequence number."""

    type: int
    sequence: int
    body: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """What goes onto the line, the zero that ends it included."""
    assert len(frame.body) <= MAX_BODY
    raw = bytes((frame.type, frame.sequence)) + frame.body
    raw += zlib.crc32(raw).to_bytes(_CRC_BYTES, "little")
    encoded = bytearray()
    for run in raw.split(b"\0"):  # each ends at a zero that its code stands for
        while len(run) >= _LONGEST_RUN:
            encoded += bytes((_LONGEST_RUN + 1,)) + run[:_LONGEST_RUN]
            run = run[_LONGEST_RUN:]
        encoded += bytes((len(run) + 1,)) + run
    return bytes(encoded) + b"\0"


@dataclass
class FrameReceiver:
    """Bytes of a line, any number at a time -> the whole frames among them; a bad one is counted and left out."""

    n_bad_frames: int = 0
    _bytes: bytearray = field(default_factory=bytearray)
    _is_too_long: bool = False

    def receive(self, arrived: bytes) -> list[Frame]:
        """The frames that `arrived` ends."""
        frames = []
        *ended, rest = arrived.split(b"\0")
        for part in ended:
            self._extend(part)
            content, is_too_long = bytes(self._bytes), self._is_too_long
            self._bytes.clear()
            self._is_too_long = False
            if not content:
                continue
            frame = None if is_too_long else _read_frame(content)
            if frame is None:
                self.n_bad_frames += 1
            else:
                frames.append(frame)
        self._extend(rest)
        return frames

    def _extend(self, part: bytes) -> None:
        self._is_too_long |= len(self._bytes) + len(part) > _MAX_ENCODED
        if not self._is_too_long:
            self._bytes += part


def _read_frame(encoded: bytes) -> Frame | None:
    raw = _unstuff(encoded)
    if raw is None or not _HEADER_BYTES + _CRC_BYTES <= len(raw) <= _MAX_RAW:
        return None
    content, crc = raw[:-_CRC_BYTES], raw[-_CRC_BYTES:]
    if zlib.crc32(content).to_bytes(_CRC_BYTES, "little") != crc:
        return None
    return Frame(content[0], content[1], content[_HEADER_BYTES:])


def _unstuff(encoded: bytes) -> bytes | None:
    """None where a code points behind the end."""
    raw = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        if code > len(encoded) - at:
            return None
        raw += encoded[at + 1 : at + code]
        at += code
        if code != _LONGEST_RUN + 1 and at < len(encoded):
            raw.append(0)
    return bytes(raw)
