"""Runs the float Graph over normal clips again and counts every activation's values in equal bins.

One pass, counts of integers: the same clips give the same histograms, and their size doesn't depend on how many there
are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.observers import Range

N_BINS = 2048


@dataclass(frozen=True)
class Histogram:
    """How many values of an activation lie in each of N_BINS equal bins of `range`, which holds zero."""

    range: Range
    counts: NDArray[np.int64]  # (N_BINS,)

    @property
    def edges(self) -> NDArray[np.float64]:
        """(N_BINS + 1,) from low to high."""
        return np.linspace(self.range.low, self.range.high, len(self.counts) + 1)


def gather_histograms(
    graph: Graph,
    runs: Sequence[Mapping[str, NDArray[np.float32]]],
    ranges: Mapping[str, Range],
    on_progress: ProgressFn = ignore_progress,
) -> dict[str, Histogram]:
    """One histogram per activation; `ranges` are those that calibration saw on the same runs.

    What rounding puts beyond an end counts in the last bin. An activation of width 0 has no histogram.
    """
    held = {name: ranges[name].holding_zero() for name in graph.activations() if ranges[name].holding_zero().width > 0}
    counts = {name: np.zeros(N_BINS, np.int64) for name in held}
    for n_seen, inputs in enumerate(runs, start=1):
        for name, values in run_float(graph, inputs).items():
            if name in held:
                bins = (values.ravel() - np.float32(held[name].low)) * np.float32(N_BINS / held[name].width)
                indices = np.clip(bins, 0, N_BINS - 1).astype(np.int32)
                counts[name] += np.bincount(indices, minlength=N_BINS)
        on_progress(n_seen, len(runs))
    return {name: Histogram(held[name], counts[name]) for name in held}
