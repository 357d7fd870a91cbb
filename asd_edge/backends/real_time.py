"""Instructions of a stream's blocks of samples -> its hops, the clock that keeps up, and the buffer that it then needs.

A hop is what comes in from one column of the network to the next: 512 samples, but for those at a window's ends. A
clock is in instructions per second: a core that takes c cycles per instruction needs c times as many Hz.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from asd_edge.backends.score_records import Block

SAMPLE_RATE_HZ = 16_000


@dataclass(frozen=True)
class Hop:
    """Samples since the hop before it, and the instructions that they caused."""

    n_samples: int
    instructions: float


def hops_of(blocks: Sequence[Block]) -> list[Hop]:
    """Blocks behind the last column are left out."""
    hops: list[Hop] = []
    n_samples, instructions = 0, 0.0
    for block in blocks:
        n_samples, instructions = n_samples + block.n_samples, instructions + block.instructions
        if block.n_columns > 0:
            hops.append(Hop(n_samples, instructions))
            n_samples, instructions = 0, 0.0
    return hops


def mean_clock_hz(blocks: Sequence[Block]) -> float:
    """Below it audio piles up without end."""
    return sum(block.instructions for block in blocks) * SAMPLE_RATE_HZ / sum(block.n_samples for block in blocks)


def worst_clock_hz(blocks: Sequence[Block]) -> float:
    """From it on every hop is done before the next one's column is there."""
    hops = hops_of(blocks)
    return max(hop.instructions * SAMPLE_RATE_HZ / following.n_samples for hop, following in itertools.pairwise(hops))


def buffer_samples(blocks: Sequence[Block], clock_hz: float) -> int:
    """Samples that wait at most, those that just came in included; `clock_hz` at least the mean's."""
    now, free_at, most = 0.0, 0.0, 0  # seconds
    waiting: list[tuple[float, int]] = []  # (when they are done, how many), oldest first
    for block in blocks:
        now += block.n_samples / SAMPLE_RATE_HZ
        waiting = [(done, n) for done, n in waiting if done > now]
        free_at = max(free_at, now) + block.instructions / clock_hz
        waiting.append((free_at, block.n_samples))
        most = max(most, sum(n for _, n in waiting))
    return most
