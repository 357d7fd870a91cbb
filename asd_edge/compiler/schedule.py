"""Delays that spread the steps of a network over ticks, so that no tick costs much more than the mean.

Where two windows meet, all that the last columns complete falls on one tick, 12 times the mean in the reference
model. Every delay keeps columns of its step's input longer; the search weighs those bytes against the worst tick.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan import least_arena_bytes
from asd_edge.compiler.simulate import PASSES, Timeline, simulate
from asd_edge.compiler.step_cost import step_cost
from asd_edge.compiler.stream_graph import StreamGraph, StreamStep

AIM = 2.4  # worst tick over mean tick: at 1.5 the two windows that overlap ask for 70 KB more
SMALL_TICK = 1_000_000  # instructions that any core has per hop: nothing is delayed for less
_BYTES_PER_OVERLOAD = 20_000  # what a mean tick above the aim is worth, summed over the ticks of a window
_BYTES_PER_WORST = 2_048  # what a mean tick less in the worst one is worth, below the aim too
_LEAST_SHARE = 0.05  # of a mean tick: a lighter step isn't worth a delay
_MOST_ROUNDS = 8
MOST_DELAY = 1024  # ASD_MAX_DELAY
Delays = dict[str, int]  # ticks by output tensor


def choose_delays(
    graph: StreamGraph, is_endless: bool, core: Core, on_progress: ProgressFn = ignore_progress
) -> Delays:
    """Empty where the worst tick is small. Deterministic; `on_progress` counts moves tried."""
    timeline = simulate(graph, {}, is_endless)
    ticks = tick_costs(graph, timeline)
    if ticks.max() <= SMALL_TICK:
        return {}
    most = {
        step.output: min(round(timeline.period_ticks / n) - 1, MOST_DELAY)
        for step, n in zip(graph.steps, timeline.n_per_period, strict=True)
        if step_cost(graph, step) >= _LEAST_SHARE * ticks.mean() and _waits_cheaply(graph, step)
    }
    costs = {step.output: step_cost(graph, step) for step in graph.steps}
    names = sorted(most, key=lambda name: (-costs[name], name))
    judge = _Judge(graph, is_endless, core)
    delays: Delays = {}
    best = judge.bytes_of(delays)
    n_tried, n_moves = 0, sum(1 for moves in (_single_moves, _pair_moves) for _ in moves(names, most)) * _MOST_ROUNDS
    for _ in range(_MOST_ROUNDS):
        before = best
        for moves in (_single_moves, _pair_moves):
            for move in moves(names, most):
                n_tried += 1
                on_progress(n_tried, n_moves)
                tried = _moved(delays, move, most)
                found = None if tried is None else judge.bytes_of(tried)
                if tried is not None and found is not None and (best is None or found < best):
                    delays, best = tried, found
            if best != before:
                break
        if best == before:
            break
    return delays


def tick_costs(graph: StreamGraph, timeline: Timeline) -> NDArray[np.int64]:
    """(period_ticks,) instructions, roughly, of each tick of a steady period."""
    totals = np.zeros(timeline.period_ticks, np.int64)
    for index, step in enumerate(graph.steps):
        ticks = timeline.period_moments(index) // PASSES % timeline.period_ticks
        totals += step_cost(graph, step) * np.bincount(ticks, minlength=timeline.period_ticks)
    return totals


def greatest_lag(ticks: NDArray[np.int64]) -> float:
    """(period_ticks,) costs -> hops by which a core that does the mean tick in one hop's time falls behind at most.

    The greatest sum of (tick - mean) over consecutive ticks of a periodic stream, in mean ticks.
    """
    if not ticks.any():
        return 0.0
    behind = np.cumsum(np.tile(ticks, 2) / ticks.mean() - 1.0)
    return float((behind - np.minimum.accumulate(np.minimum(behind, 0.0))).max())


def _waits_cheaply(graph: StreamGraph, step: StreamStep) -> bool:
    """A delayed step keeps columns of its input: worth it only where they are smaller than what it makes of them."""
    output = graph.tensors[step.output].column_bytes
    return all(graph.tensors[name].column_bytes < output for name in step.inputs)


@dataclass(frozen=True)
class _Move:
    """A new delay, or one that is a tick longer or shorter."""

    name: str
    ticks: int
    is_change: bool


def _single_moves(names: list[str], most: Mapping[str, int]) -> Iterator[tuple[_Move, ...]]:
    for name in names:
        for ticks in range(most[name] + 1):
            yield (_Move(name, ticks, False),)


def _pair_moves(names: list[str], most: Mapping[str, int]) -> Iterator[tuple[_Move, ...]]:
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            for change, other_change in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
                yield _Move(name, change, True), _Move(other, other_change, True)


def _moved(delays: Delays, moves: tuple[_Move, ...], most: Mapping[str, int]) -> Delays | None:
    """The delays after the moves; None where one leaves its range."""
    moved = dict(delays)
    for move in moves:
        ticks = move.ticks + (moved.get(move.name, 0) if move.is_change else 0)
        if not 0 <= ticks <= most[move.name]:
            return None
        moved[move.name] = ticks
    return {name: ticks for name, ticks in moved.items() if ticks > 0}


@dataclass
class _Judge:
    """Delays -> the bytes that they cost, arena and overload together; remembers what it has seen."""

    graph: StreamGraph
    is_endless: bool
    core: Core
    seen: dict[tuple[tuple[str, int], ...], float | None] = field(default_factory=dict)

    def bytes_of(self, delays: Delays) -> float | None:
        """None for delays that fall behind the input."""
        key = tuple(sorted(delays.items()))
        if key not in self.seen:
            self.seen[key] = self._bytes_of(delays)
        return self.seen[key]

    def _bytes_of(self, delays: Delays) -> float | None:
        timeline = simulate(self.graph, delays, self.is_endless)
        if not timeline.is_steady:
            return None
        ticks = tick_costs(self.graph, timeline)
        ratios = ticks / ticks.mean()
        overload = float(np.maximum(ratios - AIM, 0.0).sum()) * _BYTES_PER_OVERLOAD
        worst = float(ratios.max()) * _BYTES_PER_WORST
        n_bytes = least_arena_bytes(self.graph, timeline, self.is_endless, self.core)
        return round(n_bytes + overload + worst, 3)
