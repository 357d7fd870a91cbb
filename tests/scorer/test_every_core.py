"""The same scores from every compiler, optimization, sanitizer and core found here, bit for bit those of the twins."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from asd_edge.scorer.fixed_head import FixedHead, fixed_head
from asd_edge.scorer.fixed_log_odds import fixed_log_odds
from asd_edge.scorer.fixed_reconstruction import FixedOutputScale, fixed_output_scale, fixed_reconstruction_score
from tests.frontend.every_build import RunFn
from tests.frontend.frontend_programs import FIRMWARE
from tests.scorer.scorer_cases import cases
from tests.scorer.scorer_programs import (
    NO_SCORE,
    OK,
    REFUSED_ARGUMENT,
    builds,
    head_record,
    reconstruction_record,
    score_bytes,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden/asd_arcface_log_odds_s8/scores.json"
Pair = tuple[bytes, bytes]  # input of scorer_check, and what it has to write


def random_heads() -> Iterator[Pair]:
    for of_head in cases(seed=2, n_heads=60, per_kind=3, most_weights=64 * 512):
        first = of_head[0]
        head = fixed_head(first.rows, first.scale, first.margin, first.zero_point)
        items = [(case.class_index, case.codes) for case in of_head]
        expected = [score_bytes(OK, fixed_log_odds(codes, head, class_index)) for class_index, codes in items]
        yield head_record(head, items), b"".join(expected)


def golden_heads() -> Iterator[Pair]:
    golden = json.loads(GOLDEN.read_text())
    items = [
        (class_index, np.array(codes, np.int8))
        for codes, class_index in zip(golden["embeddings"], golden["class_indices"], strict=True)
    ]
    for entry in golden["heads"]:
        head = FixedHead(np.array(golden["rows"], np.int16), entry["zero_point"], *entry["integers"])
        yield head_record(head, items), b"".join(score_bytes(OK, score) for score in entry["log_odds_q16"])


def extreme_heads() -> Iterator[Pair]:
    """The largest sums and products: every weight -32768, every code at a rail, the widest margin and scale."""
    rng = np.random.default_rng(3)
    for margin, scale in ((0.0, 128.0), (1.5, 64.0), (2.029, 128.0), (np.pi, 1.0)):
        for zero_point, code in ((-128, 127), (127, -128)):
            settings = fixed_head(np.ones((3, 512)), scale, margin, zero_point)
            rows = np.full((3, 512), -32768, np.int16)
            rows[1] = rng.choice([-32768, 32767], 512)
            rows[2] = 32767
            head = dataclasses.replace(settings, rows=rows)
            items = [(class_index, np.full(512, code, np.int8)) for class_index in range(3)]
            expected = [score_bytes(OK, fixed_log_odds(codes, head, class_index)) for class_index, codes in items]
            yield head_record(head, items), b"".join(expected)


def rising_logits() -> Iterator[Pair]:
    """Every class a little nearer than the one before, so that the sum is rescaled at each."""
    angles = np.linspace(3.0, 0.1, 255)
    head = fixed_head(np.stack([np.cos(angles), np.sin(angles)], axis=1), 128.0, 0.7, 0)
    codes = np.array([127, 0], np.int8)
    yield head_record(head, [(0, codes)]), score_bytes(OK, fixed_log_odds(codes, head, 0))


def refused_heads() -> Iterator[Pair]:
    head, codes = fixed_head(np.eye(4), 40.0, 0.7, -7), np.arange(4, dtype=np.int8)
    yield head_record(head, [(2, np.full(4, -7, np.int8))]), score_bytes(NO_SCORE)
    yield head_record(head, [(4, codes), (2**32 - 1, codes)]), 2 * score_bytes(REFUSED_ARGUMENT)
    zero_row = head.rows.copy()
    zero_row[3] = 0
    for refused in (
        dataclasses.replace(head, rows=zero_row),
        dataclasses.replace(head, rows=head.rows[:1]),
        dataclasses.replace(head, rows=np.ones((2, 0), np.int16)),
        dataclasses.replace(head, rows=np.ones((2, 513), np.int16)),
        dataclasses.replace(head, zero_point=128),
        dataclasses.replace(head, zero_point=-129),
        dataclasses.replace(head, scale_q16=(1 << 16) - 1),
        dataclasses.replace(head, scale_q16=(128 << 16) + 1),
        dataclasses.replace(head, cos_margin=(1 << 30) + 1),
        dataclasses.replace(head, cos_margin=-(1 << 30) - 1),
        dataclasses.replace(head, sin_margin=(1 << 30) + 1),
        dataclasses.replace(head, sin_margin=-1),
        dataclasses.replace(head, threshold=(1 << 30) + 1),
        dataclasses.replace(head, threshold=-(1 << 30) - 1),
        dataclasses.replace(head, shortfall=-1),
    ):
        item = (0, np.resize(codes, refused.rows.shape[1]))
        yield head_record(refused, [item]), score_bytes(REFUSED_ARGUMENT)


def reconstructions() -> Iterator[Pair]:
    rng = np.random.default_rng(4)
    for scale in (1e-9, 0.0123, 0.3647, 1.0, 3.999):
        for zero_point in (-128, 5, 127):
            vectors = rng.integers(-32768, 32768, (20, 640)).astype(np.int16)
            codes = rng.integers(-128, 128, (20, 640)).astype(np.int8)
            fixed = fixed_output_scale(scale, zero_point)
            score = fixed_reconstruction_score(vectors, codes, fixed)
            yield reconstruction_record(vectors, codes, fixed), score_bytes(OK, score)
    vectors, codes = np.full((512, 1024), -32768, np.int16), np.full((512, 1024), 127, np.int8)
    widest = FixedOutputScale((1 << 31) - 1, 17, -128)
    score = fixed_reconstruction_score(vectors, codes, widest)
    yield reconstruction_record(vectors, codes, widest), score_bytes(OK, score)
    one_more = np.concatenate([vectors, vectors[:1]]), np.concatenate([codes, codes[:1]])
    yield reconstruction_record(*one_more, widest), score_bytes(REFUSED_ARGUMENT)
    yield reconstruction_record(vectors[:0], codes[:0], widest), score_bytes(NO_SCORE)
    for refused in (
        FixedOutputScale(0, 17, 0),
        FixedOutputScale(1, 16, 0),
        FixedOutputScale(1, 63, 0),
        FixedOutputScale(1, 17, 128),
        FixedOutputScale(1, 17, -129),
    ):
        yield reconstruction_record(vectors[:1], codes[:1], refused), score_bytes(REFUSED_ARGUMENT)


@pytest.fixture(scope="module")
def matrix() -> Pair:
    sources = (random_heads, golden_heads, extreme_heads, rising_logits, refused_heads, reconstructions)
    pairs = [pair for source in sources for pair in source()]
    return b"".join(given for given, _ in pairs), b"".join(expected for _, expected in pairs)


@pytest.mark.parametrize(
    ("reason", "run"), [(reason, run) for _, reason, run in builds()], ids=[name for name, *_ in builds()]
)
def test_every_build_gives_the_scores_of_the_twins(
    reason: str | None, run: RunFn, matrix: Pair, tmp_path: Path
) -> None:
    if reason is not None:
        pytest.skip(reason)
    given, expected = matrix
    assert run("scorer_check", given, tmp_path) == expected


def test_c_uses_no_float_and_no_heap() -> None:
    for path in (*sorted((FIRMWARE / "scorer").glob("*.c")), FIRMWARE / "include/asd/asd_scorer.h"):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert re.findall(r"\b(float|double|malloc|calloc|free|alloca|printf)\b", code) == [], path.name
