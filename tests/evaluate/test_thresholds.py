"""Thresholds from normal clips alone: the stated false-alarm rate, negative log-odds, few clips."""

import numpy as np
import pytest
from scipy.stats import gamma

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.thresholds import machine_threshold, thresholds_by_rung


def test_both_estimates_meet_the_false_alarm_rate_on_fresh_clips() -> None:
    generator = np.random.default_rng(0)
    for rate in (0.1, 0.05):
        found = machine_threshold(generator.gamma(3.0, 2.0, 2000) - 25.0, rate)
        fresh = generator.gamma(3.0, 2.0, 20_000) - 25.0
        assert found.gamma is not None
        assert (fresh > found.gamma.threshold).mean() == pytest.approx(rate, abs=0.02)
        assert (fresh > found.percentile).mean() == pytest.approx(rate, abs=0.02)


def test_shifting_all_scores_shifts_the_thresholds_by_as_much() -> None:
    scores = np.random.default_rng(1).normal(4.0, 1.0, 40)
    here, below_zero = machine_threshold(scores), machine_threshold(scores - 60.0)
    assert here.gamma is not None
    assert below_zero.gamma is not None
    assert below_zero.percentile == pytest.approx(here.percentile - 60.0)
    assert below_zero.gamma.threshold == pytest.approx(here.gamma.threshold - 60.0, abs=1e-6)


def test_the_stored_gamma_gives_its_threshold_back() -> None:
    scores = np.random.default_rng(2).normal(-30.0, 3.0, 25)
    found = machine_threshold(scores).gamma
    assert found is not None
    assert found.shift < scores.min()
    assert found.threshold == pytest.approx(found.shift + gamma.ppf(0.9, found.shape, scale=found.scale))


@pytest.mark.parametrize(
    ("scores", "percentile", "has_gamma"),
    [([2.0], 2.0, False), ([1.0, 3.0], 3.0, False), ([4.0] * 6, 4.0, False), (list(range(10)), 8.0, True)],
)
def test_few_or_equal_clips_leave_the_percentile(scores: list[float], percentile: float, has_gamma: bool) -> None:
    found = machine_threshold(scores)
    assert (found.clips, found.percentile, found.gamma is not None) == (len(scores), percentile, has_gamma)
    assert list(found.scores) == sorted(scores)


@pytest.mark.parametrize(
    ("scores", "rate", "said"),
    [([], 0.1, "no normal validation clip"), ([1.0, np.nan], 0.1, "finite"), ([1.0], 1.0, "between 0 and 1")],
)
def test_what_makes_no_threshold_is_refused(scores: list[float], rate: float, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        machine_threshold(scores, rate)


def test_every_rung_and_machine_gets_its_own() -> None:
    found = thresholds_by_rung({"torch": {"fan/id_00": [1.0, 2.0]}, "tflite": {"fan/id_00": [5.0]}})
    assert found["torch"]["fan/id_00"].percentile == 2.0
    assert found["tflite"]["fan/id_00"].percentile == 5.0
