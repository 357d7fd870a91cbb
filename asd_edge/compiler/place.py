"""Blocks of bytes with lifetimes -> offsets in one stretch of memory, so that no two that live at once share a byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from asd_edge.errors import CompilerError

_LONG = 1 << 12  # steps: more than a pass has, so such a block is in the way of every other
_MOST_TRIES = 64


@dataclass(frozen=True)
class Block:
    """`n_bytes` that are in use from step `first` to step `last` of a pass, both included."""

    name: str
    n_bytes: int
    first: int
    last: int


def place(blocks: Sequence[Block]) -> dict[str, int]:
    """Offsets by name: the longest-lived and then the largest first, each in the smallest gap that holds it.

    As long as that needs more than what lives at once, the block that ends last is placed earlier.
    """
    order = sorted(
        blocks, key=lambda block: (block.last - block.first < _LONG, -block.n_bytes, block.first, block.name)
    )
    best = _place_in(order)
    least = least_bytes(blocks)
    for _ in range(_MOST_TRIES):
        found = _place_in(order)
        if extent(blocks, found) < extent(blocks, best):
            best = found
        if extent(blocks, best) == least:
            break
        last = max(order, key=lambda block: (found[block.name] + block.n_bytes, block.name))
        n_long = sum(block.last - block.first >= _LONG for block in order)
        order.remove(last)
        order.insert(min(n_long, len(order)), last)
    return best


def least_bytes(blocks: Sequence[Block]) -> int:
    """What any placement needs: the most that lives at one step."""
    steps = {block.first for block in blocks}
    return max((sum(b.n_bytes for b in blocks if b.first <= step <= b.last) for step in steps), default=0)


def _place_in(order: Sequence[Block]) -> dict[str, int]:
    """Each in the smallest gap that holds it, else behind all others; sizes are multiples of the alignment."""
    placed: list[tuple[int, Block]] = []
    offsets: dict[str, int] = {}
    for block in order:
        neighbours = sorted((offset, other.n_bytes) for offset, other in placed if _lives_with(block, other))
        offset = _smallest_gap(neighbours, block.n_bytes)
        placed.append((offset, block))
        offsets[block.name] = offset
    return offsets


def check_placement(blocks: Sequence[Block], offsets: dict[str, int], n_bytes: int) -> None:
    """Raise CompilerError where a block leaves the memory or shares a byte with one that lives at the same time."""
    for block in blocks:
        if offsets[block.name] < 0 or offsets[block.name] + block.n_bytes > n_bytes:
            raise CompilerError(f"{block.name} leaves the {n_bytes} bytes that it was given; report this as a bug")
    for one, other in combinations(blocks, 2):
        begin = max(offsets[one.name], offsets[other.name])
        end = min(offsets[one.name] + one.n_bytes, offsets[other.name] + other.n_bytes)
        if begin < end and _lives_with(one, other):
            raise CompilerError(f"{one.name} and {other.name} share bytes; report this as a bug")


def extent(blocks: Sequence[Block], offsets: dict[str, int]) -> int:
    """Bytes from 0 to the end of the last block."""
    return max((offsets[block.name] + block.n_bytes for block in blocks), default=0)


def _lives_with(one: Block, other: Block) -> bool:
    return one.first <= other.last and other.first <= one.last


def _smallest_gap(taken: Sequence[tuple[int, int]], n_bytes: int) -> int:
    """Where to put n_bytes among (offset, n_bytes) in rising order."""
    end, best, best_size = 0, -1, 0
    for offset, size in taken:
        gap = offset - end
        if gap >= n_bytes and (best < 0 or gap < best_size):
            best, best_size = end, gap
        end = max(end, offset + size)
    return end if best < 0 else best
