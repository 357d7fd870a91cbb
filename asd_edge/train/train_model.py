"""Normal clips of a data set -> WORK/checkpoint.{safetensors,json}: load, split, train from scratch, keep the best."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from asd_edge.clip.label_table import LabelTable, build_label_table
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import DatasetError, WorkDirectoryError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import log_mel
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.checkpoint import WEIGHTS_FILE, Checkpoint, Split
from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
from asd_edge.model.network import build_network
from asd_edge.train.centres import with_centres
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import ClipDataset, TrainingData, VectorDataset
from asd_edge.train.epoch_log import EpochFn, ignore_epoch
from asd_edge.train.fit import fit, training_record, write_best
from asd_edge.train.lightning_modules import AutoencoderTraining, DetectorTraining
from asd_edge.train.load_clips import LoadedClips, load_clips
from asd_edge.train.split import split_by_recording


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
    training = load_clips(training_records, labels, data_dir, frontend, on_loading, 0, n_clips)
    validation = load_clips(validation_records, labels, data_dir, frontend, on_loading, len(training_records), n_clips)
    split = Split(training.sha256, validation.sha256)

    batches = TrainingData(
        _dataset(model, training, frontend), _dataset(model, validation, frontend), config.batch_size, config.seed
    )
    settings = _settings_text(model, head, frontend, config, labels, split)
    best = fit(module, batches, config, work_dir, settings, on_batch, on_epoch)
    history = training_record(data_dir, config, best.epoch, best.validation_loss, best.seconds)
    checkpoint = Checkpoint(model, head, frontend, labels, split, best.weights, history)
    if model.architecture != AUTOENCODER:
        checkpoint = with_centres(checkpoint, training, on_batch)
    write_best(checkpoint, best, work_dir)
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
