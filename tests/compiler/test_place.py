"""Placement: blocks that live at once never share a byte, and the check sees it where they do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.compiler.place import Block, check_placement, extent, least_bytes, place
from asd_edge.errors import CompilerError


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    spans = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(-1, 12), st.integers(0, 6)), max_size=25))
    found = [Block(str(i), 4 * size, first, first + length) for i, (size, first, length) in enumerate(spans)]
    lasting = [Block(f"lasting {i}", 8 * i, -1, 1 << 16) for i in range(1, draw(st.integers(1, 4)))]
    return [*found, *lasting]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(blocks())
def test_blocks_that_live_at_once_share_no_byte(found: list[Block]) -> None:
    offsets = place(found)
    n_bytes = extent(found, offsets)
    check_placement(found, offsets, n_bytes)
    assert least_bytes(found) <= n_bytes <= sum(block.n_bytes for block in found)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(blocks(), st.data())
def test_the_check_sees_a_block_moved_onto_another(found: list[Block], data: st.DataObject) -> None:
    offsets = place(found)
    pairs = [(a, b) for a in found for b in found if a is not b and a.first <= b.last and b.first <= a.last]
    if pairs:
        moved, onto = data.draw(st.sampled_from(pairs))
        with pytest.raises(CompilerError):
            check_placement(found, {**offsets, moved.name: offsets[onto.name]}, 1 << 20)


def test_a_block_beyond_the_end_is_refused() -> None:
    found = [Block("a", 8, 0, 0)]
    with pytest.raises(CompilerError, match="leaves"):
        check_placement(found, {"a": 4}, 8)


def test_blocks_of_different_steps_lie_on_each_other() -> None:
    found = [Block("a", 64, 0, 1), Block("b", 64, 2, 3), Block("c", 16, 1, 2)]
    assert extent(found, place(found)) == 80
