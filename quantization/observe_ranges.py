"""The range of each activation: all values, most of them, or those of least squared error or KL divergence."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.graph.graph import Graph
from quantization.histograms import Histogram, gather_histograms
from quantization.kl_range import kl_range
from quantization.mse_range import mse_range
from quantization.observers import ChannelStatistics, Range, ranges_of
from quantization.percentile_range import percentile_range
from quantization.recipe import Observe


def observe_ranges(
    graph: Graph,
    statistics: Mapping[str, ChannelStatistics],
    runs: Sequence[Mapping[str, NDArray[np.float32]]],
    settings: Observe,
    on_progress: ProgressFn = ignore_progress,
) -> dict[str, Range]:
    """`statistics` are the graph's own over `runs`, which only the methods that need histograms run again.

    Not for method output (`output_range.py`).
    """
    ranges = ranges_of(statistics)
    if settings.method == "min_max":
        return ranges
    histograms = gather_histograms(graph, runs, ranges, on_progress)
    return ranges | {name: _chosen(histogram, settings) for name, histogram in histograms.items()}


def _chosen(histogram: Histogram, settings: Observe) -> Range:
    match settings.method:
        case "percentile":
            return percentile_range(histogram, settings.percentile)
        case "mse":
            return mse_range(histogram)
        case "kl":
            return kl_range(histogram)
        case "min_max" | "output":
            return histogram.range
