"""New rows of the head: they start at the clips' mean direction, learn their machine, and leave old scores alone."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from asd_edge.errors import CheckpointError
from asd_edge.model.config import HeadConfig
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.train.embedded import Embedded
from asd_edge.train.head_rows import centre_rows, train_rows

HEAD = HeadConfig()
SIZE = 32
N_OLD = 8
NO_CENTRES = torch.empty(0, SIZE)


def around(directions: Tensor, labels: Tensor, spread: float, seed: int) -> Embedded:
    """Clips scattered around the direction of their class."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(labels), SIZE, generator=generator)
    return Embedded(directions[labels] + spread * noise, labels)


def machines() -> Tensor:
    """Old machines with rows as ArcFace leaves them, and a new one that sounds a little like the first: cosine 0.5."""
    directions = torch.eye(N_OLD + 1, SIZE)
    directions[N_OLD] = 0.5 * directions[0] + 0.75**0.5 * directions[N_OLD]
    return directions


def shifts(rows: Tensor, clips: Embedded) -> list[float]:
    """By how much the rows behind the old ones raise the anomaly scores of old machines' clips."""
    return [
        arcface_log_odds(embedding, rows.numpy(), label, HEAD.scale, HEAD.margin)
        - arcface_log_odds(embedding, rows[:N_OLD].numpy(), label, HEAD.scale, HEAD.margin)
        for embedding, label in zip(clips.embeddings.numpy(), clips.labels.tolist(), strict=True)
    ]


def test_a_row_starts_at_the_mean_direction_of_its_clips() -> None:
    embeddings = torch.tensor([[2.0, 0.0], [0.0, 1.0], [-3.0, 0.0]])
    rows = centre_rows(Embedded(embeddings, torch.tensor([5, 5, 6])), (5, 6))
    assert torch.allclose(rows, torch.tensor([[0.5**0.5, 0.5**0.5], [-1.0, 0.0]]))


def test_a_new_row_hardly_shifts_the_scores_of_old_machines() -> None:
    directions = machines()
    training, validation = (around(directions, torch.full((12,), N_OLD), 0.05, seed=seed) for seed in (2, 3))
    start = centre_rows(training, [N_OLD])
    trained = train_rows(directions[:N_OLD], NO_CENTRES, start, training, validation, HEAD, epochs=50)
    assert trained.rows @ directions[:N_OLD].T == pytest.approx(0, abs=1e-6)
    clips = around(directions, torch.arange(N_OLD).repeat(4), 0.05, seed=4)
    assert max(shifts(torch.cat([directions[:N_OLD], start]), clips)) > 10
    assert max(shifts(torch.cat([directions[:N_OLD], trained.rows]), clips)) < 1
    cosines = functional.normalize(validation.embeddings) @ torch.cat([directions[:N_OLD], trained.rows]).T
    assert (cosines.argmax(dim=1) == N_OLD).all(), "the new machine is recognized"


def test_a_new_row_keeps_away_from_where_old_clips_lean() -> None:
    directions = machines()
    leaning = directions[:N_OLD].clone()
    leaning[0, N_OLD + 1] = 0.5  # clips of the first machine, and of the new one, lean where no row is
    new = directions[N_OLD:].clone()
    new[0, N_OLD + 1] = 1.0
    both = torch.cat([leaning, new])
    labels = torch.arange(N_OLD + 1).repeat(12)
    training, validation = (around(both, labels, 0.05, seed=seed) for seed in (6, 7))
    start = centre_rows(training, [N_OLD])
    clips = around(leaning, torch.arange(N_OLD).repeat(4), 0.05, seed=8)
    shifted: list[float] = []
    for centres in (NO_CENTRES, centre_rows(training, range(N_OLD))):
        trained = train_rows(directions[:N_OLD], centres, start, training, validation, HEAD, epochs=50)
        assert trained.rows @ directions[:N_OLD].T == pytest.approx(0, abs=1e-6)
        shifted.append(max(shifts(torch.cat([directions[:N_OLD], trained.rows]), clips)))
    assert shifted[0] > 5
    assert shifted[1] < 1
    cosines = functional.normalize(validation.embeddings) @ torch.cat([directions[:N_OLD], trained.rows]).T
    assert (cosines.argmax(dim=1) == labels).all(), "all machines are recognized"


def test_many_old_machines_leave_a_new_one_half_of_the_room() -> None:
    n_old = 20  # of a size of 32
    rows = torch.eye(n_old, SIZE)
    labels = torch.full((12,), n_old)
    training, validation = (around(torch.eye(n_old + 1, SIZE), labels, 0.2, seed=seed) for seed in (9, 10))
    centres = around(rows, torch.arange(n_old), 0.1, seed=11).embeddings
    trained = train_rows(rows, centres, centre_rows(training, [n_old]), training, validation, HEAD, epochs=20)
    assert trained.rows @ rows.T == pytest.approx(0, abs=1e-6)
    assert abs(trained.rows[0, n_old:]).max() > 0.5


def test_rows_that_training_only_worsens_stay_as_they_are() -> None:
    directions, labels = torch.eye(2, SIZE), torch.arange(2).repeat(6)
    misleading = Embedded(around(directions, labels, 0.1, seed=5).embeddings, 1 - labels)
    validation = around(directions, labels, 0.01, seed=6)
    trained = train_rows(directions[:0], NO_CENTRES, directions, misleading, validation, HEAD, epochs=20)
    assert trained.epoch == 0
    assert torch.equal(trained.rows, directions)


def test_without_old_machines_every_row_is_trained() -> None:
    directions = functional.normalize(torch.randn(3, SIZE, generator=torch.Generator().manual_seed(7)))
    labels = torch.arange(3).repeat(8)
    training, validation = (around(directions, labels, 0.05, seed=seed) for seed in (8, 9))
    start = functional.normalize(directions + 0.5 * directions.roll(1, dims=0))
    trained = train_rows(start[:0], NO_CENTRES, start, training, validation, HEAD, epochs=50)
    assert trained.rows.shape == (3, SIZE)
    assert ((trained.rows * directions).sum(dim=1) > (start * directions).sum(dim=1)).all()


def test_a_head_without_room_for_another_direction_is_refused() -> None:
    full = torch.eye(SIZE)
    clips = around(full, torch.full((4,), 0), 0.1, seed=10)
    with pytest.raises(CheckpointError, match="32 machines fill an embedding of 32 values"):
        train_rows(full, NO_CENTRES, full[:1], clips, clips, HEAD, epochs=1)
