"""Parts of flash -> one batch of gdb that loads, reads back and resets; the gdb server is OpenOCD's, pyOCD's or QEMU's.

What is loaded goes through an S-record file: gdb then erases and writes flash as the server's memory map says.
"""

import re
from collections.abc import Sequence

from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part
from asd_edge.flash.programmers import Programmer
from asd_edge.flash.tool_plan import Command, ToolPlan

DEFAULT_SERVER = "localhost:3333"
_SERVER = re.compile(r"[\w.-]*:\d{1,5}", re.ASCII)  # no pipe: gdb would run it
_ALL = "flash.srec"
_BYTES_PER_RECORD = 128


def plan_gdb(parts: Sequence[Part], programmer: Programmer, probe: str | None, target: str | None) -> ToolPlan:
    """`probe`: HOST:PORT of the server. Raises FlashError for anything else, and for a target, which the server has."""
    server = probe or DEFAULT_SERVER
    if not _SERVER.fullmatch(server):
        raise FlashError(f"--probe {server}: for gdb, give HOST:PORT of a gdb server, as {DEFAULT_SERVER}")
    if target is not None:
        raise FlashError(f"--target {target}: a gdb server knows its target; leave it out")
    steps = [
        "set confirm off",
        "set tcp auto-retry off",
        "set remotetimeout 60",
        f"target remote {server}",
        f"load {_ALL}",
    ]
    steps += [f"dump binary memory read-{part.file} {part.address:#010x} {part.end:#010x}" for part in parts]
    steps += [f"monitor {programmer.reset}", "detach"]
    words = ["gdb-multiarch", "--nx", "--batch"]
    for step in steps:
        words += ["-ex", step]
    return ToolPlan(
        (Command(tuple(words), 2 * sum(len(part.content) for part in parts)),),
        {_ALL: write_srec(parts)},
        f"check that a gdb server listens at {server}, as openocd or pyocd gdbserver start one",
        {f"read-{part.file}": part for part in parts},
    )


def write_srec(parts: Sequence[Part]) -> bytes:
    """Motorola S-records with 32-bit addresses: S3 data, S7 end."""
    lines = [
        _record(3, part.address + at, part.content[at : at + _BYTES_PER_RECORD])
        for part in parts
        for at in range(0, len(part.content), _BYTES_PER_RECORD)
    ]
    return "\n".join([*lines, _record(7, 0, b""), ""]).encode()


def _record(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data) + 5]) + address.to_bytes(4, "big") + data
    return f"S{kind}{body.hex().upper()}{~sum(body) & 0xFF:02X}"
