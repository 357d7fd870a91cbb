"""Where a layer's own error comes from: its weights, values outside its range, the rounding of those inside.

Measured with the layer alone in int8, over one run of the network; runs are joined. Energies are sums of squares.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.diagnose.mixed_network import FloatArray

_LEAST_MAGNITUDE = 1e-9  # a channel below it is dead


@dataclass(frozen=True)
class LayerNoise:
    """Sums over the values of a layer's output; per channel (n_channels,) float64."""

    n_values: int
    signal: float  # energy of the float output
    noise: float  # of the layer's error alone in int8
    inherited: float  # of the error that the rest of the network in int8 brings to the layer in float
    from_weights: float  # of the error before the output is rounded
    from_clipping: float  # of what rounding to codes changes outside the range of codes
    from_rounding: float  # of what it changes inside
    n_clipped: int
    weight_error: NDArray[np.float64]  # sum of the error before the output is rounded
    low: NDArray[np.float64]  # of the float output
    high: NDArray[np.float64]

    def joined(self, other: "LayerNoise") -> "LayerNoise":
        """Over the values of both."""
        return LayerNoise(
            self.n_values + other.n_values,
            self.signal + other.signal,
            self.noise + other.noise,
            self.inherited + other.inherited,
            self.from_weights + other.from_weights,
            self.from_clipping + other.from_clipping,
            self.from_rounding + other.from_rounding,
            self.n_clipped + other.n_clipped,
            self.weight_error + other.weight_error,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


@dataclass(frozen=True)
class Evidence:
    """What a layer's noise says; shares are fractions of 1, those of the error add up to 1 (mean_share is a part of
    weights_share). None: there is no error, or no channel to compare.
    """

    weights_share: float | None  # of the error's energy
    mean_share: float | None  # the part of it that is the mean error of each channel, which a bias could take out
    clipping_share: float | None
    rounding_share: float | None
    clipped_values: float  # share of the values
    range_used: float  # width of the float values, in parts of the width that the codes span
    channel_ratio: float | None  # the widest channel's greatest magnitude in multiples of the median channel's


def measure_noise(
    exact: FloatArray, unrounded: FloatArray, rounded: FloatArray, inheriting: FloatArray, bounds: tuple[float, float]
) -> LayerNoise:
    """One run, arrays (1, time, mel, channels): the float output, the layer's before and after rounding, the layer in
    float behind int8; `bounds` are the real values of the least and the greatest code.
    """
    half_step = (bounds[1] - bounds[0]) / 510
    is_clipped = (unrounded < bounds[0] - half_step) | (unrounded > bounds[1] + half_step)
    rounding = np.square(rounded - unrounded, dtype=np.float64)
    weight_error = (unrounded - exact).reshape(-1, exact.shape[3])
    rows = exact.reshape(-1, exact.shape[3])
    return LayerNoise(
        exact.size,
        _energy(exact),
        _energy(rounded - exact),
        _energy(inheriting - exact),
        _energy(weight_error),
        float(rounding[is_clipped].sum()),
        float(rounding[~is_clipped].sum()),
        int(is_clipped.sum()),
        weight_error.sum(axis=0, dtype=np.float64),
        rows.min(axis=0).astype(np.float64),
        rows.max(axis=0).astype(np.float64),
    )


def evidence(noise: LayerNoise, bounds: tuple[float, float]) -> Evidence:
    """The shares; `bounds` as for `measure_noise`."""
    total = noise.from_weights + noise.from_clipping + noise.from_rounding
    of_means = float(np.square(noise.weight_error).sum()) * len(noise.weight_error) / noise.n_values

    def share(energy: float) -> float | None:
        return energy / total if total > 0 else None

    magnitudes = np.maximum(np.abs(noise.low), np.abs(noise.high))
    live = magnitudes[magnitudes > _LEAST_MAGNITUDE]
    width = max(float(noise.high.max()), 0.0) - min(float(noise.low.min()), 0.0)
    return Evidence(
        share(noise.from_weights),
        share(of_means),
        share(noise.from_clipping),
        share(noise.from_rounding),
        noise.n_clipped / noise.n_values,
        width / (bounds[1] - bounds[0]),
        float(live.max() / np.median(live)) if live.size > 1 else None,
    )


def sqnr_db(signal: float, noise: float) -> float | None:
    """10 * log10(signal / noise); None where there is no noise or no signal."""
    return 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else None


def _energy(values: FloatArray) -> float:
    return float(np.square(values, dtype=np.float64).sum())
