"""What the quantization benchmark makes of scores: differences, changed pairs, cosines, the worst over checkpoints."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.clip.records import ANOMALY, NORMAL, TEST, ClipRecord
from tests.bench.quantization_figures import (
    HEAD,
    FileFigures,
    figure_values,
    rule,
    table_row,
    variant_figures,
    worst_ratio,
    worst_value,
)
from tests.bench.variant_scores import VariantScores

NO_FILE = FileFigures(None, None, None, None)
RECORDS = tuple(
    ClipRecord(Path(f"{label}_{index}.wav"), machine_type, "id_00", TEST, label, "")
    for machine_type in ("fan", "valve")
    for label in (NORMAL, ANOMALY)
    for index in range(3)
)
SCORES = np.array([0.0, 1.0, 4.0, 2.0, 3.0, 5.0] * 2)  # 7 of 9 pairs in order for each machine


def _variant(name: str, scores: np.ndarray, outputs: np.ndarray | None = None) -> VariantScores:
    return VariantScores(name, scores, np.zeros((len(scores), 0)) if outputs is None else outputs)


def test_a_variant_with_the_same_scores_costs_nothing() -> None:
    first, same = variant_figures(RECORDS, [_variant("float", SCORES), _variant("best", SCORES.copy())])
    assert (first.auc_difference, first.changed_percent, first.cosine_loss_mean) == (None, None, None)
    assert same.auc_difference is not None
    assert (same.auc, same.auc_difference.value, same.changed_percent, same.net_percent) == (7 / 9, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("fan", "valve", "changed", "net"),
    [
        ({2: 2.5}, {}, 1, 1),  # the normal clip at 4 falls below the anomaly at 3: a pair gained
        ({2: 2.5}, {1: 2.5}, 2, 0),  # and a normal clip of the other machine rises above the anomaly at 2: a pair lost
        ({1: 2.5}, {1: 2.5}, 2, 2),
    ],
)
def test_changed_pairs_are_summed_over_machines(
    fan: dict[int, float], valve: dict[int, float], changed: int, net: int
) -> None:
    scores = SCORES.copy()
    for offset, moved in ((0, fan), (6, valve)):
        for index, score in moved.items():
            scores[offset + index] = score
    _, found = variant_figures(RECORDS, [_variant("float", SCORES), _variant("best", scores)])
    assert found.changed_percent == pytest.approx(100 * changed / 18)
    assert found.net_percent == pytest.approx(100 * net / 18)


def test_the_cosine_is_that_of_each_clip_with_the_float_embedding() -> None:
    ours = np.tile([1.0, 0.0], (12, 1))
    turned = ours.copy()
    turned[3] = [0.6, 0.8]
    _, found = variant_figures(RECORDS, [_variant("float", SCORES, ours), _variant("best", SCORES, 7 * turned)])
    assert found.cosine_loss_worst == pytest.approx(0.4)
    assert found.cosine_loss_mean == pytest.approx(0.4 / 12)


def test_the_interval_s_far_end_is_a_value_only_where_there_is_an_interval() -> None:
    scores = np.linspace(0.0, 1.0, 40)
    many = tuple(
        ClipRecord(Path(f"{label}_{index}.wav"), "fan", "id_00", TEST, label, "")
        for label in (NORMAL, ANOMALY)
        for index in range(20)
    )
    noisy = scores + np.random.default_rng(0).normal(0.0, 0.3, 40)
    _, found = variant_figures(many, [_variant("float", scores), _variant("best", noisy)])
    assert found.auc_difference is not None
    assert found.auc_difference.low is not None
    values = figure_values(found, NO_FILE)
    assert values["auc_interval_end_pp"] == pytest.approx(-100 * found.auc_difference.low, rel=1e-5)
    _, few = variant_figures(RECORDS, [_variant("float", SCORES), _variant("best", SCORES)])
    assert "auc_interval_end_pp" not in figure_values(few, NO_FILE)


def test_the_worst_checkpoint_decides() -> None:
    values = {
        ("seed0", "best"): {"loss": 1.0},
        ("seed0", "stock"): {"loss": 4.0},
        ("seed1", "best"): {"loss": 0.3},
        ("seed1", "stock"): {"loss": 0.6},
    }
    assert worst_value(values, ("best",), "loss") == 1.0
    assert worst_ratio(values, "best", "stock", "loss") == 0.5
    with pytest.raises(KeyError):
        worst_value({**values, ("seed2", "best"): {}}, ("best",), "loss")


def test_every_line_of_the_table_has_its_columns() -> None:
    found = variant_figures(RECORDS, [_variant("float", SCORES), _variant("best", SCORES)])
    rows = [table_row("seed0", found[0], NO_FILE), table_row("seed0", found[1], FileFigures(0, 968336, 31.2, 65.0))]
    assert {line.count("|") for line in (HEAD, rule(), *rows)} == {13}
    assert "968,336 | 31 | 65.0 |" in rows[1]
