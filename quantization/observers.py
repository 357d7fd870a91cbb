"""What calibration remembers of an activation: each channel's least, greatest and mean value and mean square.

Anomalies lie at the edge of what normal clips show, so nothing is averaged or clipped away here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Range:
    """Least and greatest value of a tensor, in its own unit."""

    low: float
    high: float

    def union(self, other: "Range") -> "Range":
        """The smallest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def holding_zero(self) -> "Range":
        """The smallest range that holds this one and zero, which int8 must represent exactly."""
        return Range(min(self.low, 0.0), max(self.high, 0.0))

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True)
class ChannelStatistics:
    """Each (n_channels,) float64, in the activation's own unit."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    mean_square: NDArray[np.float64]

    @property
    def range(self) -> Range:
        """Over all channels."""
        return Range(float(self.low.min()), float(self.high.max()))

    @property
    def magnitudes(self) -> NDArray[np.float64]:
        """(n_channels,): the greatest absolute value of each."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def scaled(self, factors: NDArray[np.float64]) -> "ChannelStatistics":
        """The statistics of factors * x; factors (n_channels,) are positive."""
        squares = self.mean_square * factors * factors
        return ChannelStatistics(self.low * factors, self.high * factors, self.mean * factors, squares)


def ranges_of(statistics: Mapping[str, ChannelStatistics]) -> dict[str, Range]:
    """Each activation's range over all its channels."""
    return {name: seen.range for name, seen in statistics.items()}
