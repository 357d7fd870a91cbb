"""Old machines hold the network where it was, and bound how far it goes."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asd_edge.clip.label_table import LabelTable, build_label_table
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ignore_progress
from asd_edge.model.arcface import arcface_loss, log_odds
from asd_edge.model.checkpoint import Checkpoint, Weights
from asd_edge.model.config import HeadConfig
from asd_edge.model.network import network_from_checkpoint
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.train.config import TrainConfig
from asd_edge.train.embedded import as_waveform, embed_clips
from asd_edge.train.lightning_modules import DetectorTraining
from asd_edge.train.load_clips import LoadedClips, load_clips
from asd_edge.train.old_machines import HOLD_SCORE, MOST_DRIFT, OldMachines
from tests.backends.tiny_detector import FRONTEND, tiny_checkpoint, write_clips


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("old"), n_train=6, n_test=0)


@pytest.fixture(scope="module")
def start(root: Path) -> Checkpoint:
    return tiny_checkpoint(root)


@pytest.fixture(scope="module")
def clips(root: Path) -> LoadedClips:
    records = find_clips(root)
    return load_clips(records, build_label_table(records), root, FRONTEND, ignore_progress, 0, len(records))


def _elsewhere(start: Checkpoint, distance: float) -> Weights:
    """Other weights of the convolutions; the rows stay."""
    generator = np.random.default_rng(0)
    return {
        name: value + distance * generator.standard_normal(value.shape, np.float32) * value.std()
        if value.ndim == 4
        else value
        for name, value in start.weights.items()
    }


def _without_last(checkpoint: Checkpoint) -> Checkpoint:
    """As it was before its last machine joined."""
    weights = {**checkpoint.weights, "head.weight": checkpoint.weights["head.weight"][:-1]}
    return replace(checkpoint, labels=LabelTable(checkpoint.labels.machines[:-1]), weights=weights)


@pytest.fixture(scope="module")
def old(start: Checkpoint, clips: LoadedClips) -> OldMachines:
    """All machines but the last."""
    before = _without_last(start)
    is_old = clips.labels < len(before.labels.machines)
    of_old = LoadedClips(clips.samples[is_old], clips.labels[is_old], {})
    return OldMachines(before, of_old, embed_clips(network_from_checkpoint(before), of_old).embeddings)


def _scores(checkpoint: Checkpoint, clips: LoadedClips) -> NDArray[np.float64]:
    """By the scorer."""
    rows = checkpoint.weights["head.weight"]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    embedded = embed_clips(network_from_checkpoint(checkpoint), clips)
    pairs = zip(embedded.embeddings.numpy(), embedded.labels.tolist(), strict=True)
    head = checkpoint.head
    return np.array([arcface_log_odds(each, rows, label, head.scale, head.margin) for each, label in pairs])


def _added_drift(start: Checkpoint, weights: Weights, clips: LoadedClips) -> float:
    """The largest over the old machines, beyond what their new neighbour's row made."""
    before = _scores(_without_last(start), clips)
    with_row, tuned = _scores(start, clips), _scores(replace(start, weights=weights), clips)
    added: list[float] = []
    for machine in range(len(start.labels.machines) - 1):
        own = clips.labels.numpy() == machine
        variances = [np.var((each - before)[own]) / np.var(before[own]) for each in (tuned, with_row)]
        added.append(max(0.0, variances[0] - variances[1]) ** 0.5)
    return max(added)


@pytest.mark.parametrize("distance", [0.02, 0.1])
def test_the_network_goes_as_far_as_old_scores_let_it(start: Checkpoint, old: OldMachines, distance: float) -> None:
    tuned = _elsewhere(start, distance)
    assert _added_drift(start, tuned, old.clips) > MOST_DRIFT
    share, weights = old.allowed_step(start, tuned, ignore_progress)
    assert 0 < share < 1
    assert 0.2 * MOST_DRIFT < _added_drift(start, weights, old.clips) <= 1.001 * MOST_DRIFT


def test_what_hardly_moves_old_scores_is_taken_whole(start: Checkpoint, old: OldMachines) -> None:
    tuned = _elsewhere(start, 1e-4)
    share, weights = old.allowed_step(start, tuned, ignore_progress)
    assert share == 1
    assert all(weights[name] == pytest.approx(tuned[name], abs=1e-6) for name in tuned)


def test_a_network_that_leaves_the_old_machines_altogether_stays_where_it_is(
    start: Checkpoint, old: OldMachines
) -> None:
    share, weights = old.allowed_step(start, _elsewhere(start, 1e4), ignore_progress)
    assert share == 0
    assert weights is start.weights


def test_an_old_clip_adds_to_the_loss_by_how_far_it_was_moved(
    start: Checkpoint, clips: LoadedClips, old: OldMachines
) -> None:
    losses: dict[tuple[bool, float], float] = {}
    for distance in (0.0, 0.02, 0.1):
        network = network_from_checkpoint(replace(start, weights=_elsewhere(start, distance)))
        module = DetectorTraining(network, start.head, TrainConfig(), old)
        for is_old in (True, False):
            chosen = (clips.labels < old.n_old) == is_old
            with torch.no_grad():
                loss, _ = module.validate(as_waveform(clips.samples[chosen]), clips.labels[chosen])
            losses[is_old, distance] = float(loss)
    row_alone = np.mean(((_scores(start, old.clips) - old.scores.numpy()) / old.spreads.numpy()[old.clips.labels]) ** 2)
    assert losses[True, 0.0] == pytest.approx(HOLD_SCORE * row_alone, abs=0.01), "no direction has turned"
    assert losses[True, 0.1] > losses[True, 0.02] > losses[True, 0.0] + 0.1
    new = clips.labels == old.n_old
    network = network_from_checkpoint(start)
    with torch.no_grad():
        cosines = network.head(network(as_waveform(clips.samples[new])))
    angular = float(arcface_loss(cosines, clips.labels[new], start.head))
    assert losses[False, 0.0] == pytest.approx(angular, abs=1e-3), "a new machine's clips teach"


def test_the_log_odds_are_the_scorers() -> None:
    generator = torch.Generator().manual_seed(0)
    embeddings = functional.normalize(torch.randn(60, 8, generator=generator))
    labels = torch.arange(60) % 7
    embeddings[:7, :7] -= 3 * torch.eye(7)  # opposite to their own row: beyond pi - margin
    cosines = functional.normalize(embeddings)[:, :7]  # to the rows of a unit matrix
    head = HeadConfig()
    assert float(cosines.gather(1, labels[:, None]).min()) < math.cos(math.pi - head.margin)
    expected = [
        arcface_log_odds(embedding, np.eye(7, 8), label, head.scale, head.margin)
        for embedding, label in zip(embeddings.numpy(), labels.tolist(), strict=True)
    ]
    assert log_odds(cosines, labels, head).numpy() == pytest.approx(expected, abs=1e-3)
