"""AUC, pAUC and their means against scikit-learn and against counting pairs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.auc import auc, count_pairs, mean_of_worst_ids, mean_over_types, pauc, resampled_areas


def _scores(
    n_normal: int, n_anomaly: int, seed: int, levels: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Overlapping normal and anomalous scores; `levels` rounds them so that many tie."""
    generator = np.random.default_rng(seed)
    normal, anomaly = generator.normal(0.0, 1.0, n_normal), generator.normal(0.7, 1.3, n_anomaly)
    if levels is not None:
        normal, anomaly = np.round(normal * levels) / levels, np.round(anomaly * levels) / levels
    return normal, anomaly


@pytest.mark.parametrize("levels", [None, 4, 1])
@pytest.mark.parametrize(("n_normal", "n_anomaly"), [(1, 1), (4, 5), (5, 4), (10, 20), (20, 10), (37, 53), (400, 263)])
@pytest.mark.parametrize("seed", range(5))
def test_auc_and_pauc_equal_sklearns_for_all_sizes_and_ties(
    n_normal: int, n_anomaly: int, seed: int, levels: int | None
) -> None:
    normal, anomaly = _scores(n_normal, n_anomaly, seed, levels)
    labels, scores = np.repeat([0, 1], [n_normal, n_anomaly]), np.concatenate([normal, anomaly])
    assert auc(normal, anomaly) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    for max_fpr in (0.1, 0.05, 0.5):
        expected = roc_auc_score(labels, scores, max_fpr=max_fpr)
        assert pauc(normal, anomaly, max_fpr) == pytest.approx(expected, abs=1e-12)


def test_ties_count_one_half_and_are_counted() -> None:
    assert count_pairs([1, 2, 2], [2, 3]) == (4, 2)  # 3 beats all three, 2 beats one and ties with two
    assert auc([1, 2, 2], [2, 3]) == (4 + 0.5 * 2) / 6
    assert auc([5, 5], [5, 5, 5]) == 0.5


def test_infinitely_good_and_bad_detectors_reach_the_ends_of_the_scale() -> None:
    assert (auc([0, 1], [2, 3]), pauc([0, 1], [2, 3])) == (1.0, 1.0)
    assert auc([2, 3], [0, 1]) == 0.0
    assert pauc([7.0] * 30, [7.0] * 40) == pytest.approx(0.5)  # guessing


def test_resampled_areas_equal_the_areas_of_the_repeated_clips() -> None:
    normal, anomaly = _scores(17, 23, seed=3, levels=3)
    generator = np.random.default_rng(4)
    normal_counts = generator.multinomial(17, np.full(17, 1 / 17), size=50)
    anomaly_counts = generator.multinomial(23, np.full(23, 1 / 23), size=50)
    areas, partials = resampled_areas(normal, anomaly, normal_counts, anomaly_counts)
    for draw in range(50):
        drawn = np.repeat(normal, normal_counts[draw]), np.repeat(anomaly, anomaly_counts[draw])
        labels = np.repeat([0, 1], [17, 23])
        assert areas[draw] == pytest.approx(roc_auc_score(labels, np.concatenate(drawn)), abs=1e-12)
        assert partials[draw] == pytest.approx(roc_auc_score(labels, np.concatenate(drawn), max_fpr=0.1), abs=1e-12)


def test_types_weigh_the_same_whatever_their_number_of_ids() -> None:
    by_machine = {("fan", "id_00"): 0.6, ("fan", "id_02"): 0.8, ("fan", "id_04"): 1.0, ("pump", "id_00"): 0.5}
    assert mean_over_types(by_machine) == pytest.approx((0.8 + 0.5) / 2)
    assert mean_of_worst_ids(by_machine) == pytest.approx((0.6 + 0.5) / 2)


@pytest.mark.parametrize(
    ("normal", "anomaly", "said"),
    [
        ([], [1.0], "no normal clip"),
        ([1.0], [], "no anomalous clip"),
        ([1.0, np.nan], [2.0], "normal clips isn't finite"),
        ([1.0], [np.inf], "anomalous clips isn't finite"),
    ],
)
def test_scores_without_a_figure_are_refused(normal: list[float], anomaly: list[float], said: str) -> None:
    for measure in (auc, pauc):
        with pytest.raises(EvaluationError, match=said):
            measure(normal, anomaly)
