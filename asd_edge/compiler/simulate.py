"""When each step fires and which columns it reads, by FORMAT.md's tick rule, over enough windows to hold for all.

A moment is tick * PASSES + pass; inside a pass, steps fire in their order. A step without delay fires in the pass in
which it becomes ready, once per pass; a delayed one `delay` ticks after it became ready, in pass 0, once per tick:

    moment[k] = max(ready[k], moment[k - 1] + 1)                      without delay
    tick[k]   = max(tick of ready[k], tick[k - 1]) + delay            with delay

Both are running maxima, so that NumPy does a whole stream at once. Where all moments of one window equal those of the
window before it, one window later, they do so for ever: a moment depends on its own window and the firing before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.stream_graph import ACCUMULATING, WINDOWED, StepOp, StreamGraph, StreamStep
from asd_edge.errors import CompilerError

PASSES = 1 << 24  # more than one tick can have
N_PERIODS = 4
_MOST_FIRINGS = 1 << 25
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Firings:
    """Of one step, (n_firings,) each."""

    moments: Indices
    first_read: Indices  # running index of the oldest column read, of every input; past last_read: none
    last_read: Indices


@dataclass(frozen=True, eq=False)
class Timeline:
    """A stream from its begin on, over a few periods: a window, or what endless rates have in common."""

    firings: tuple[Firings, ...]  # by step
    produced: Mapping[str, Indices]  # by tensor: the moment of each column
    period_ticks: int
    n_per_period: tuple[int, ...]  # firings by step
    is_steady: bool  # whether the stream keeps up with its input for ever

    def period_moments(self, step_index: int) -> Indices:
        """The newest period's moments of a step."""
        moments = self.firings[step_index].moments
        return moments[len(moments) - self.n_per_period[step_index] :]


def simulate(graph: StreamGraph, delays: Mapping[str, int], is_endless: bool) -> Timeline:
    """`delays`: ticks by output of the delayed steps. Raises CompilerError for a stream too long to simulate."""
    periods = dict.fromkeys(graph.inputs, 1)  # ticks per column
    for step in graph.steps:
        periods[step.output] = max(periods[name] for name in step.inputs) * (step.stride[0] if is_endless else 1)
    period = lcm(*periods.values()) if is_endless else graph.window_columns
    n_extra = -(-sum(delays.values()) // period)
    n_ticks = (N_PERIODS + n_extra) * period + (_first_column_needed(graph) if is_endless else 0)
    longest = max([n_ticks, *(tensor.n_columns * (N_PERIODS + n_extra) for tensor in graph.tensors.values())])
    if longest * len(graph.steps) > _MOST_FIRINGS:
        raise CompilerError(
            f"{len(graph.steps)} steps over {longest:,} columns are too many to simulate; cut the network"
        )
    produced: dict[str, Indices] = dict.fromkeys(graph.inputs, np.arange(n_ticks, dtype=np.int64) * PASSES)
    firings, counts = [], []
    for step in graph.steps:
        fired = _fire(graph, step, produced, delays.get(step.output, 0), is_endless)
        firings.append(fired)
        produced[step.output] = _columns_of(step, fired, graph, is_endless)
        n_in = graph.tensors[step.inputs[0]].n_columns
        n_window = n_in if step.op in ACCUMULATING else graph.tensors[step.output].n_columns
        rate = periods[step.inputs[0] if step.op in ACCUMULATING else step.output]
        counts.append(period // rate if is_endless else n_window)
    is_steady = all(_repeats(f.moments, n, period * PASSES) for f, n in zip(firings, counts, strict=True))
    return Timeline(tuple(firings), produced, period, tuple(counts), is_steady)


def _first_column_needed(graph: StreamGraph) -> int:
    """The input column that the first output of an endless stream waits for."""
    needed = dict.fromkeys(graph.tensors, 0)
    for step in reversed(graph.steps):
        last = needed[step.output] * step.stride[0] + step.kernel[0] - 1
        for name in step.inputs:
            needed[name] = max(needed[name], last)
    return max(needed[name] for name in graph.inputs)


def _repeats(moments: Indices, n: int, period: int) -> bool:
    if len(moments) < 2 * n:
        return False
    newest, before = moments[len(moments) - n :], moments[len(moments) - 2 * n : len(moments) - n]
    return bool((newest == before + period).all())


def _fire(
    graph: StreamGraph, step: StreamStep, produced: Mapping[str, Indices], delay: int, is_endless: bool
) -> Firings:
    n_in = graph.tensors[step.inputs[0]].n_columns
    n_available = min(len(produced[name]) for name in step.inputs)
    if is_endless:
        nexts = np.arange(_endless_count(step, n_available), dtype=np.int64)
        starts = np.zeros_like(nexts)
    else:
        per_window = n_in if step.op in ACCUMULATING else graph.tensors[step.output].n_columns
        window, nexts = np.indices((n_available // n_in, per_window), dtype=np.int64).reshape(2, -1)
        starts = window * n_in
    first, last = _columns_read(graph, step, nexts)
    if not is_endless:
        first, last = np.minimum(first, n_in), np.minimum(last, n_in - 1)
    needed = starts + last
    ready = np.zeros(len(needed), np.int64)
    for name in step.inputs:
        if n_available:
            there = produced[name][np.maximum(needed, 0)]
            np.maximum(ready, np.where(needed >= 0, there, 0), out=ready)
    return Firings(_moments(ready, delay), starts + np.maximum(first, 0), needed)


def _endless_count(step: StreamStep, n_available: int) -> int:
    """Firings that so many columns of the input allow."""
    if step.op in WINDOWED:
        return max(0, (n_available - step.kernel[0] + step.padding[0]) // step.stride[0] + 1)
    return n_available + (step.padding[0] if step.op == StepOp.PAD else 0)


def _columns_read(graph: StreamGraph, step: StreamStep, nexts: Indices) -> tuple[Indices, Indices]:
    """First and last column of the window, which may lie outside of it."""
    if step.op in WINDOWED:
        first = nexts * step.stride[0] - step.padding[0]
        return first, first + step.kernel[0] - 1
    if step.op == StepOp.PAD:
        return nexts - step.padding[0], nexts - step.padding[0]
    if graph.waits_for_whole(step):
        source, output = graph.tensors[step.inputs[0]], graph.tensors[step.output]
        first = nexts * (output.n_mels * output.n_channels) // (source.n_mels * source.n_channels)
        return first, np.full(len(nexts), source.n_columns - 1, np.int64)
    return nexts, nexts


def _moments(ready: Indices, delay: int) -> Indices:
    index = np.arange(len(ready), dtype=np.int64)
    if delay == 0:
        return np.asarray(np.maximum.accumulate(ready - index) + index, np.int64)
    ticks = np.maximum.accumulate(ready // PASSES - index * delay) + (index + 1) * delay
    return np.asarray(ticks * PASSES, np.int64)


def _columns_of(step: StreamStep, fired: Firings, graph: StreamGraph, is_endless: bool) -> Indices:
    """The moments of the output's columns."""
    if step.op not in ACCUMULATING:
        return fired.moments
    index = np.arange(len(fired.moments), dtype=np.int64)
    column = index if is_endless else index % graph.tensors[step.inputs[0]].n_columns
    behind = column - (step.kernel[0] - 1)
    columns: Indices = fired.moments[(behind >= 0) & (behind % step.stride[0] == 0)]
    return columns
