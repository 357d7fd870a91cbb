"""ArcFace logits and losses against the angles that they stand for, at the margins of their definition."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from asd_edge.model.arcface import (
    ARCMIX,
    NOISY_ARCMIX,
    ArcFaceHead,
    arcface_logits,
    arcface_loss,
    mixed_loss,
)
from asd_edge.model.config import HeadConfig

HEAD = HeadConfig()  # scale 40, margin 0.7
LAST_ANGLE = math.pi - HEAD.margin  # beyond it cos(angle + margin) would rise again


def random_cosines(n_clips: int = 6, n_classes: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand(n_clips, n_classes, generator=generator, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("angle", [0.05, 0.7, 1.5, math.pi / 2, 2.0, LAST_ANGLE - 1e-6])
def test_logit_of_the_class_is_the_cosine_of_the_angle_plus_margin(angle: float) -> None:
    cosines = torch.tensor([[math.cos(angle), 0.3]], dtype=torch.float64)
    logits = arcface_logits(cosines, torch.tensor([0]), HEAD)
    assert logits[0, 0].item() == pytest.approx(40 * math.cos(angle + 0.7), abs=1e-9)


@pytest.mark.parametrize("angle", [LAST_ANGLE + 1e-6, 2.6, 3.0, math.pi])
def test_logit_goes_on_linearly_beyond_pi_minus_margin(angle: float) -> None:
    cosines = torch.tensor([[math.cos(angle), 0.3]], dtype=torch.float64)
    logits = arcface_logits(cosines, torch.tensor([0]), HEAD)
    expected = 40 * (math.cos(angle) - 0.7 * math.sin(math.pi - 0.7))
    assert logits[0, 0].item() == pytest.approx(expected, abs=1e-9)


def test_logit_never_rises_while_the_angle_grows() -> None:
    cosines = torch.cos(torch.linspace(0.0, math.pi, 2001, dtype=torch.float64)).unsqueeze(1)
    logits = arcface_logits(cosines, torch.zeros(2001, dtype=torch.int64), HEAD)[:, 0]
    assert (logits.diff() <= 0).all()


def test_margin_is_on_the_given_class_only() -> None:
    cosines, labels = random_cosines(), torch.tensor([0, 1, 2, 3, 4, 0])
    logits = arcface_logits(cosines, labels, HEAD)
    is_label = functional.one_hot(labels, 5).bool()
    assert torch.equal(logits[~is_label], 40 * cosines[~is_label])
    assert (logits[is_label] < 40 * cosines[is_label]).all()


def test_cosines_are_not_changed() -> None:
    cosines = random_cosines()
    before = cosines.clone()
    arcface_logits(cosines, torch.zeros(6, dtype=torch.int64), HEAD)
    assert torch.equal(cosines, before)


@pytest.mark.parametrize("cosine", [1.0, -1.0, 1.0 + 1e-6, -1.0 - 1e-6, 0.0])
def test_gradient_is_finite_at_the_ends_of_the_cosine(cosine: float) -> None:
    """Rounding takes the cosine of parallel vectors past 1; the derivative of the sine is infinite there."""
    cosines = torch.tensor([[cosine, 0.1]], requires_grad=True)
    loss = arcface_loss(cosines, torch.tensor([0]), HEAD)
    (gradient,) = torch.autograd.grad(loss, cosines)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_head_gives_cosines_whatever_the_lengths() -> None:
    torch.manual_seed(0)
    head = ArcFaceHead(4, 16)
    embedding = torch.randn(3, 16)
    cosines = head(embedding).detach().numpy()
    rows, vectors = head.weight.detach().double().numpy(), embedding.double().numpy()
    expected = (vectors @ rows.T) / np.outer(np.linalg.norm(vectors, axis=1), np.linalg.norm(rows, axis=1))
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    with torch.no_grad():
        head.weight.mul_(7.0)
    np.testing.assert_allclose(head(50.0 * embedding).detach().numpy(), cosines, atol=1e-6)


def test_zero_embedding_has_cosine_zero_and_finite_gradients() -> None:
    head = ArcFaceHead(4, 16)
    embedding = torch.zeros(1, 16, requires_grad=True)
    cosines = head(embedding)
    (gradient,) = torch.autograd.grad(arcface_loss(cosines, torch.tensor([1]), HEAD), embedding)
    assert (cosines == 0).all()
    assert gradient.isfinite().all()


def test_arcface_loss_is_the_mean_cross_entropy_of_the_logits() -> None:
    cosines, labels = random_cosines(), torch.tensor([0, 1, 2, 3, 4, 0])
    logits = arcface_logits(cosines, labels, HEAD).numpy()
    losses = [np.logaddexp.reduce(row) - row[label] for row, label in zip(logits, labels.tolist(), strict=True)]
    assert arcface_loss(cosines, labels, HEAD).item() == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("loss", [ARCMIX, NOISY_ARCMIX])
@pytest.mark.parametrize("mixup_lambda", [0.0, 0.3, 1.0])
def test_mixed_losses_weigh_both_labels_and_put_the_margin_where_they_say(loss: str, mixup_lambda: float) -> None:
    cosines = random_cosines()
    labels_a, labels_b = torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([1, 1, 0, 4, 2, 3])
    logits_a = arcface_logits(cosines, labels_a, HEAD)
    logits_of_b = arcface_logits(cosines, labels_b, HEAD) if loss == ARCMIX else logits_a
    expected = mixup_lambda * functional.cross_entropy(logits_a, labels_a) + (
        1 - mixup_lambda
    ) * functional.cross_entropy(logits_of_b, labels_b)
    found = mixed_loss(loss, cosines, labels_a, labels_b, mixup_lambda, HEAD)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_arcmix_and_noisy_arcmix_differ_and_both_become_arcface_without_mixing() -> None:
    cosines = random_cosines()
    labels_a, labels_b = torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([1, 2, 0, 4, 2, 3])
    half = [mixed_loss(loss, cosines, labels_a, labels_b, 0.5, HEAD).item() for loss in (ARCMIX, NOISY_ARCMIX)]
    assert half[0] != pytest.approx(half[1])
    for loss in (ARCMIX, NOISY_ARCMIX):
        unmixed = mixed_loss(loss, cosines, labels_a, labels_a, 0.3, HEAD).item()
        assert unmixed == pytest.approx(arcface_loss(cosines, labels_a, HEAD).item())
