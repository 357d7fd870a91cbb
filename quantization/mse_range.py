"""MSE observer: the range whose int8 codes differ least from the values, in the mean of the squares.

Within [l, h] a value errs by up to half a step, of variance (h - l)^2 / 255^2 / 12; outside by its distance to the end.
"""

import numpy as np
from numpy.typing import NDArray

from quantization.histograms import Histogram
from quantization.observers import Range

_N_ENDS = 128  # tried between zero and either end


def mse_range(histogram: Histogram) -> Range:
    """The best of the _N_ENDS x _N_ENDS ranges whose ends divide those of the histogram evenly; all hold zero."""
    centers = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    shares = np.arange(1, _N_ENDS + 1) / _N_ENDS
    lows = histogram.range.low * shares if histogram.range.low < 0 else np.zeros(1)
    highs = histogram.range.high * shares if histogram.range.high > 0 else np.zeros(1)
    counts = histogram.counts.astype(np.float64)
    below = np.array([_beyond(counts, low - centers) for low in lows])  # (n_lows, 2)
    above = np.array([_beyond(counts, centers - high) for high in highs])
    n_inside = counts.sum() - below[:, None, 1] - above[None, :, 1]
    steps = (highs[None, :] - lows[:, None]) / 255
    errors = below[:, None, 0] + above[None, :, 0] + n_inside * steps**2 / 12
    best_low, best_high = np.unravel_index(int(errors.argmin()), errors.shape)
    return Range(float(lows[best_low]), float(highs[best_high]))


def _beyond(counts: NDArray[np.float64], distances: NDArray[np.float64]) -> tuple[float, float]:
    """Sum of the squared distances and number of the values that lie beyond an end."""
    outside = distances > 0
    return float((counts[outside] * distances[outside] ** 2).sum()), float(counts[outside].sum())
