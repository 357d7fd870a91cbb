"""A training from a folder of clips to a checkpoint: it learns, resumes to the same weights, and refuses by name."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.errors import AsdEdgeError, DatasetError, TrainingError, WorkDirectoryError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import Checkpoint, load_checkpoint
from asd_edge.model.config import AUTOENCODER, LOG_MEL, HeadConfig, ModelConfig
from asd_edge.model.network import network_from_checkpoint
from asd_edge.train.config import MSE, TrainConfig, default_train_config
from asd_edge.train.epoch_log import EpochFn, ignore_epoch, read_log
from asd_edge.train.fit import LOG_FILE, TRAINING_FOLDER
from asd_edge.train.train_model import train_model

SHORT = FrontendConfig(clip_samples=16_384)  # 33 frames, about a second
NARROW = ModelConfig(width=0.125, embedding_size=16)
CONFIG = TrainConfig(epochs=3, learning_rate=1e-3)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two types, six machines, four normal training clips each."""
    root = tmp_path_factory.mktemp("machines")
    write_synthetic_dataset(
        root, SynthConfig(n_train=4, n_test_normal=0, n_test_anomaly=0, machine_types=("fan", "pump"))
    )
    return root


def _train(
    machines: Path,
    work: Path,
    config: TrainConfig = CONFIG,
    model: ModelConfig = NARROW,
    on_epoch: EpochFn = ignore_epoch,
) -> Checkpoint:
    return train_model(machines, work, model, HeadConfig(), SHORT, config, on_epoch=on_epoch)


def test_training_lowers_the_loss_and_writes_a_loadable_checkpoint(machines: Path, tmp_path: Path) -> None:
    trained = _train(machines, tmp_path, replace(CONFIG, epochs=4))
    log = read_log(tmp_path / TRAINING_FOLDER / LOG_FILE)
    assert float(log[-1]["train_loss"]) < float(log[0]["train_loss"])
    losses = [float(row["validation_loss"]) for row in log]
    assert trained.training["best_epoch"] == int(np.argmin(losses))
    loaded = load_checkpoint(tmp_path)
    assert loaded.labels.machines == tuple(f"{kind}/id_{n}" for kind in ("fan", "pump") for n in ("00", "02", "04"))
    assert all(np.array_equal(loaded.weights[name], trained.weights[name]) for name in trained.weights)
    assert sorted(path.name for path in (tmp_path / TRAINING_FOLDER).iterdir()) == [LOG_FILE]


def test_the_checkpoint_remembers_the_mean_direction_of_each_machines_clips(machines: Path, tmp_path: Path) -> None:
    trained = _train(machines, tmp_path, CONFIG)
    network = network_from_checkpoint(load_checkpoint(tmp_path))
    assert trained.centres is not None
    for index, machine in enumerate(trained.labels.machines):
        machine_type, machine_id = machine.split("/")
        kept = [name for name in trained.split.train.values() if name.startswith(machine_type) and machine_id in name]
        clips = np.stack([read_clip(machines / name, SHORT.clip_samples) for name in kept])
        with torch.no_grad():
            directions = functional.normalize(network(torch.from_numpy(clips / 32768).float()))
        expected = functional.normalize(directions.mean(dim=0), dim=0)
        assert trained.centres[index] == pytest.approx(expected.numpy(), abs=1e-5)


def test_the_checkpoint_names_the_very_clips_of_its_split(machines: Path, tmp_path: Path) -> None:
    split = _train(machines, tmp_path, replace(CONFIG, epochs=1)).split
    assert (len(split.train), len(split.validation)) == (18, 6)
    for sha256, name in {**split.train, **split.validation}.items():
        assert samples_sha256(read_clip(machines / name, SHORT.clip_samples)) == sha256


@pytest.mark.parametrize("loss", ["noisy-arcmix", "arcmix", "arcface"])
def test_a_resumed_training_has_the_weights_of_an_uninterrupted_one(machines: Path, tmp_path: Path, loss: str) -> None:
    config = replace(CONFIG, loss=loss)

    def stop_in_second_epoch(done: int, total: int, validation_loss: float) -> None:
        if done == 2:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        _train(machines, tmp_path / "resumed", config, on_epoch=stop_in_second_epoch)
    assert not (tmp_path / "resumed/checkpoint.safetensors").exists()
    epochs: list[int] = []
    resumed = _train(machines, tmp_path / "resumed", config, on_epoch=lambda done, total, loss: epochs.append(done))
    assert epochs == [2, 3], "it went on after the last whole epoch"
    whole = _train(machines, tmp_path / "whole", config)
    assert {name: value.tobytes() for name, value in resumed.weights.items()} == {
        name: value.tobytes() for name, value in whole.weights.items()
    }
    logs = [read_log(tmp_path / name / TRAINING_FOLDER / LOG_FILE) for name in ("resumed", "whole")]
    losses = [[row["train_loss"] + row["validation_loss"] for row in log] for log in logs]
    assert losses[0] == losses[1]


