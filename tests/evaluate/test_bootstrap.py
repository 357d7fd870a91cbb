"""The stratified paired bootstrap: seeded, paired, of DeLong's width, and fast enough for a whole data set."""

import numpy as np
import pytest

from asd_edge.evaluate.auc import auc, mean_over_types, pauc
from asd_edge.evaluate.bootstrap import MachineKey, MachineScores, draw_counts, percentile_interval, resample_figures
from asd_edge.evaluate.delong import delong_difference


def _machines(n_clips: int, noise: float, seed: int = 0) -> dict[MachineKey, MachineScores]:
    generator = np.random.default_rng(seed)
    machines = {}
    for key in (("fan", "id_00"), ("fan", "id_02"), ("pump", "id_00")):
        normal, anomaly = generator.normal(0, 1, n_clips), generator.normal(0.9, 1, n_clips + 7)
        machines[key] = MachineScores(
            np.stack([normal, normal + noise * generator.normal(size=n_clips)]),
            np.stack([anomaly, anomaly + noise * generator.normal(size=n_clips + 7)]),
        )
    return machines


def test_a_draw_keeps_the_class_size() -> None:
    counts = draw_counts(23, 100, np.random.default_rng(0))
    assert counts.shape == (100, 23)
    assert (counts.sum(axis=1) == 23).all()
    assert counts.std() == pytest.approx(1.0, abs=0.1)  # Poisson-like: clips do repeat


def test_the_same_seed_draws_the_same_and_another_doesnt() -> None:
    machines = _machines(30, 0.3)
    first, again, other = (resample_figures(machines, seed, 50) for seed in (1, 1, 2))
    for key in machines:
        np.testing.assert_array_equal(first.auc[key], again.auc[key])
        np.testing.assert_array_equal(first.pauc[key], again.pauc[key])
        assert (first.auc[key] != other.auc[key]).any()


def test_a_machine_draws_the_same_whether_or_not_others_are_there() -> None:
    machines = _machines(30, 0.3)
    alone = resample_figures({("pump", "id_00"): machines["pump", "id_00"]}, 5, 50)
    np.testing.assert_array_equal(alone.auc["pump", "id_00"], resample_figures(machines, 5, 50).auc["pump", "id_00"])


def test_rungs_share_their_draws_so_that_equal_scores_never_differ() -> None:
    machines = _machines(30, 0.0)
    draws = resample_figures(machines, 3, 200)
    for key in machines:
        np.testing.assert_array_equal(draws.auc[key][0], draws.auc[key][1])
        np.testing.assert_array_equal(draws.pauc[key][0], draws.pauc[key][1])
        assert np.ptp(draws.auc[key][0]) > 0.05


def test_the_width_is_delongs_for_one_machine_and_for_the_mean() -> None:
    """For the mean over independent machines DeLong's variances add; the two methods share no code but the AUC."""
    machines = _machines(120, 0.6)
    draws = resample_figures(machines, 9, 2000)
    variances = {}
    for key, machine in machines.items():
        expected = delong_difference(machine.normal[0], machine.anomaly[0], machine.normal[1], machine.anomaly[1])
        found = draws.auc[key][1] - draws.auc[key][0]
        assert found.std() == pytest.approx(expected.standard_error, rel=0.08)
        low, high = percentile_interval(found)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.3 * expected.standard_error)
        variances[key] = expected.standard_error**2
    overall = mean_over_types(draws.auc)
    of_mean = (variances["fan", "id_00"] + variances["fan", "id_02"]) / 16 + variances["pump", "id_00"] / 4
    assert (overall[1] - overall[0]).std() == pytest.approx(np.sqrt(of_mean), rel=0.08)


def test_draws_centre_on_the_figures_of_the_test_set() -> None:
    machines = _machines(120, 0.6)
    draws = resample_figures(machines, 9, 2000)
    for key, machine in machines.items():
        assert draws.auc[key][0].mean() == pytest.approx(auc(machine.normal[0], machine.anomaly[0]), abs=0.005)
        assert draws.pauc[key][0].mean() == pytest.approx(pauc(machine.normal[0], machine.anomaly[0]), abs=0.02)
