"""Changed pairs, rank correlation and cosines against plain loops and SciPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.agreement import changed_pairs, row_cosines, spearman
from asd_edge.evaluate.auc import auc


def test_a_flip_counts_one_and_a_new_or_lost_tie_one_half() -> None:
    #            normals   anomalies
    first = ([0.0, 5.0], [1.0, 5.0, 9.0])  # ties: (5, 5)
    rung = ([0.0, 5.0], [6.0, 7.0, 0.0])  # 1 -> 6 passes 5: flip; 5 -> 7: tie lost; 9 -> 0: tie with 0, falls below 5
    found = changed_pairs(*first, *rung)
    assert found.changed == 1 + 0.5 + 0.5 + 1
    assert (found.pairs, found.ties_first, found.ties_rung) == (6, 1, 1)
    assert found.share == pytest.approx(3 / 6)


def test_the_same_order_on_another_scale_changes_no_pair() -> None:
    normal, anomaly = np.array([-3.0, 0.0, 2.0, 2.0]), np.array([0.0, 2.0, 8.0])
    found = changed_pairs(normal, anomaly, np.exp(normal), np.exp(anomaly))
    assert (found.changed, found.share, found.ties_first, found.ties_rung) == (0.0, 0.0, 3, 3)


small_scores = st.lists(st.integers(-3, 3), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), normal=small_scores, anomaly=small_scores)
def test_changed_pairs_equal_a_loop_over_pairs_and_bound_the_auc_change(
    data: st.DataObject, normal: list[int], anomaly: list[int]
) -> None:
    normal_rung = data.draw(st.lists(st.integers(-3, 3), min_size=len(normal), max_size=len(normal)))
    anomaly_rung = data.draw(st.lists(st.integers(-3, 3), min_size=len(anomaly), max_size=len(anomaly)))
    found = changed_pairs(normal, anomaly, normal_rung, anomaly_rung)
    expected = 0.0
    for n, a in itertools.product(range(len(normal)), range(len(anomaly))):
        before, after = np.sign(anomaly[a] - normal[n]), np.sign(anomaly_rung[a] - normal_rung[n])
        expected += abs(int(before) - int(after)) / 2
    assert found.changed == expected
    assert abs(auc(normal, anomaly) - auc(normal_rung, anomaly_rung)) <= found.share + 1e-12


def test_rungs_with_other_clips_are_refused() -> None:
    with pytest.raises(EvaluationError, match="same clips"):
        changed_pairs([1.0], [2.0], [1.0, 1.0], [2.0])


def test_spearman_is_scipys_ties_included_and_none_for_constant_scores() -> None:
    generator = np.random.default_rng(0)
    first = np.round(generator.normal(size=60), 1)
    rung = np.round(first + generator.normal(size=60), 1)
    assert spearman(first, rung) == pytest.approx(spearmanr(first, rung).statistic, abs=1e-12)
    assert spearman(first, -np.exp(first)) == pytest.approx(-1.0)
    assert spearman(first, np.ones(60)) is None


def test_row_cosines_are_taken_row_by_row() -> None:
    first = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    rung = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, -1.0], [1.0, 0.0]], np.float32)
    np.testing.assert_allclose(row_cosines(first, rung), [1.0, np.sqrt(0.5), -1.0, np.nan])
