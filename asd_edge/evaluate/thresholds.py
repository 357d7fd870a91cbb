"""Scores of the validation split's normal clips -> per machine ID the threshold above which a device raises the alarm.

Two estimates at one stated false-alarm rate, side by side:
* gamma: as in the DCASE 2020 Task 2 baseline, the quantile of a gamma distribution fitted to the scores. Log-odds can
  be negative and a gamma can't, so the scores are shifted first: by their minimum less one mean spacing,
  (max - min) / (n - 1), which leaves the lowest clip one spacing above zero. The fit is maximum likelihood with the
  location held at zero.
* percentile: the smallest observed score at or below which at least the stated share of the clips lies.
No test clip and no anomaly enters either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import gamma

from asd_edge.errors import EvaluationError

FALSE_ALARM_RATE = 0.1  # the DCASE baseline's 0.9 quantile
MIN_CLIPS_FOR_GAMMA = 3  # two parameters need more than two scores


@dataclass(frozen=True)
class GammaThreshold:
    """threshold = shift + the quantile of gamma(shape, scale); the fitted variable is score - shift."""

    threshold: float
    shape: float
    scale: float
    shift: float


@dataclass(frozen=True)
class MachineThreshold:
    """The alarm is raised where score > threshold. `gamma` is None where the scores are too few or all equal."""

    clips: int
    gamma: GammaThreshold | None
    percentile: float
    scores: tuple[float, ...]  # what both were made from, ascending


def machine_threshold(normal_scores: ArrayLike, false_alarm_rate: float = FALSE_ALARM_RATE) -> MachineThreshold:
    """Scores (n,) of one machine's normal validation clips on one rung.

    Raises EvaluationError without a clip, with a score that isn't finite or a rate outside (0, 1).
    """
    scores = np.sort(np.ravel(np.asarray(normal_scores, np.float64)))
    if scores.size == 0:
        raise EvaluationError(
            "no normal validation clip to take a threshold from; train with a larger validation split"
        )
    if not np.isfinite(scores).all():
        raise EvaluationError("a validation clip's score isn't finite; score these clips again")
    if not 0.0 < false_alarm_rate < 1.0:
        raise EvaluationError(
            f"a false-alarm rate of {false_alarm_rate} makes no threshold; choose one between 0 and 1"
        )
    percentile = float(np.quantile(scores, 1.0 - false_alarm_rate, method="inverted_cdf"))
    fitted = _fit_gamma(scores, 1.0 - false_alarm_rate)
    return MachineThreshold(scores.size, fitted, percentile, tuple(scores.tolist()))


def thresholds_by_rung(
    scores: Mapping[str, Mapping[str, Sequence[float]]], false_alarm_rate: float = FALSE_ALARM_RATE
) -> dict[str, dict[str, MachineThreshold]]:
    """rung -> machine ("fan/id_00") -> scores becomes rung -> machine -> threshold."""
    return {
        rung: {machine: machine_threshold(values, false_alarm_rate) for machine, values in by_machine.items()}
        for rung, by_machine in scores.items()
    }


def _fit_gamma(ascending: np.ndarray[tuple[int, ...], np.dtype[np.float64]], quantile: float) -> GammaThreshold | None:
    spread = float(ascending[-1] - ascending[0])
    if ascending.size < MIN_CLIPS_FOR_GAMMA or spread == 0.0:
        return None
    shift = float(ascending[0]) - spread / (ascending.size - 1)
    shape, _, scale = gamma.fit(ascending - shift, floc=0.0)
    return GammaThreshold(shift + float(gamma.ppf(quantile, shape, scale=scale)), float(shape), float(scale), shift)
