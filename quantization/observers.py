"""What calibration remembers of an activation: here the least and the greatest value over all normal clips.

Anomalies lie at the edge of what normal clips show, so nothing is averaged or clipped away.
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


def observe_minmax(ranges: Mapping[str, Range], activations: Mapping[str, NDArray[np.float32]]) -> dict[str, Range]:
    """The ranges after one more clip."""
    observed = {name: Range(float(values.min()), float(values.max())) for name, values in activations.items()}
    return {name: seen.union(ranges[name]) if name in ranges else seen for name, seen in observed.items()}
