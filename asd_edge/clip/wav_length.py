"""Checks that a WAV file holds as many bytes of sound as its header promises.

libsndfile shortens a truncated WAV in silence, so the RIFF chunks are walked here: Microsoft's RIFF/WAVE and
RF64 (EBU Tech 3306).
"""

import struct
from pathlib import Path

from asd_edge.errors import ClipError

UNKNOWN_LENGTH = 0xFFFFFFFF  # what a recorder that can't seek (a pipe) writes; in RF64 it refers to the ds64 chunk


def check_wav_is_whole(path: Path) -> None:
    """Raise ClipError where the data chunk ends after the file does. Anything but RIFF or RF64 passes.

    Sizes are in bytes; a data chunk of unknown length (0xFFFFFFFF without ds64) is as long as the file.
    """
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
            return
        long_data_bytes: int | None = None
        while len(chunk := file.read(8)) == 8:
            name, size = chunk[:4], int(struct.unpack("<I", chunk[4:])[0])
            if name == b"data":
                promised = size if size != UNKNOWN_LENGTH else long_data_bytes
                held = file_bytes - file.tell()
                if promised is not None and promised > held:
                    raise ClipError(
                        f"{path}: truncated: its header promises {promised} bytes of sound and it holds {held}; "
                        "copy or record it again"
                    )
                return
            if name == b"ds64":
                body = file.read(size)
                if len(body) >= 16:
                    long_data_bytes = int(struct.unpack("<Q", body[8:16])[0])
                file.seek(size % 2, 1)
            else:
                file.seek(size + size % 2, 1)
    raise ClipError(f"{path}: truncated: a WAV file without a data chunk; copy or record it again")
