"""Normal clips of a data set -> WORK/checkpoint.{safetensors,json}: load, split, train with Lightning, keep the best.

The epoch is chosen by validation loss. WORK/training/ holds log.csv and, until the training ends, the state to resume
from, which is written after each epoch; resuming gives the weights that an uninterrupted run gives.
"""

import dataclasses
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from asd_edge import __version__
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.label_table import LabelTable, build_label_table
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.records import ClipRecord
from asd_edge.errors import DatasetError, TrainingError, WorkDirectoryError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import log_mel
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.checkpoint import WEIGHTS_FILE, Checkpoint, Split, write_checkpoint
from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
from asd_edge.model.network import build_network
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import ClipDataset, TrainingData, VectorDataset
from asd_edge.train.epoch_log import SECONDS, EpochFn, EpochLog, ignore_epoch, read_log
from asd_edge.train.lightning_modules import VALIDATION_LOSS, AutoencoderTraining, DetectorTraining
from asd_edge.train.split import split_by_recording

TRAINING_FOLDER, LOG_FILE = "training", "log.csv"
_STATE, _BEST, _SETTINGS = "last.ckpt", "best.ckpt", "settings.json"


@dataclasses.dataclass(frozen=True)
class LoadedClips:
    """The clips of one side of the split: samples (n_clips, clip_samples) int16, classes (n_clips,) int64."""

    samples: Tensor
    labels: Tensor
    sha256: dict[str, str]  # of the samples -> path below the data folder


