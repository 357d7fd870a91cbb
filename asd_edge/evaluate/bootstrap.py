"""Scores of the same clips on several rungs -> 95 % intervals of AUC, pAUC and mAUC differences to the first rung.

Stratified paired bootstrap: each draw resamples clips with replacement within machine ID x label, so that every draw
has the class sizes of the test set, and uses the same clips for every rung. A figure (mean over types of the mean over
IDs, worst ID of each type averaged) is computed anew in each draw; the interval is the 2.5th to 97.5th percentile of
its difference to the first rung. Each machine draws from a generator of its own, seeded by the run's seed and the
machine's name, so that leaving a machine out doesn't change what the others draw.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.evaluate.auc import MAX_FPR, resampled_areas

N_DRAWS = 2000
MachineKey = tuple[str, str]  # (machine_type, machine_id)


@dataclass(frozen=True)
class MachineScores:
    """Scores of one machine's test clips: row r is rung r, columns are the same clips on every rung."""

    normal: NDArray[np.float64]  # (n_rungs, m)
    anomaly: NDArray[np.float64]  # (n_rungs, n)


@dataclass(frozen=True)
class ResampledFigures:
    """AUC and pAUC of each machine in every draw: (n_rungs, n_draws) float64."""

    auc: Mapping[MachineKey, NDArray[np.float64]]
    pauc: Mapping[MachineKey, NDArray[np.float64]]


def resample_figures(
    scores: Mapping[MachineKey, MachineScores], seed: int, n_draws: int = N_DRAWS, max_fpr: float = MAX_FPR
) -> ResampledFigures:
    """Draw `n_draws` resamples of every machine; the same seed gives the same draws."""
    auc: dict[MachineKey, NDArray[np.float64]] = {}
    pauc: dict[MachineKey, NDArray[np.float64]] = {}
    for key, machine in scores.items():
        generator = np.random.default_rng([seed, zlib.crc32("/".join(key).encode())])
        normal_counts = draw_counts(machine.normal.shape[1], n_draws, generator)
        anomaly_counts = draw_counts(machine.anomaly.shape[1], n_draws, generator)
        areas = [
            resampled_areas(normal, anomaly, normal_counts, anomaly_counts, max_fpr)
            for normal, anomaly in zip(machine.normal, machine.anomaly, strict=True)
        ]
        auc[key] = np.stack([area for area, _ in areas])
        pauc[key] = np.stack([partial for _, partial in areas])
    return ResampledFigures(auc, pauc)


def draw_counts(n_clips: int, n_draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """How often each of `n_clips` is drawn when `n_clips` are drawn with replacement: (n_draws, n_clips)."""
    return generator.multinomial(n_clips, np.full(n_clips, 1.0 / n_clips), size=n_draws)


def percentile_interval(draws: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """The central `confidence` share of the draws (n_draws,)."""
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)
