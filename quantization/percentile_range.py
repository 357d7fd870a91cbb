"""Percentile observer: a range that leaves the same small part of the values outside at either end."""

import numpy as np

from quantization.histograms import Histogram
from quantization.observers import Range


def percentile_range(histogram: Histogram, percentile: float) -> Range:
    """From the bin that 100 - `percentile` percent of the values lie below to the one that as many lie above."""
    counts = histogram.counts
    outside = (1 - percentile / 100) * float(counts.sum())
    first = int(np.searchsorted(np.cumsum(counts), outside, side="right"))
    last = len(counts) - int(np.searchsorted(np.cumsum(counts[::-1]), outside, side="right"))
    edges = histogram.edges
    return Range(float(edges[min(first, last - 1)]), float(edges[last]))
