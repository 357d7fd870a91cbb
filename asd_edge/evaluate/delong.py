"""Two rungs' scores of the same clips -> the difference of their AUCs with standard error and 95 % interval (DeLong).

DeLong, DeLong & Clarke-Pearson (1988), with the midrank form of Sun & Xu (2014), which is O((m + n) log(m + n)):
the structural component of an anomaly is the share of normal clips that score below it (ties one half), that of a
normal clip the share of anomalies above it; variances and covariance of the AUCs follow from theirs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.auc import check_two_classes


@dataclass(frozen=True)
class DeLongDifference:
    """AUC of `rung` minus AUC of `first`; the interval is difference +- 1.96 standard errors, not clipped."""

    difference: float
    standard_error: float
    low: float
    high: float


def delong_difference(
    normal_first: ArrayLike,
    anomaly_first: ArrayLike,
    normal_rung: ArrayLike,
    anomaly_rung: ArrayLike,
    confidence: float = 0.95,
) -> DeLongDifference:
    """Scores (m,), (n,) of the same clips in the same order on both rungs.

    Where both rungs order every pair alike the standard error is 0 and so is the interval's width.
    Raises EvaluationError with fewer than two clips of a class, or when the rungs don't hold the same clips.
    """
    first, rung = check_two_classes(normal_first, anomaly_first), check_two_classes(normal_rung, anomaly_rung)
    n_normal, n_anomaly = first[0].size, first[1].size
    if (rung[0].size, rung[1].size) != (n_normal, n_anomaly):
        raise EvaluationError("a paired interval needs the same clips on both rungs; score the missing ones")
    if min(n_normal, n_anomaly) < 2:
        raise EvaluationError("DeLong's interval needs two clips of each class; add clips of this machine")
    by_anomaly_first, by_normal_first = structural_components(*first)
    by_anomaly_rung, by_normal_rung = structural_components(*rung)
    # The components are linear in the AUC, so the variance of the difference is that of the differences.
    over_anomalies = by_anomaly_rung - by_anomaly_first
    over_normals = by_normal_rung - by_normal_first
    variance = over_anomalies.var(ddof=1) / n_anomaly + over_normals.var(ddof=1) / n_normal
    difference, standard_error = float(over_anomalies.mean()), float(np.sqrt(variance))
    margin = float(norm.ppf(0.5 + confidence / 2)) * standard_error
    return DeLongDifference(difference, standard_error, difference - margin, difference + margin)


def structural_components(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) share of normal clips below each anomaly, (m,) share of anomalies above each normal clip; means: AUC."""
    together = rankdata(np.concatenate([normal, anomaly]))
    by_anomaly = (together[normal.size :] - rankdata(anomaly)) / normal.size
    by_normal = 1.0 - (together[: normal.size] - rankdata(normal)) / anomaly.size
    return by_anomaly, by_normal
