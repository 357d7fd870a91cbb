"""An ELF32 file, little-endian, -> what a programmer has to write of it: its loaded segments at physical addresses."""

import struct
from pathlib import Path

from asd_edge.errors import FlashError

_MAGIC = b"\x7fELF"
_32_BIT, _LITTLE_ENDIAN, _LOAD = 1, 1, 1
_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<8I")  # type, offset, virtual address, physical address, bytes in file and memory, flags, ...


def is_elf(content: bytes) -> bool:
    """By its magic number."""
    return content.startswith(_MAGIC)


def read_elf(content: bytes, place: Path) -> list[tuple[int, bytes]]:
    """(address, bytes) of each segment that has bytes in the file. Raises FlashError for another or a damaged file."""
    if len(content) < _HEADER.size or content[4] != _32_BIT or content[5] != _LITTLE_ENDIAN:
        raise FlashError(f"{place}: no whole 32-bit little-endian ELF file; build the firmware for this board")
    fields = _HEADER.unpack_from(content)
    table, n_entry, n_segments = fields[5], fields[9], fields[10]
    if n_segments and (n_entry < _SEGMENT.size or table + n_entry * n_segments > len(content)):
        raise FlashError(f"{place}: its table of segments is damaged; build the firmware again")
    segments = []
    for index in range(n_segments):
        kind, offset, _, address, n_bytes, _, _, _ = _SEGMENT.unpack_from(content, table + index * n_entry)
        if kind != _LOAD or n_bytes == 0:
            continue
        if offset + n_bytes > len(content):
            raise FlashError(f"{place}: a segment goes beyond the file's end; build the firmware again")
        segments.append((address, content[offset : offset + n_bytes]))
    return segments
