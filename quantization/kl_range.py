"""KL observer: the range whose int8 codes keep most of what the distribution of the values tells (Migacz 2017).

P is the histogram with what a range leaves outside counted in its end bins. Q is the histogram inside the range summed
over the bins of each code and spread back evenly over those of them that hold values. The range is the one of least
sum P log (P / Q), the upper end tried first and then, with it, the lower.
"""

import numpy as np
from numpy.typing import NDArray

from quantization.histograms import Histogram
from quantization.observers import Range

_N_CODES = 256
_N_ENDS = 64  # tried between zero and either end
_FLOOR = 1e-9  # of Q, where P has outliers and the bin itself holds nothing


def kl_range(histogram: Histogram) -> Range:
    """Its ends divide those of the histogram evenly and hold zero."""
    shares = np.arange(1, _N_ENDS + 1) / _N_ENDS
    best = histogram.range
    if best.high > 0:
        best = _least(histogram, [Range(best.low, best.high * share) for share in shares])
    if best.low < 0:
        best = _least(histogram, [Range(best.low * share, best.high) for share in shares])
    return best


def _least(histogram: Histogram, ranges: list[Range]) -> Range:
    return min(reversed(ranges), key=lambda tried: _divergence(histogram, tried))  # the widest of equals


def _divergence(histogram: Histogram, tried: Range) -> float:
    centers = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    inside = np.flatnonzero((centers >= tried.low) & (centers <= tried.high))
    if len(inside) < _N_CODES:
        return float("inf")
    first, last = int(inside[0]), int(inside[-1])
    counts = histogram.counts[first : last + 1].astype(np.float64)
    p = counts.copy()
    p[0] += histogram.counts[:first].sum()
    p[-1] += histogram.counts[last + 1 :].sum()
    return _relative_entropy(p / p.sum(), _coded(counts))


def _coded(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distribution that is left when each of _N_CODES codes only knows how many values it stands for."""
    codes = np.arange(len(counts)) * _N_CODES // len(counts)
    held = (counts > 0).astype(np.float64)
    sums, n_held = np.bincount(codes, counts), np.bincount(codes, held)
    spread = held * (sums / np.maximum(n_held, 1))[codes]
    return np.maximum(spread / max(float(spread.sum()), 1.0), _FLOOR)


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())