def test_a_training_with_other_settings_does_not_resume(machines: Path, tmp_path: Path) -> None:
    def stop_in_second_epoch(done: int, total: int, validation_loss: float) -> None:
        if done == 2:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        _train(machines, tmp_path, on_epoch=stop_in_second_epoch)
    with pytest.raises(WorkDirectoryError, match="other settings"):
        _train(machines, tmp_path, replace(CONFIG, seed=1))


def test_a_finished_training_is_not_overwritten(machines: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"dear")
    with pytest.raises(WorkDirectoryError, match="already holds a checkpoint"):
        _train(machines, tmp_path)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == b"dear"


@pytest.mark.parametrize("model", [replace(NARROW, features=LOG_MEL), replace(NARROW, separable_wavegram=False)])
def test_the_ablations_train(machines: Path, tmp_path: Path, model: ModelConfig) -> None:
    assert np.isfinite(_train(machines, tmp_path, replace(CONFIG, epochs=1), model).training["validation_loss"])


def test_the_autoencoder_trains_on_one_type(machines: Path, tmp_path: Path) -> None:
    config = replace(default_train_config(AUTOENCODER), epochs=2)
    model = ModelConfig(architecture=AUTOENCODER)
    trained = _train(machines / "fan", tmp_path / "fan", config, model)
    assert config.loss == MSE
    assert trained.labels.machines == ("fan/id_00", "fan/id_02", "fan/id_04")
    log = read_log(tmp_path / "fan" / TRAINING_FOLDER / LOG_FILE)
    assert float(log[1]["train_loss"]) < float(log[0]["train_loss"])
    with pytest.raises(DatasetError, match="one type"):
        _train(machines, tmp_path / "both", config, model)


def test_one_machine_alone_makes_no_detector(machines: Path, tmp_path: Path) -> None:
    for clip in (machines / "fan/train").glob("normal_id_00_*"):
        (tmp_path / "fan/train").mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / "fan/train")
    with pytest.raises(DatasetError, match="one machine, fan/id_00"):
        _train(tmp_path, tmp_path / "work")


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": float("nan")}, {"validation_share": 1.0}, {"seed": -1}],
)
def test_a_number_that_cannot_train_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=next(iter(change))):
        replace(CONFIG, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "complaint"), [({"precision": "7-bit"}, "precision"), ({"learning_rate": 1e30}, "learning rate")]
)
def test_what_lightning_or_the_loss_refuses_is_one_message(
    machines: Path, tmp_path: Path, change: dict[str, str | float], complaint: str
) -> None:
    with pytest.raises(AsdEdgeError, match=complaint):
        _train(machines, tmp_path, replace(CONFIG, **change))  # type: ignore[arg-type]
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_a_refused_setting_does_not_claim_the_folder(machines: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="precision"):
        _train(machines, tmp_path, replace(CONFIG, precision="7-bit"))
    assert list(tmp_path.iterdir()) == []
    assert _train(machines, tmp_path, replace(CONFIG, epochs=1)).training["best_epoch"] == 0


@pytest.mark.parametrize(("width", "embedding_size"), [(float("nan"), 16), (1e9, 16), (0.125, 10**9)])
def test_an_impossible_size_is_refused_before_a_clip_is_read(
    machines: Path, tmp_path: Path, width: float, embedding_size: int
) -> None:
    with pytest.raises(AsdEdgeError, match="make no detector"):
        _train(machines, tmp_path, model=replace(NARROW, width=width, embedding_size=embedding_size))


def test_a_folder_without_normal_clips_is_named(tmp_path: Path) -> None:
    (tmp_path / "fan/test").mkdir(parents=True)
    (tmp_path / "fan/test/normal_id_00_00000000.wav").touch()
    with pytest.raises(DatasetError, match=f"{tmp_path}: no normal training clip"):
        _train(tmp_path, tmp_path / "work")
