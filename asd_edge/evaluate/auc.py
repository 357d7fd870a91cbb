"""Anomaly scores of normal and anomalous clips -> AUC, pAUC and mAUC as DCASE 2020 Task 2 defines them.

An anomaly should score higher than a normal clip. Ties count one half. pAUC is the area up to a false-positive rate,
standardised after McClish (1989) so that guessing gives 0.5 and a perfect detector 1: the figure that
`sklearn.metrics.roc_auc_score(max_fpr=...)` returns.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asd_edge.errors import EvaluationError

MAX_FPR = 0.1  # DCASE 2020 Task 2


def auc(normal: ArrayLike, anomaly: ArrayLike) -> float:
    """The share of normal-anomaly pairs in the right order, ties counted one half; in integers until the division.

    Args: scores (m,) of normal and (n,) of anomalous clips. Raises EvaluationError when either is empty or not finite.
    """
    lower, tied = count_pairs(normal, anomaly)
    pairs = np.size(normal) * np.size(anomaly)
    return (2 * lower + tied) / (2 * pairs)


def count_pairs(normal: ArrayLike, anomaly: ArrayLike) -> tuple[int, int]:
    """(pairs whose anomaly scores higher, pairs that tie), by binary search in the sorted normal scores."""
    normal_scores, anomaly_scores = check_two_classes(normal, anomaly)
    ascending = np.sort(normal_scores)
    below = np.searchsorted(ascending, anomaly_scores, side="left")
    below_or_equal = np.searchsorted(ascending, anomaly_scores, side="right")
    return int(below.sum()), int((below_or_equal - below).sum())


def pauc(normal: ArrayLike, anomaly: ArrayLike, max_fpr: float = MAX_FPR) -> float:
    """The standardised partial AUC: 0.5 * (1 + (A - max_fpr^2 / 2) / (max_fpr - max_fpr^2 / 2)), A up to `max_fpr`."""
    normal_scores, anomaly_scores = check_two_classes(normal, anomaly)
    one_of_each = (np.ones((1, normal_scores.size), np.int64), np.ones((1, anomaly_scores.size), np.int64))
    return float(resampled_areas(normal_scores, anomaly_scores, *one_of_each, max_fpr)[1][0])


def resampled_areas(
    normal: NDArray[np.float64],
    anomaly: NDArray[np.float64],
    normal_counts: NDArray[np.int64],
    anomaly_counts: NDArray[np.int64],
    max_fpr: float = MAX_FPR,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUC and pAUC of many resamples at once, from how often each clip was drawn.

    The clips are sorted once. A draw's ROC curve has its points at the running sums of the counts from the highest
    score downwards, taken where a run of equal scores ends: a straight line across a tie, which counts it one half.

    Args: scores (m,), (n,); counts (n_draws, m), (n_draws, n), each row summing to a number above 0.
    Returns: (n_draws,) float64 AUC, (n_draws,) float64 pAUC.
    """
    scores = np.concatenate([normal, anomaly])
    descending = np.argsort(-scores, kind="stable")
    ordered = scores[descending]
    run_ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    is_normal = descending < normal.size
    n_draws = normal_counts.shape[0]
    false_alarms = np.zeros((n_draws, scores.size), np.int64)
    false_alarms[:, is_normal] = normal_counts[:, descending[is_normal]]
    hits = np.zeros((n_draws, scores.size), np.int64)
    hits[:, ~is_normal] = anomaly_counts[:, descending[~is_normal] - normal.size]
    false_alarms = false_alarms.cumsum(axis=1)[:, run_ends]  # (n_draws, n_points)
    hits = hits.cumsum(axis=1)[:, run_ends]

    fpr = np.pad(false_alarms / false_alarms[:, -1:], ((0, 0), (1, 0)))  # starts at (0, 0), ends at (1, 1)
    tpr = np.pad(hits / hits[:, -1:], ((0, 0), (1, 0)))
    width, rise = np.diff(fpr, axis=1), np.diff(tpr, axis=1)
    area = (width * (tpr[:, :-1] + rise / 2)).sum(axis=1)

    kept = np.clip(max_fpr - fpr[:, :-1], 0.0, width)  # what of each segment lies left of max_fpr
    slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
    partial = (kept * (tpr[:, :-1] + slope * kept / 2)).sum(axis=1)
    chance = max_fpr**2 / 2
    return area, 0.5 * (1.0 + (partial - chance) / (max_fpr - chance))


def mean_over_types(by_machine: Mapping[tuple[str, str], ArrayLike]) -> NDArray[np.float64]:
    """Mean over machine types of the mean over their IDs; keys are (machine_type, machine_id), values of one shape."""
    return np.mean([np.mean(values, axis=0) for values in _by_type(by_machine)], axis=0)  # type: ignore[no-any-return]


def mean_of_worst_ids(by_machine: Mapping[tuple[str, str], ArrayLike]) -> NDArray[np.float64]:
    """mAUC when given AUCs: the lowest value of each machine type, averaged over the types."""
    return np.mean([np.min(values, axis=0) for values in _by_type(by_machine)], axis=0)  # type: ignore[no-any-return]


def check_two_classes(normal: ArrayLike, anomaly: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as flat float64. Raises EvaluationError when a class has no clip or a score isn't finite."""
    normal_scores, anomaly_scores = np.ravel(np.asarray(normal, np.float64)), np.ravel(np.asarray(anomaly, np.float64))
    for label, scores in (("normal", normal_scores), ("anomalous", anomaly_scores)):
        if scores.size == 0:
            raise EvaluationError(f"no {label} clip: an AUC needs clips of both classes; add some or leave the ID out")
        if not np.isfinite(scores).all():
            raise EvaluationError(f"a score of the {label} clips isn't finite; score these clips again")
    return normal_scores, anomaly_scores


def _by_type(by_machine: Mapping[tuple[str, str], ArrayLike]) -> list[NDArray[np.float64]]:
    types = sorted({machine_type for machine_type, _ in by_machine})
    return [
        np.array([value for (owner, _), value in by_machine.items() if owner == name], np.float64) for name in types
    ]
