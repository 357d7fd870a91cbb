"""A copy of the LiteRT package whose CPUID instructions are UD0, so that hide_dot_products.c answers in their place."""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import ai_edge_litert

CPUID, UD0 = b"\x0f\xa2", b"\x0f\xff"
_PT_LOAD = 1


def patched_litert(folder: Path) -> Path:
    """`folder`, which then holds a package ai_edge_litert; for PYTHONPATH.

    Raises RuntimeError where the package holds no CPUID instruction, CalledProcessError where objdump fails.
    """
    package = folder / "ai_edge_litert"
    shutil.copytree(Path(ai_edge_litert.__path__[0]), package)
    n_patched = sum(replace_cpuid(library) for library in package.glob("*.so") if CPUID in library.read_bytes())
    if not n_patched:
        raise RuntimeError(f"{package}: no CPUID instruction to replace; LiteRT asks for the CPU's features otherwise")
    return folder


def replace_cpuid(library: Path) -> int:
    """How many instructions were replaced: those that a disassembler sees, not every pair of such bytes."""
    content = bytearray(library.read_bytes())
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(library)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    addresses = [int(found, 16) for found in re.findall(r"^\s*([0-9a-f]+):\s+cpuid\s*$", listing, re.MULTILINE)]
    segments = tuple(_loaded_segments(bytes(content)))
    for address in addresses:
        (place,) = (address - start + offset for start, offset, size in segments if 0 <= address - start < size)
        assert content[place : place + len(CPUID)] == CPUID
        content[place : place + len(CPUID)] = UD0
    library.write_bytes(content)
    return len(addresses)


def _loaded_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(virtual address, offset in the file, bytes) of an ELF64 file's loaded segments."""
    table, size, count = (*struct.unpack_from("<Q", content, 0x20), *struct.unpack_from("<HH", content, 0x36))
    for entry in range(table, table + size * count, size):
        kind, _, offset, address, _, n_bytes = struct.unpack_from("<IIQQQQ", content, entry)
        if kind == _PT_LOAD:
            yield address, offset, n_bytes
