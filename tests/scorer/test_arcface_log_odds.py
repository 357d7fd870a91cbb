"""The log-odds against torch's ArcFace logits in float64, where float32 saturates, and at the margin's edges."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asd_edge.errors import ClipError
from asd_edge.model.arcface import arcface_logits
from asd_edge.model.config import HeadConfig
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.cross_entropy import cross_entropy

Floats = NDArray[np.float64]


def _rows(n_classes: int, size: int, seed: int) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(n_classes, size))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float64)


def _torch_logits(
    embedding: Floats, rows: Floats, class_index: int, head: HeadConfig, dtype: torch.dtype
) -> torch.Tensor:
    direction = torch.tensor(embedding, dtype=dtype)
    cosines = torch.tensor(rows, dtype=dtype) @ (direction / direction.norm())
    return arcface_logits(cosines[None], torch.tensor([class_index]), head)


def _torch_cross_entropy(
    embedding: Floats, rows: Floats, class_index: int, head: HeadConfig, dtype: torch.dtype
) -> float:
    logits = _torch_logits(embedding, rows, class_index, head, dtype)
    return float(functional.cross_entropy(logits, torch.tensor([class_index])))


@pytest.mark.parametrize("head", [HeadConfig(), HeadConfig(scale=30.0, margin=0.5), HeadConfig(scale=4.0, margin=0.0)])
@pytest.mark.parametrize("n_classes", [2, 18, 41])
def test_softplus_of_the_log_odds_is_torchs_cross_entropy(head: HeadConfig, n_classes: int) -> None:
    rows, generator = _rows(n_classes, 16, 1), np.random.default_rng(2)
    for trial in range(200):
        class_index = trial % n_classes
        # from pointing away from the class to pointing at it
        embedding = generator.normal(size=16) + (trial / 25 - 4.0) * rows[class_index]
        log_odds = arcface_log_odds(embedding, rows, class_index, head.scale, head.margin)
        expected = _torch_cross_entropy(embedding, rows, class_index, head, torch.float64)
        assert cross_entropy(log_odds) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("distance", [0.0, 1e-9, -1e-9])
def test_the_margin_continues_linearly_beyond_pi_minus_margin(distance: float) -> None:
    head = HeadConfig()
    cosine = math.cos(math.pi - head.margin) + distance
    embedding = np.array([cosine, math.sqrt(1.0 - cosine**2)])
    rows = np.eye(2)
    logits = _torch_logits(embedding, rows, 0, head, torch.float64)[0].tolist()
    assert arcface_log_odds(embedding, rows, 0, head.scale, head.margin) == pytest.approx(
        logits[1] - logits[0], rel=1e-9
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_embedding_along_its_row_has_a_finite_score(sign: float) -> None:
    rows = _rows(5, 7, 3)
    assert math.isfinite(arcface_log_odds(sign * 3.0 * rows[2], rows, 2, 40.0, 0.7))


def test_clips_whose_float32_cross_entropy_is_zero_keep_their_order() -> None:
    rows, head = np.eye(8), HeadConfig()
    embeddings = [rows[0] + tilt * rows[1] for tilt in np.linspace(0.0, 0.15, 30)]
    saturated = [_torch_cross_entropy(embedding, rows, 0, head, torch.float32) for embedding in embeddings]
    log_odds = [arcface_log_odds(embedding, rows, 0, head.scale, head.margin) for embedding in embeddings]
    assert set(saturated) == {0.0}
    assert all(before < after for before, after in itertools.pairwise(log_odds))


def test_log_odds_and_cross_entropy_order_clips_alike() -> None:
    rows, generator = _rows(18, 128, 4), np.random.default_rng(5)
    log_odds = np.array([arcface_log_odds(generator.normal(size=128), rows, 3, 40.0, 0.7) for _ in range(300)])
    entropies = np.array([cross_entropy(float(z)) for z in log_odds])
    np.testing.assert_array_equal(np.argsort(log_odds), np.argsort(entropies))


def test_the_length_of_the_embedding_does_not_matter() -> None:
    rows, embedding = _rows(6, 32, 6), np.random.default_rng(7).normal(size=32)
    scores = [arcface_log_odds(length * embedding, rows, 1, 40.0, 0.7) for length in (1.0, 1e-6, 1e6)]
    assert scores == pytest.approx([scores[0]] * 3, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_an_embedding_without_a_direction_is_refused(value: float) -> None:
    with pytest.raises(ClipError, match="no score"):
        arcface_log_odds(np.full(4, value), np.eye(4), 0, 40.0, 0.7)
