"""Rows of an ArcFace head for new machines, from embeddings of their normal clips; the network stays as it is.

A new row r joins the sum over other classes in every old machine's anomaly score, which it shifts by

    log(sum exp(s cos_i) over all i other than c) - log(the same over the old i) >= 0

ArcFace leaves a trained network's rows nearly orthogonal, so that on a normal clip each counts for little in another
machine's score. New rows keep to that: they lie in the orthogonal complement of the old ones. A clip also leans where
no row is, in which a new machine resembles the old ones of its type: so new rows are kept orthogonal to the mean
directions of the old machines' clips as well, where these are known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from asd_edge.errors import CheckpointError
from asd_edge.model.arcface import arcface_loss
from asd_edge.model.config import HeadConfig
from asd_edge.train.embedded import Embedded

_LEARNING_RATE = 0.01  # Adam, of rows of length 1
_LEAST_LENGTH = 1e-3  # of what is left of a centre of length 1


@dataclass(frozen=True)
class TrainedRows:
    """New rows (n_new, E) of length 1 after `epoch` epochs."""

    rows: Tensor
    epoch: int
    validation_loss: float


def centre_rows(clips: Embedded, classes: Sequence[int]) -> Tensor:
    """(len(classes), E) of length 1: the mean direction of each class's clips."""
    directions = functional.normalize(clips.embeddings)
    means = [directions[clips.labels == index].mean(dim=0) for index in classes]
    return functional.normalize(torch.stack(means)) if means else directions[:0]


def train_rows(
    old_rows: Tensor,
    old_centres: Tensor,
    new_rows: Tensor,
    training: Embedded,
    validation: Embedded,
    head: HeadConfig,
    epochs: int,
) -> TrainedRows:
    """Train the rows of the classes from len(old_rows) on, orthogonal to the old ones; an epoch is one step.

    Clips of old classes teach nothing; their mean directions `old_centres` (n, E) are avoided. The rows of the epoch
    with the least validation loss are kept; `new_rows`, made orthogonal, count as epoch 0. Raises CheckpointError where
    the old rows leave no room.
    """
    n_old, size = old_rows.shape
    if n_old >= size:
        raise CheckpointError(
            f"{n_old} machines fill an embedding of {size} values, so that a new row would change their scores; "
            "let go of the old machines with --forget"
        )
    basis = _avoided(old_rows, old_centres)
    old = functional.normalize(old_rows)

    def orthogonal(rows: Tensor) -> Tensor:
        return functional.normalize(rows - rows @ basis @ basis.T)

    def loss(rows: Tensor, clips: Embedded) -> Tensor:
        is_new = clips.labels >= n_old
        cosines = functional.normalize(clips.embeddings[is_new]) @ torch.cat([old, rows]).T
        return arcface_loss(cosines, clips.labels[is_new], head)

    trained = orthogonal(new_rows).requires_grad_()
    optimizer = torch.optim.Adam([trained], lr=_LEARNING_RATE)
    best = TrainedRows(new_rows, 0, math.inf)
    for epoch in range(epochs + 1):
        rows = orthogonal(trained)
        with torch.no_grad():
            validation_loss = float(loss(rows, validation))
        if validation_loss < best.validation_loss:
            best = TrainedRows(rows.detach(), epoch, validation_loss)
        optimizer.zero_grad()
        loss(rows, training).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return best


def _avoided(old_rows: Tensor, centres: Tensor) -> Tensor:
    """(E, n), orthonormal: the rows' span, and the centres' strongest directions for half of the room left at most."""
    basis: Tensor = torch.linalg.qr(old_rows.T).Q
    outside = centres - centres @ basis @ basis.T
    _, lengths, directions = torch.linalg.svd(outside, full_matrices=False)
    room = (old_rows.shape[1] - len(old_rows)) // 2
    leaning = directions[:room][lengths[:room] > _LEAST_LENGTH]
    spanned: Tensor = torch.linalg.qr(torch.cat([old_rows, leaning]).T).Q
    return spanned
