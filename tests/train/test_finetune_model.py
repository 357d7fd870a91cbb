"""Fine-tuning adds machines to a checkpoint, or carries its network over to others, and refuses what it can't keep."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asd_edge.cli import run
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.errors import CheckpointError, DatasetError, WorkDirectoryError
from asd_edge.model.checkpoint import Checkpoint, Split, load_checkpoint, write_checkpoint
from asd_edge.model.network import network_from_checkpoint
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.train.config import TrainConfig
from asd_edge.train.epoch_log import EpochFn, ignore_epoch
from asd_edge.train.finetune_model import ALL, BEFORE_TRAINING, DEFAULT_EPOCHS, HEAD, SHARE, finetune_model
from asd_edge.train.old_machines import MOST_DRIFT
from tests.backends.tiny_detector import FRONTEND, MACHINES, TINY_AUTOENCODER, tiny_checkpoint, write_clips

OLD, NEW = MACHINES[:3], MACHINES[3]
CONFIG = TrainConfig(epochs=2, learning_rate=2e-4)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finetune")


@pytest.fixture(scope="module")
def whole(root: Path) -> Path:
    """Clips of all four machines."""
    return write_clips(root / "whole", n_test=0)


@pytest.fixture(scope="module")
def start(root: Path, whole: Path) -> Checkpoint:
    """A detector of the first three machines, trained for a few steps."""
    shutil.copytree(whole, root / "old")
    for clip in (root / "old/pump/train").glob("normal_id_02_*"):
        clip.unlink()
    return tiny_checkpoint(root / "old")


@pytest.fixture(scope="module")
def new(root: Path, whole: Path) -> Path:
    """Clips of the fourth machine alone."""
    folder = root / "new/pump/train"
    folder.mkdir(parents=True)
    for clip in (whole / "pump/train").glob("normal_id_02_*"):
        shutil.copy(clip, folder)
    return root / "new"


def _finetune(
    data: Path,
    work: Path,
    start: Checkpoint,
    part: str = ALL,
    forget: bool = False,
    config: TrainConfig = CONFIG,
    on_epoch: EpochFn = ignore_epoch,
) -> Checkpoint:
    return finetune_model(data, work, start, part, forget, config, on_epoch=on_epoch)


def _network(checkpoint: Checkpoint) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in checkpoint.weights.items() if name != "head.weight"}


def _scores(checkpoint: Checkpoint, data: Path, machine: int) -> NDArray[np.float64]:
    """The anomaly scores of all clips of a machine of the checkpoint."""
    machine_type, machine_id = checkpoint.labels.machines[machine].split("/")
    paths = sorted((data / machine_type / "train").glob(f"normal_{machine_id}_*"))
    waveform = torch.from_numpy(np.stack([read_clip(path, FRONTEND.clip_samples) for path in paths]) / 32768).float()
    rows = functional.normalize(torch.from_numpy(checkpoint.weights["head.weight"])).numpy()
    with torch.no_grad():
        embeddings = network_from_checkpoint(checkpoint)(waveform).numpy()
    return np.array(
        [arcface_log_odds(each, rows, machine, checkpoint.head.scale, checkpoint.head.margin) for each in embeddings]
    )


def test_the_head_learns_a_new_machine_and_leaves_all_else_as_it_was(
    new: Path, tmp_path: Path, start: Checkpoint
) -> None:
    tuned = _finetune(new, tmp_path, start, HEAD, config=replace(CONFIG, epochs=50))
    assert tuned.labels.machines == (*OLD, NEW), "old machines keep their class"
    assert _network(tuned) == _network(start)
    assert np.array_equal(tuned.weights["head.weight"][:3], start.weights["head.weight"])
    assert set(start.split.train) < set(tuned.split.train)
    assert len(tuned.split.train) + len(tuned.split.validation) == 16
    loaded = load_checkpoint(tmp_path)
    assert all(np.array_equal(loaded.weights[name], value) for name, value in tuned.weights.items())


def test_a_checkpoint_remembers_where_its_machines_are_heard(
    new: Path, whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    config = replace(CONFIG, epochs=50)
    beside = _finetune(whole, tmp_path / "beside", start, HEAD, config=config)
    assert beside.centres is not None
    assert np.linalg.norm(beside.centres, axis=1) == pytest.approx(1, abs=1e-6)
    rows = beside.weights["head.weight"]
    assert (rows[:3] @ beside.centres[:3].T).argmax(axis=0).tolist() == [0, 1, 2]
    assert beside.centres[:3] @ rows[3] == pytest.approx(0, abs=1e-6), "the new row keeps away from the old machines"
    remembering = replace(start, centres=beside.centres[:3])
    alone = _finetune(new, tmp_path / "alone", remembering, HEAD, config=config)
    assert alone.weights["head.weight"] == pytest.approx(rows, abs=1e-6)
    assert alone.centres == pytest.approx(beside.centres, abs=1e-6)
    forgetful = _finetune(new, tmp_path / "forgetful", start, HEAD, config=config)
    assert abs(beside.centres[:3] @ forgetful.weights["head.weight"][3]).max() > 0.01
    assert forgetful.centres is None, "the old machines' are unknown"


def test_the_whole_network_learns_a_new_machine_and_keeps_the_old_scores(
    whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    tuned = _finetune(whole, tmp_path, start)
    assert tuned.labels.machines == (*OLD, NEW)
    assert set(start.split.validation) < set(tuned.split.validation), "a clip of the old split stays on its side"
    assert set(start.split.train) < set(tuned.split.train)
    changed = {name for name in start.weights if not np.array_equal(tuned.weights[name], start.weights[name])}
    assert changed > {"classifier.conv1.conv.weight", "classifier.linear1.conv.weight", "head.weight"}
    assert not any("running" in name for name in changed), "BatchNorm's statistics are those of the old machines"
    assert np.array_equal(tuned.weights["head.weight"][:3], start.weights["head.weight"])
    assert 0 < float(tuned.training[SHARE]) <= 1
    begun = _finetune(whole, tmp_path / "begun", start, HEAD, config=replace(CONFIG, epochs=DEFAULT_EPOCHS[HEAD]))
    assert np.array_equal(tuned.weights["head.weight"], begun.weights["head.weight"])
    assert tuned.centres is not None
    assert tuned.centres.shape == (4, start.model.embedding_size)
    for machine in range(len(OLD)):
        before, with_row, after = (_scores(checkpoint, whole, machine) for checkpoint in (start, begun, tuned))
        added = np.var(after - before) - np.var(with_row - before)
        assert not np.array_equal(after, with_row)
        assert added <= 1.01 * MOST_DRIFT**2 * np.var(before)


def test_more_clips_of_old_machines_train_the_network_as_before(
    root: Path, whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    tuned = _finetune(root / "old", tmp_path, start)
    assert tuned.labels == start.labels
    assert SHARE not in tuned.training
    assert not np.array_equal(tuned.weights["head.weight"], start.weights["head.weight"])
    assert tuned.centres is not None
    assert len(tuned.centres) == 3


def test_a_network_that_would_move_old_scores_goes_a_part_of_its_way(
    whole: Path, tmp_path: Path, start: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, epochs=3, learning_rate=2e-5)
    for name in ("HOLD_SCORE", "HOLD_DIRECTION"):
        monkeypatch.setattr(f"asd_edge.train.old_machines.{name}", 0.0)
    bounded = _finetune(whole, tmp_path / "bounded", start, config=config)
    assert 0 < float(bounded.training[SHARE]) < 1
    monkeypatch.setattr("asd_edge.train.old_machines.MOST_DRIFT", np.inf)
    unbounded = _finetune(whole, tmp_path / "unbounded", start, config=config)
    assert unbounded.training[SHARE] == 1
    begun = _finetune(whole, tmp_path / "begun", start, HEAD, config=replace(CONFIG, epochs=DEFAULT_EPOCHS[HEAD]))
    name = "classifier.linear1.conv.weight"
    went, whole_way = (each.weights[name] - begun.weights[name] for each in (bounded, unbounded))
    assert abs(went).max() > 50 * np.finfo(np.float32).eps
    np.testing.assert_allclose(went, float(bounded.training[SHARE]) * whole_way, rtol=0, atol=3e-7)


def test_an_old_machine_whose_clips_all_chose_the_epoch_has_a_centre(
    whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    of_first = {
        name: sha256 for sha256, name in {**start.split.train, **start.split.validation}.items() if "fan" in name
    }
    chosen = {sha256: name for name, sha256 in of_first.items() if "_id_00_" in name}
    train = {sha256: name for sha256, name in start.split.train.items() if sha256 not in chosen}
    other = replace(start, split=Split(train, {**start.split.validation, **chosen}))
    _finetune(whole, tmp_path, other)
    loaded = load_checkpoint(tmp_path)
    assert loaded.centres is not None
    assert np.linalg.norm(loaded.centres, axis=1) == pytest.approx(1, abs=1e-6)


def test_old_machines_of_a_few_clips_are_not_trained_beside(whole: Path, tmp_path: Path, start: Checkpoint) -> None:
    data = shutil.copytree(whole, tmp_path / "data")
    for clip in sorted((data / "fan/train").glob("normal_id_00_*"))[:2]:
        clip.unlink()
    with pytest.raises(DatasetError, match="2 normal clips of fan/id_00 can't show how far its scores move; give 4"):
        _finetune(data, tmp_path / "work", start)
    assert not (tmp_path / "work").exists()


def test_forgetting_carries_the_network_over_to_a_table_of_its_own(
    whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    tuned = _finetune(whole / "pump", tmp_path, start, forget=True)
    assert tuned.labels.machines == ("pump/id_00", "pump/id_02")
    assert tuned.weights["head.weight"].shape == (2, start.model.embedding_size)
    for sha256, name in {**tuned.split.train, **tuned.split.validation}.items():
        assert samples_sha256(read_clip(whole / "pump" / name, FRONTEND.clip_samples)) == sha256


def test_a_training_that_only_worsens_the_loss_gives_back_where_it_started(
    whole: Path, tmp_path: Path, start: Checkpoint
) -> None:
    tuned = _finetune(whole, tmp_path, start, config=replace(CONFIG, epochs=1, learning_rate=0.05))
    assert tuned.training["best_epoch"] == BEFORE_TRAINING
    assert tuned.training[SHARE] == 0
    assert _network(tuned) == _network(start)


@pytest.mark.parametrize("forget", [False, True])
def test_a_resumed_fine_tuning_has_the_weights_of_an_uninterrupted_one(
    whole: Path, tmp_path: Path, start: Checkpoint, forget: bool
) -> None:
    def stop_in_second_epoch(done: int, total: int, validation_loss: float) -> None:
        if done == 2:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        _finetune(whole, tmp_path / "resumed", start, forget=forget, on_epoch=stop_in_second_epoch)
    resumed = _finetune(whole, tmp_path / "resumed", start, forget=forget)
    uninterrupted = _finetune(whole, tmp_path / "whole", start, forget=forget)
    assert resumed.training["best_epoch"] != BEFORE_TRAINING
    assert _network(resumed) == _network(uninterrupted)


def test_a_network_that_would_forget_machines_is_not_trained_without_being_asked(
    new: Path, tmp_path: Path, start: Checkpoint
) -> None:
    with pytest.raises(DatasetError, match=r"no clip of fan/id_00, fan/id_02, pump/id_00.*--forget"):
        _finetune(new, tmp_path, start)
    assert list(tmp_path.iterdir()) == []


def test_another_machine_of_an_old_name_is_noticed(new: Path, tmp_path: Path, start: Checkpoint) -> None:
    (tmp_path / "data/fan/train").mkdir(parents=True)
    for machine_id in ("id_00", "id_06"):
        for clip in (new / "pump/train").iterdir():
            shutil.copy(clip, tmp_path / "data/fan/train" / clip.name.replace("id_02", machine_id))
    with pytest.raises(DatasetError, match="recognizes 0 of 4 clips of fan/id_00"):
        _finetune(tmp_path / "data", tmp_path / "work", start, HEAD)


def test_what_cannot_be_fine_tuned_is_refused(root: Path, new: Path, tmp_path: Path, start: Checkpoint) -> None:
    with pytest.raises(DatasetError, match="knows all its machines already"):
        _finetune(root / "old", tmp_path, start, HEAD)
    with pytest.raises(DatasetError, match="holds one machine, pump/id_02"):
        _finetune(new, tmp_path, start, forget=True)
    with pytest.raises(CheckpointError, match="an autoencoder has no head"):
        _finetune(new, tmp_path, tiny_checkpoint(new, TINY_AUTOENCODER))
    (tmp_path / "checkpoint.safetensors").write_bytes(b"dear")
    with pytest.raises(WorkDirectoryError, match="already holds a checkpoint"):
        _finetune(new, tmp_path, start, HEAD)


def test_the_command_adds_a_machine(
    new: Path, tmp_path: Path, start: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(start, tmp_path / "old")
    assert run(["finetune", str(new), "--checkpoint", str(tmp_path / "old"), "-o", str(tmp_path / "work")]) == 0
    said = capsys.readouterr().out
    assert "3 machines kept, 1 added: pump/id_02" in said
    assert "old machines' scores may move" in said, "the tiny checkpoint has no centres"
    assert load_checkpoint(tmp_path / "work").labels.machines == (*OLD, NEW)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["work", "--quantized"], "--data"),
        (["data"], "-o WORK"),
        (["data", "-o", "work", "--data", "clips"], "--quantized"),
    ],
)
def test_the_command_says_what_is_missing(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["finetune", *arguments]) == 2
    assert complaint in capsys.readouterr().err
