"""The integer log-odds against the float formula over the whole range, the margin's jump, and the golden scores."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.errors import ClipError
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.fixed_head import FixedHead, fixed_head, row_distance
from asd_edge.scorer.fixed_log_odds import LN_2_Q30, LOG2_E_Q30, POWER_Q31, exponential, fixed_log_odds, logarithm
from tests.scorer.scorer_cases import KINDS, MARGINS, cases, unit_rows

GOLDEN = Path(__file__).resolve().parents[1] / "golden/asd_arcface_log_odds_s8/scores.json"
MOST_ERROR = 0.02
MEASURED_ERROR = 0.002  # over these cases; 0.0013 was found
ARITHMETIC_ERROR = 2e-5  # everything but the rows' rounding, of which 2^-17 is the rounding to Q16
FLOAT_ANGLE = 1e-3  # nearer to its row the float formula itself moves with the last bit of float32 rows

Floats = NDArray[np.float64]


def in_steps_of_one(score_q16: int) -> float:
    return score_q16 / 65536


def length_one(rows: NDArray[np.floating]) -> Floats:
    exact = rows.astype(np.float64)
    return np.asarray(exact / np.linalg.norm(exact, axis=1, keepdims=True), np.float64)


def cosine(row: Floats, embedding: Floats) -> float:
    return float(np.clip(row @ embedding / np.linalg.norm(embedding), -1.0, 1.0))


def is_at_the_jump(row: Floats, embedding: Floats, margin: float, distance: float) -> bool:
    """Whether rows that are off by `distance` may fall on the other side of cos(pi - m)."""
    return abs(cosine(row, embedding) - math.cos(math.pi - margin)) <= distance + 1e-8


def rows_at(cosine_to_class: float, codes: NDArray[np.int8], n_classes: int, seed: int) -> NDArray[np.float32]:
    """A head whose row 0 has this cosine with the codes (zero point 0), to float32's rounding."""
    rng = np.random.default_rng(seed)
    unit = codes / np.linalg.norm(codes.astype(np.float64))
    aside = rng.normal(size=codes.size)
    aside -= (aside @ unit) * unit
    aside /= np.linalg.norm(aside)
    row = cosine_to_class * unit + math.sqrt(max(0.0, 1.0 - cosine_to_class**2)) * aside
    return unit_rows(np.vstack([row, rng.normal(size=(n_classes - 1, codes.size))]))


def test_the_error_stays_below_its_bound_in_every_kind_of_case() -> None:
    worst = dict.fromkeys(KINDS, 0.0)
    for of_head in cases(seed=1, n_heads=180, per_kind=2):
        first = of_head[0]
        head = fixed_head(first.rows, first.scale, first.margin, first.zero_point)
        rows, distance = length_one(first.rows), row_distance(first.rows, head.rows)
        for case in of_head:
            embedding = case.codes.astype(np.float64) - case.zero_point
            if case.margin > 0.0 and is_at_the_jump(rows[case.class_index], embedding, case.margin, distance):
                continue
            score = in_steps_of_one(fixed_log_odds(case.codes, head, case.class_index))
            error = abs(score - arcface_log_odds(embedding, rows, case.class_index, case.scale, case.margin))
            assert error <= 2.0 * case.scale * distance + ARITHMETIC_ERROR
            worst[case.kind] = max(worst[case.kind], error)
            if cosine(rows[case.class_index], embedding) < math.cos(FLOAT_ANGLE):
                float_score = arcface_log_odds(embedding, case.rows, case.class_index, case.scale, case.margin)
                assert abs(score - float_score) <= MOST_ERROR
    assert 0.0 < min(worst.values()) <= max(worst.values()) <= MEASURED_ERROR, worst


@pytest.mark.parametrize("margin", MARGINS)
def test_the_error_stays_below_its_bound_at_every_cosine(margin: float) -> None:
    codes = np.random.default_rng(5).integers(-128, 128, 128).astype(np.int8)
    for index, wanted in enumerate(np.linspace(-1.0, 1.0, 201)):
        float_rows = rows_at(float(wanted), codes, 6, index)
        head, rows = fixed_head(float_rows, 64.0, margin, 0), length_one(float_rows)
        if margin > 0.0 and is_at_the_jump(rows[0], codes.astype(np.float64), margin, 1e-4):
            continue
        exact = arcface_log_odds(codes.astype(np.float64), rows, 0, 64.0, margin)
        assert abs(in_steps_of_one(fixed_log_odds(codes, head, 0)) - exact) <= MEASURED_ERROR


