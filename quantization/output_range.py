"""The ranges that cost the network's output least (loss-aware quantization: Nahshan et al. 2019).

What a tensor's own error is worth, only the layers behind it tell. An attention's sums reach 20 where its sigmoid has
settled at 5: within half of their range every other value has a finer code, and what is cut off was without effect.
So the error of the output itself decides, in two turns:

* all ranges at once, cut off so many standard deviations from the mean as cost the output least;
* one end of one range after the other, in execution order: drawn in by STEPS as long as that gains, else let out again.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Logistic, Softmax, Tanh
from quantization.bias_correct import correct_biases
from quantization.interpret_int8 import run_int8
from quantization.observers import ChannelStatistics, Range
from quantization.output_error import Runs, errors_of_codes, float_outputs
from quantization.quantize_graph import quantize_graph
from quantization.settle_ranges import range_groups
from quantization.sqnr import quantize_inputs

DEVIATIONS = (20.0, 14.0, 12.0, 10.0, 8.0, 7.0, 6.0)
STEPS = (0.7, 1.4)
_MOST_THREADS = 4
_N_PARTS = 4  # of the clips: an end that loses on the first part stays where it was
Ranges = Mapping[str, Range]
Codes = Mapping[str, NDArray[np.int8]]


def best_for_output(
    graph: Graph,
    statistics: Mapping[str, ChannelStatistics],
    runs: Runs,
    on_progress: ProgressFn = ignore_progress,
) -> Graph:
    """The int8 graph of these ranges, biases corrected; `statistics` are the graph's, `runs` measure the error."""
    runs = [run for part in range(_N_PARTS) for run in runs[part::_N_PARTS]]  # neighbours are alike
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        search = _Search(graph, statistics, runs, float_outputs(graph, runs), pool)
        return search.int8_graph(search.best(on_progress).ranges)


def _limited(seen: ChannelStatistics, deviations: float) -> Range:
    """The observed range without what lies farther than this from the mean over all channels."""
    observed = seen.range.holding_zero()
    mean = float(seen.mean.mean())
    reach = deviations * float(np.sqrt(max(float(seen.mean_square.mean()) - mean * mean, 0.0)))
    return Range(max(observed.low, min(mean - reach, 0.0)), min(observed.high, max(mean + reach, 0.0)))


@dataclass(frozen=True)
class _Draft:
    """Entry i of `codes`, every activation's, and of the output's `errors` is run i."""

    ranges: Ranges
    codes: Sequence[Codes]
    errors: Sequence[float]


@dataclass(frozen=True)
class _Search:
    graph: Graph
    statistics: Mapping[str, ChannelStatistics]
    runs: Runs
    expected: Sequence[NDArray[np.float64]]
    pool: ThreadPoolExecutor

    def best(self, on_progress: ProgressFn) -> _Draft:
        """Of all that was tried."""
        fixed = {op.output for op in self.graph.ops if isinstance(op, Logistic | Softmax | Tanh)}
        kept = fixed.union(self.graph.inputs)
        groups = [group for group in range_groups(self.graph) if kept.isdisjoint(group)]
        n_parts = len(DEVIATIONS) + len(groups)
        observed = {name: seen.range.holding_zero() for name, seen in self.statistics.items()}
        best = self.better(None, observed)
        for index, deviations in enumerate(DEVIATIONS):
            limited = {name: _limited(seen, deviations) for name, seen in self.statistics.items()}
            best = self.better(best, {**limited, **{name: observed[name] for name in self.graph.inputs}})
            on_progress(index + 1, n_parts)
        for index, group in enumerate(groups):
            for end in ("low", "high"):
                best = self.moved(best, observed, group, end)
            on_progress(len(DEVIATIONS) + index + 1, n_parts)
        return best

    def moved(self, best: _Draft, observed: Ranges, group: Sequence[str], end: str) -> _Draft:
        """The best draft with this end of the group's range where it costs least, within what was observed."""
        farthest = max((getattr(observed[name], end) for name in group), key=abs)
        for factor in STEPS:
            before = best
            while True:
                now = max((getattr(best.ranges[name], end) for name in group), key=abs)
                to = min(factor * now, farthest, key=abs)
                ends = {name: replace(best.ranges[name], **{end: to}) for name in group}
                after = best if to == now else self.better(best, {**best.ranges, **ends}, group)
                if after is best:
                    break
                best = after
            if best is not before:
                break
        return best

    def int8_graph(self, ranges: Ranges) -> Graph:
        return correct_biases(self.graph, quantize_graph(self.graph, ranges), self.statistics)

    def better(self, best: _Draft | None, ranges: Ranges, changed: Sequence[str] | None = None) -> _Draft:
        """The draft of these ranges if its mean error is less, else `best`.

        `changed` None: in all of them; else that of the first part of the clips has to be less too.
        """
        int8_graph = self.int8_graph(ranges)
        part = int8_graph if changed is None else _behind(int8_graph, changed)

        def run(index: int) -> Codes:
            before = {**(best.codes[index] if best else {}), **quantize_inputs(int8_graph, self.runs[index])}
            return {**before, **run_int8(part, {name: before[name] for name in part.inputs})}

        (output,) = int8_graph.outputs
        n_first = -(-len(self.runs) // _N_PARTS)
        codes: list[Codes] = []
        errors: list[float] = []
        for indices in (range(n_first), range(n_first, len(self.runs))):
            codes += self.pool.map(run, indices)
            outputs = (codes[index][output] for index in indices)
            errors += errors_of_codes([self.expected[index] for index in indices], int8_graph, outputs)
            if best and changed and sum(errors) >= sum(best.errors[: len(errors)]):
                return best
        return best if best and sum(errors) >= sum(best.errors) else _Draft(ranges, codes, errors)


def _behind(graph: Graph, changed: Sequence[str]) -> Graph:
    """The part of the graph that gives other codes where these activations have other ranges."""
    written = [op.output for op in graph.ops]
    ops = graph.ops[min(written.index(name) if name in written else 0 for name in changed) :]
    read = {name for op in ops for name in op.inputs}
    behind = {op.output for op in ops}
    inputs = tuple(name for name in graph.activations() if name in read and name not in behind)
    return Graph(graph.tensors, ops, inputs, graph.outputs)
