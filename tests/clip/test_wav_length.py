"""The walk over RIFF chunks: which files hold the sound that their header promises."""

import struct
from pathlib import Path

import pytest

from asd_edge.clip.wav_length import check_wav_is_whole
from asd_edge.errors import ClipError

UNKNOWN = 0xFFFFFFFF
FORM = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def data(promised: int, held: int) -> bytes:
    return struct.pack("<4sI", b"data", promised) + bytes(held)


def wav(*chunks: bytes, magic: bytes = b"RIFF") -> bytes:
    content = b"".join(chunks)
    return struct.pack("<4sI4s", magic, 4 + len(content), b"WAVE") + content


def ds64(data_bytes: int) -> bytes:
    return chunk(b"ds64", struct.pack("<QQQI", 0, data_bytes, 0, 0))


WHOLE = {
    "plain": wav(FORM, data(100, 100)),
    "odd chunk before": wav(FORM, chunk(b"LIST", b"odd"), data(100, 100)),
    "chunks after": wav(FORM, data(100, 100), chunk(b"LIST", b"words")),
    "more than promised": wav(FORM, data(100, 120)),
    "no sound": wav(FORM, data(0, 0)),
    "unknown length": wav(FORM, data(UNKNOWN, 100)),
    "RF64": wav(ds64(100), FORM, data(UNKNOWN, 100), magic=b"RF64"),
    "RF64 with its length in the chunk": wav(ds64(0), FORM, data(100, 100), magic=b"RF64"),
    "not WAVE": b"RIFF\0\0\0\0AVI data",
    "not RIFF": b"fLaC and more",
    "nothing": b"",
}

CUT = {
    "by a byte": (wav(FORM, data(100, 99)), "promises 100 bytes of sound and it holds 99"),
    "whole sound": (wav(FORM, data(100, 0)), "promises 100 bytes of sound and it holds 0"),
    "after an odd chunk": (wav(FORM, chunk(b"LIST", b"odd"), data(100, 99)), "promises 100 .* holds 99"),
    "RF64": (wav(ds64(100), FORM, data(UNKNOWN, 99), magic=b"RF64"), "promises 100 .* holds 99"),
    "before its data": (wav(FORM), "without a data chunk"),
    "inside a header": (wav(FORM, data(100, 0))[:-4], "without a data chunk"),
    "inside a chunk before": (wav(FORM, struct.pack("<4sI", b"LIST", 1000), bytes(10)), "without a data chunk"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_whole_file_and_what_is_no_wav_pass(tmp_path: Path, case: str) -> None:
    (tmp_path / "clip.wav").write_bytes(WHOLE[case])
    check_wav_is_whole(tmp_path / "clip.wav")


@pytest.mark.parametrize("case", CUT)
def test_cut_file_is_refused(tmp_path: Path, case: str) -> None:
    content, reason = CUT[case]
    (tmp_path / "clip.wav").write_bytes(content)
    with pytest.raises(ClipError, match=rf"clip\.wav: truncated: .*{reason}.*; copy or record it again"):
        check_wav_is_whole(tmp_path / "clip.wav")