def train_model(
    data_dir: Path,
    work_dir: Path,
    model: ModelConfig,
    head: HeadConfig,
    frontend: FrontendConfig,
    config: TrainConfig,
    on_loading: ProgressFn = ignore_progress,
    on_batch: ProgressFn = ignore_progress,
    on_epoch: EpochFn = ignore_epoch,
) -> Checkpoint:
    """Train on the normal training clips of `data_dir` and write the best epoch's checkpoint into `work_dir`.

    Raises DatasetError for data that can't train, WorkDirectoryError for a folder that holds another training,
    TrainingError for a device or precision that Lightning refuses and for a loss that is no longer finite.
    """
    if (work_dir / WEIGHTS_FILE).exists():
        raise WorkDirectoryError(f"{work_dir}: already holds a checkpoint; choose another folder or remove it")
    records = find_clips(data_dir)
    try:
        training_records, validation_records = split_by_recording(records, config.validation_share, config.seed)
    except DatasetError as error:
        raise DatasetError(f"{data_dir}: {error}") from error
    labels = build_label_table([*training_records, *validation_records])
    _check_machines(model, labels, data_dir)
    torch.manual_seed(config.seed)
    module = _module(model, head, frontend, config, len(labels.machines))
    n_clips = len(training_records) + len(validation_records)
    training = _load(training_records, labels, data_dir, frontend, on_loading, 0, n_clips)
    validation = _load(validation_records, labels, data_dir, frontend, on_loading, len(training_records), n_clips)
    split = Split(training.sha256, validation.sha256)

    folder = work_dir / TRAINING_FOLDER
    batches = TrainingData(
        _dataset(model, training, frontend), _dataset(model, validation, frontend), config.batch_size, config.seed
    )
    state = folder / _STATE
    with _quiet_lightning():
        try:
            trainer = _trainer(config, folder, on_batch, on_epoch)
        except (ValueError, MisconfigurationException) as error:
            raise TrainingError(f"{error}; choose other --devices, --num-nodes or --precision") from error
        _claim(folder, _settings_text(model, head, frontend, config, labels, split))
        # the state is this function's own file of an earlier run, and weights_only admits nothing but tensors
        trainer.fit(module, batches, ckpt_path=str(state) if state.is_file() else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    best = torch.load(folder / _BEST, map_location="cpu", weights_only=True)
    checkpoint = Checkpoint(
        model, head, frontend, labels, split, _weights(best["state_dict"]), _history(folder, config, data_dir, best)
    )
    if trainer.is_global_zero:
        write_checkpoint(checkpoint, work_dir)
        for leftover in (_STATE, _BEST, _SETTINGS):
            (folder / leftover).unlink(missing_ok=True)
    return checkpoint


def _check_machines(model: ModelConfig, labels: LabelTable, data_dir: Path) -> None:
    types = sorted({machine.split("/")[0] for machine in labels.machines})
    if model.architecture == AUTOENCODER:
        if len(types) > 1:
            raise DatasetError(
                f"{data_dir}: holds the machine types {', '.join(types)}; an autoencoder is trained for one: "
                f"give the folder of one type, such as {data_dir / types[0]}"
            )
    elif len(labels.machines) < 2:
        raise DatasetError(
            f"{data_dir}: holds one machine, {labels.machines[0]}; a detector learns by telling machines apart: "
            "add normal clips of another machine or train the autoencoder"
        )


def _load(
    records: Sequence[ClipRecord],
    labels: LabelTable,
    data_dir: Path,
    frontend: FrontendConfig,
    on_loading: ProgressFn,
    n_before: int,
    n_clips: int,
) -> LoadedClips:
    samples = np.empty((len(records), frontend.clip_samples), np.int16)
    sha256: dict[str, str] = {}
    for index, record in enumerate(records):
        samples[index] = read_clip(record.path, frontend.clip_samples, frontend.sample_rate_hz)
        sha256[samples_sha256(samples[index])] = record.path.relative_to(data_dir).as_posix()
        on_loading(n_before + index + 1, n_clips)
    classes = [labels.index(record.machine) for record in records]
    return LoadedClips(torch.from_numpy(samples), torch.tensor(classes), sha256)


def _dataset(model: ModelConfig, clips: LoadedClips, frontend: FrontendConfig) -> ClipDataset | VectorDataset:
    if model.architecture != AUTOENCODER:
        return ClipDataset(clips.samples, clips.labels)
    features = [log_mel(samples, frontend).astype(np.float32) for samples in clips.samples.numpy()]
    return VectorDataset(torch.from_numpy(np.stack(features)))


def _module(
    model: ModelConfig, head: HeadConfig, frontend: FrontendConfig, config: TrainConfig, n_classes: int
) -> DetectorTraining | AutoencoderTraining:
    if model.architecture == AUTOENCODER:
        return AutoencoderTraining(build_autoencoder(frontend), config)
    return DetectorTraining(build_network(model, frontend, n_classes), head, config)


def _settings_text(
    model: ModelConfig,
    head: HeadConfig,
    frontend: FrontendConfig,
    config: TrainConfig,
    labels: LabelTable,
    split: Split,
) -> str:
    """Everything that decides the weights: two runs with the same text may share one training state."""
    settings = [dataclasses.asdict(part) for part in (model, head, frontend, config)]
    clips = [sorted(split.train), sorted(split.validation)]
    return json.dumps({"settings": settings, "labels": labels.machines, "clips": clips}, indent=1) + "\n"


def _claim(folder: Path, settings: str) -> None:
    path = folder / _SETTINGS
    if not (path.exists() and (folder / _STATE).exists()):  # without a whole epoch there is nothing to lose
        write_text_atomically(path, settings)
    elif path.read_text() != settings:
        raise WorkDirectoryError(
            f"{folder}: holds an interrupted training with other settings or clips; "
            "give the same ones to go on, or remove the folder to start again"
        )


def _trainer(config: TrainConfig, folder: Path, on_batch: ProgressFn, on_epoch: EpochFn) -> lightning.Trainer:
    def keep(name: str, monitor: str | None) -> ModelCheckpoint:
        return ModelCheckpoint(
            folder,
            name.removesuffix(".ckpt"),
            monitor=monitor,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )

    return lightning.Trainer(
        max_epochs=config.epochs,
        devices=config.devices,
        num_nodes=config.num_nodes,
        precision=config.precision,  # type: ignore[arg-type]  # a literal type there, checked by Lightning itself
        deterministic=True,
        callbacks=[
            EpochLog(folder / LOG_FILE, config.epochs, on_batch, on_epoch),
            keep(_BEST, VALIDATION_LOSS),
            keep(_STATE, None),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without Lightning's advice on hardware and data loaders; its errors stay."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _weights(state: dict[str, Tensor]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {
        name.removeprefix("network."): value.contiguous().float().numpy()
        for name, value in state.items()
        if not name.endswith(".num_batches_tracked")
    }


def _history(
    folder: Path, config: TrainConfig, data_dir: Path, best: dict[str, object]
) -> dict[str, str | int | float]:
    best_epoch = best["epoch"]
    assert isinstance(best_epoch, int)
    log = read_log(folder / LOG_FILE)
    row = next((row for row in log if row["epoch"] == str(best_epoch)), None)
    if row is None:
        raise WorkDirectoryError(f"{folder / LOG_FILE}: lacks epoch {best_epoch}; train again in another folder")
    return {
        "data": data_dir.name,
        **{name: value for name, value in dataclasses.asdict(config).items() if name not in ("devices", "num_nodes")},
        "best_epoch": best_epoch,
        VALIDATION_LOSS: float(row[VALIDATION_LOSS]),
        SECONDS: round(sum(float(row[SECONDS]) for row in log)),
        "asd_edge": __version__,
        "torch": torch.__version__.split("+")[0],
        "lightning": lightning.__version__,
    }
