"""A bundle and, if given, firmware -> the stretches of a board's flash that a programmer writes.

A board that was written so is like a new one: no log, no bundle in its second slot, so that this model goes on trial.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import Board, Slots
from asd_edge.errors import FlashError
from asd_edge.flash.read_elf import is_elf, read_elf

ERASED = b"\xff"
FIRMWARE, MODEL = "firmware", "model"
_GREATEST_SPAN = 1 << 24  # bytes of firmware, where the size of its flash isn't known


@dataclass(frozen=True)
class Part:
    """Bytes at an absolute address."""

    name: str
    address: int
    content: bytes

    @property
    def file(self) -> str:
        """Name of the file that holds the content while a tool writes it."""
        return f"{self.name}.bin"

    @property
    def end(self) -> int:
        return self.address + len(self.content)


def slots_of(board: Board) -> Slots:
    """Raises FlashError for a board whose flash has no two slots."""
    if board.slots is None:
        raise FlashError(
            f"{board.name}: boards.yaml knows no slots for signed models in its flash; "
            "add them in a file of your own (--boards), or flash over its serial line (--port)"
        )
    return board.slots


def model_parts(content: bytes, slots: Slots, place: Path) -> list[Part]:
    """The bundle in slot 0, an empty log, nothing in slot 1. Raises FlashError for a bundle larger than a slot."""
    if len(content) > slots.bytes:
        raise FlashError(
            f"{place}: {len(content):,} bytes, and a slot has {slots.bytes:,}; train a narrower model (--width)"
        )
    page = ERASED * slots.page_bytes
    return [
        Part("log-0", slots.log[0], page),
        Part("log-1", slots.log[1], page),
        Part("slot-1", slots.addresses[1], page),
        Part(MODEL, slots.addresses[0], content),
    ]


def firmware_part(path: Path, board: Board) -> Part:
    """One piece, gaps as erased flash has them. An ELF file says where it belongs; anything else starts the flash.

    Raises FlashError for a file that can't be read, is empty, or doesn't lie in flash.
    """
    # A board may keep its models in another flash than its firmware, which nobody describes.
    is_in_same = board.slots is not None and board.slots.firmware_bytes > 0
    flash_base = board.facts.flash_base.value if is_in_same else None
    n_most = (board.flash_bytes if is_in_same else None) or _GREATEST_SPAN
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path}: can't be read ({error.strerror or error}); give an ELF file or a binary") from error
    if not is_elf(content):
        if flash_base is None:
            raise FlashError(f"{path}: a binary doesn't say where it belongs; give the ELF file that it was made from")
        segments = [(flash_base, content)]
    else:
        segments = read_elf(content, path)
    if not any(segment for _, segment in segments):
        raise FlashError(f"{path}: holds nothing to write; give an ELF file or a binary")
    start = min(address for address, _ in segments)
    end = max(address + len(segment) for address, segment in segments)
    first = start if flash_base is None else flash_base
    if start < first or end > first + n_most:
        raise FlashError(
            f"{path}: fills {start:#010x} to {end:#010x}, more than the board's flash; link it for this board"
        )
    image = bytearray(ERASED * (end - start))
    for address, segment in segments:
        image[address - start : address - start + len(segment)] = segment
    return Part(FIRMWARE, start, bytes(image))


def check_apart(parts: Sequence[Part], page_bytes: int) -> None:
    """Raises FlashError where two parts share a page: writing one would erase some of the other."""
    in_order = sorted(parts, key=lambda part: part.address)
    for left, right in itertools.pairwise(in_order):
        if -(-left.end // page_bytes) * page_bytes > right.address:
            raise FlashError(
                f"{left.name} ends at {left.end:#010x} and {right.name} begins at {right.address:#010x}, "
                f"in the same page of {page_bytes:,} bytes; link smaller firmware, or move the slots"
            )
