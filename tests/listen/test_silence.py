"""A microphone that gives nothing is silent; a quiet room isn't."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.listen.config import SilenceConfig
from asd_edge.listen.silence import BLOCK, SilenceTracker

SECOND = 16_000
GENERATOR = np.random.default_rng(1)


def tracked(samples: NDArray[np.int16], config: SilenceConfig | None = None) -> SilenceTracker:
    tracker = SilenceTracker(config or SilenceConfig())
    for start in range(0, len(samples), BLOCK):
        tracker.hear(samples[start : start + BLOCK], start)
    return tracker


@pytest.mark.parametrize(
    ("samples", "is_silent"),
    [
        (np.zeros(2 * SECOND), True),
        (np.full(2 * SECOND, -1234), True),  # an offset alone
        (GENERATOR.integers(-2, 3, 2 * SECOND), True),  # a converter's last steps
        (GENERATOR.integers(-3, 4, 2 * SECOND), False),
        (np.arange(2 * SECOND) // 400, False),  # each block within 4 steps, the second isn't
        (np.append(GENERATOR.integers(-9, 10, 2 * SECOND), np.zeros(SECOND // 2)), False),  # not for long enough
    ],
)
def test_silence_is_what_stays_within_a_few_steps_for_a_second(samples: NDArray[np.int64], is_silent: bool) -> None:
    assert tracked(samples.astype(np.int16)).is_silent == is_silent


def test_the_stretch_is_known_from_its_first_block_to_its_last() -> None:
    sound = GENERATOR.integers(-99, 99, 20 * BLOCK).astype(np.int16)
    tracker = tracked(np.concatenate([sound, np.zeros(40 * BLOCK, np.int16), sound]))
    start, end = 20 * BLOCK, 60 * BLOCK
    assert not tracker.is_silent
    assert tracker.touches(0, start + 1)
    assert tracker.touches(end - 1, end + 1)
    assert not tracker.touches(0, start)
    assert not tracker.touches(end, 80 * BLOCK)
    tracker.forget_before(end)
    assert not tracker.touches(0, 80 * BLOCK)


def test_a_break_of_the_stream_begins_anew() -> None:
    tracker = tracked(np.zeros(SECOND // 2, np.int16))
    tracker.interrupt()
    for start in range(0, SECOND // 2, BLOCK):
        tracker.hear(np.zeros(BLOCK, np.int16), SECOND + start)
    assert not tracker.is_silent
