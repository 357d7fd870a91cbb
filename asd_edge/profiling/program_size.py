"""An ELF program -> the bytes of flash that it takes."""

import struct

_SEGMENT_TO_LOAD = 1  # PT_LOAD


def program_bytes(content: bytes) -> int:
    """Code, constants and initial values of variables: what the program's segments hold in the file."""
    is_64_bit = content[4] == 2
    table, size, count = struct.unpack_from("<Q14xHH" if is_64_bit else "<I10xHH", content, 32 if is_64_bit else 28)
    word, offset = ("<Q", 32) if is_64_bit else ("<I", 16)
    starts = range(table, table + count * size, size)
    loaded = (start for start in starts if struct.unpack_from("<I", content, start)[0] == _SEGMENT_TO_LOAD)
    return sum(struct.unpack_from(word, content, start + offset)[0] for start in loaded)
