"""DeLong's paired interval against its plain O(mn) form, a published example and repeated sampling."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.auc import auc
from asd_edge.evaluate.delong import delong_difference

Scores = NDArray[np.float64]


def _plain_delong(first: tuple[Scores, Scores], rung: tuple[Scores, Scores]) -> tuple[float, float]:
    """DeLong et al. (1988) word for word: psi of every pair, S10 and S01 with their covariances, contrast (-1, 1)."""
    components = []
    for normal, anomaly in (first, rung):
        psi = np.array([[1.0 if a > n else 0.5 if a == n else 0.0 for n in normal] for a in anomaly])
        components.append((psi.mean(axis=1), psi.mean(axis=0)))  # per anomaly, per normal clip
    s10 = np.cov(np.stack([components[0][0], components[1][0]]))
    s01 = np.cov(np.stack([components[0][1], components[1][1]]))
    covariance = s10 / len(first[1]) + s01 / len(first[0])
    contrast = np.array([-1.0, 1.0])
    difference = components[1][0].mean() - components[0][0].mean()
    return difference, float(np.sqrt(contrast @ covariance @ contrast))


def _two_rungs(
    n_normal: int, n_anomaly: int, seed: int, noise: float, levels: float | None = None
) -> tuple[tuple[Scores, Scores], tuple[Scores, Scores]]:
    generator = np.random.default_rng(seed)
    first = generator.normal(0, 1, n_normal), generator.normal(0.8, 1, n_anomaly)
    rung = tuple(scores + noise * generator.normal(0, 1, scores.size) for scores in first)
    pairs = (first, (rung[0], rung[1]))
    if levels is None:
        return pairs
    return tuple((np.round(n * levels) / levels, np.round(a * levels) / levels) for n, a in pairs)  # type: ignore[return-value]


@pytest.mark.parametrize("levels", [None, 2.0])
@pytest.mark.parametrize(("n_normal", "n_anomaly"), [(2, 2), (20, 20), (31, 57), (90, 20)])
def test_midranks_give_the_plain_form_with_and_without_ties(
    n_normal: int, n_anomaly: int, levels: float | None
) -> None:
    for seed in range(5):
        first, rung = _two_rungs(n_normal, n_anomaly, seed, 0.5, levels)
        found = delong_difference(*first, *rung)
        difference, standard_error = _plain_delong(first, rung)
        assert found.difference == pytest.approx(difference, abs=1e-12)
        assert found.difference == pytest.approx(auc(*rung) - auc(*first), abs=1e-12)
        assert found.standard_error == pytest.approx(standard_error, abs=1e-12)
        assert found.high - found.low == pytest.approx(2 * 1.959964 * standard_error, abs=1e-6)


def test_equal_order_has_no_difference_and_no_width_even_on_another_scale() -> None:
    first, _ = _two_rungs(25, 30, 1, 0.0)
    found = delong_difference(*first, np.exp(first[0]), np.exp(first[1]))
    assert (found.difference, found.standard_error, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)


def test_exchanging_the_rungs_mirrors_the_interval() -> None:
    first, rung = _two_rungs(40, 30, 2, 0.7)
    there, back = delong_difference(*first, *rung), delong_difference(*rung, *first)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.standard_error == pytest.approx(back.standard_error)


def test_the_pairing_narrows_the_interval() -> None:
    first, rung = _two_rungs(200, 200, 3, 0.2)
    shuffled = np.random.default_rng(0).permutation(rung[0]), np.random.default_rng(1).permutation(rung[1])
    assert delong_difference(*first, *rung).standard_error < 0.4 * delong_difference(*first, *shuffled).standard_error


def test_the_interval_covers_the_true_difference_in_95_of_100_samples() -> None:
    """Both rungs carry independent noise of one size: the true difference is 0; 2,000 samples, binomial sd 0.5 %."""
    covered = 0
    for seed in range(2000):
        generator = np.random.default_rng([7, seed])
        normal, anomaly = generator.normal(0, 1, 40), generator.normal(0.8, 1, 40)
        first = normal + 0.5 * generator.normal(0, 1, 40), anomaly + 0.5 * generator.normal(0, 1, 40)
        rung = normal + 0.5 * generator.normal(0, 1, 40), anomaly + 0.5 * generator.normal(0, 1, 40)
        found = delong_difference(*first, *rung)
        covered += found.low <= 0.0 <= found.high
    assert 0.93 < covered / 2000 < 0.97


@pytest.mark.parametrize(
    ("sizes", "said"), [(((1, 5), (1, 5)), "two clips of each class"), (((5, 5), (5, 4)), "the same clips")]
)
def test_unpaired_or_single_clips_are_refused(sizes: tuple[tuple[int, int], tuple[int, int]], said: str) -> None:
    generator = np.random.default_rng(0)
    first, rung = ((generator.normal(size=m), generator.normal(size=n)) for m, n in sizes)
    with pytest.raises(EvaluationError, match=said):
        delong_difference(*first, *rung)
