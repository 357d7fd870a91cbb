"""Hops, clocks and buffer of small streams, worked out by hand."""

import pytest

from asd_edge.backends.real_time import Hop, buffer_samples, hops_of, mean_clock_hz, worst_clock_hz
from asd_edge.backends.score_records import Block

# 160 samples are 10 ms. Two hops of 320 samples; the second costs three times the first; then the first again.
STREAM = [
    Block(160, 0, 10.0),
    Block(160, 1, 990.0),
    Block(160, 0, 10.0),
    Block(160, 1, 2990.0),
    Block(160, 0, 10.0),
    Block(160, 1, 990.0),
]


def test_a_hop_ends_with_the_block_that_gives_a_column() -> None:
    assert hops_of([*STREAM, Block(160, 0, 5.0)]) == [Hop(320, 1000.0), Hop(320, 3000.0), Hop(320, 1000.0)]


def test_the_mean_clock_spreads_all_work_over_all_time() -> None:
    assert mean_clock_hz(STREAM) == pytest.approx(5000.0 / 0.06)


def test_the_worst_clock_ends_each_hop_before_the_next_column() -> None:
    assert worst_clock_hz(STREAM) == pytest.approx(3000.0 / 0.02)


@pytest.mark.parametrize(
    ("clock_hz", "samples"),
    [
        (1e9, 160),  # done before the next block
        (2990.0 / 0.01, 160),  # just in time
        (2990.0 / 0.011, 320),  # one block comes in meanwhile
        (2990.0 / 0.021, 480),
    ],
)
def test_the_buffer_holds_what_comes_in_while_a_block_is_computed(clock_hz: float, samples: int) -> None:
    assert buffer_samples(STREAM, clock_hz) == samples