@pytest.mark.parametrize("margin", [margin for margin in MARGINS if margin > 0.0])
def test_at_the_jump_the_score_is_that_of_one_side(margin: float) -> None:
    codes = np.random.default_rng(6).integers(-128, 128, 128).astype(np.int8)
    embedding, threshold = codes.astype(np.float64), math.cos(math.pi - margin)
    jump = 40.0 * (math.cos(margin) + margin * math.sin(margin) - 1.0)  # what the formula falls by, m above the angle
    for seed in range(20):
        float_rows = rows_at(threshold + (seed - 10) * 1e-6, codes, 4, seed)
        head, rows = fixed_head(float_rows, 40.0, margin, 0), length_one(float_rows)
        exact = arcface_log_odds(embedding, rows, 0, 40.0, margin)
        is_margin = cosine(rows[0], embedding) > threshold
        other_side = exact + (jump if is_margin else -jump)
        score = in_steps_of_one(fixed_log_odds(codes, head, 0))
        assert min(abs(score - exact), abs(score - other_side)) <= MEASURED_ERROR


def test_the_length_of_the_embedding_hardly_matters() -> None:
    rows = unit_rows(np.random.default_rng(7).normal(size=(18, 16)))
    head, direction = fixed_head(rows, 40.0, 0.7, 0), np.arange(-8, 8, dtype=np.int8)
    scores = [fixed_log_odds((length * direction).astype(np.int8), head, 3) for length in (1, 2, 5, 15)]
    assert max(scores) - min(scores) <= 1


def test_an_embedding_along_its_row_has_no_sine() -> None:
    head = fixed_head(np.eye(3), 64.0, 0.7, -128)
    codes = np.array([127, -128, -128], np.int8)
    assert fixed_log_odds(codes, head, 0) == round(65536 * (math.log(2.0) - 64.0 * math.cos(0.7)))


def test_rows_of_any_length_give_the_same_score() -> None:
    rows = np.random.default_rng(8).normal(size=(5, 32))
    codes = np.random.default_rng(9).integers(-128, 128, 32).astype(np.int8)
    heads = [fixed_head(length * rows, 40.0, 0.7, 3) for length in (1.0, 2.0**-20, 2.0**20)]
    assert len({fixed_log_odds(codes, head, 1) for head in heads}) == 1


def test_an_embedding_of_zeros_is_refused() -> None:
    with pytest.raises(ClipError, match="no score"):
        fixed_log_odds(np.full(4, -7, np.int8), fixed_head(np.eye(4), 40.0, 0.7, -7), 0)


def test_the_exponential_and_the_logarithm_are_within_their_budget() -> None:
    decays = [*range(0, 1 << 23, 4099), *range(1 << 23, (1 << 31) + 1, 3_000_017)]
    assert max(abs(exponential(d) / 2**31 - math.exp(-d / 2**23)) for d in decays) <= 2.2e-7
    assert exponential(0) == 1 << 31
    totals = [*range(1 << 31, 1 << 33, 5_000_011), *((1 << 31) * n for n in range(1, 65_535, 911))]
    assert max(abs(logarithm(t) / 2**23 - math.log(t / 2**31)) for t in totals) <= 2.0**-22
    assert logarithm(1 << 31) == 0


def test_the_constants_are_what_their_formulas_give() -> None:
    nodes = 0.5 - 0.5 * np.cos((2 * np.arange(5) + 1) * np.pi / 10)
    powers = np.polynomial.polynomial.polyfit(nodes, -np.expm1(-nodes * math.log(2.0)) / nodes, 4)
    np.testing.assert_allclose(POWER_Q31, np.abs(powers) * 2**31, rtol=0, atol=1)
    assert (round(2**30 / math.log(2.0)), round(2**30 * math.log(2.0))) == (LOG2_E_Q30, LN_2_Q30)


def test_golden_scores_stay_the_same() -> None:
    """The file's numbers were made once; a change of them is a change of every device's scores."""
    golden = json.loads(GOLDEN.read_text())
    rows = np.array(golden["rows"], np.int16)
    for entry in golden["heads"]:
        head = FixedHead(rows, entry["zero_point"], *entry["integers"])
        scores = [
            fixed_log_odds(np.array(codes, np.int8), head, class_index)
            for codes, class_index in zip(golden["embeddings"], golden["class_indices"], strict=True)
        ]
        assert scores == entry["log_odds_q16"]
