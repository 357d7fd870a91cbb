"""A checkpoint and normal clips, mostly of new machines -> WORK/checkpoint.{safetensors,json} that knows them too.

Each new machine gets a row of the head, at first the mean direction of its clips. Then the new rows are trained alone
(HEAD), or the whole network goes on learning (ALL). The old machines stay; or they are forgotten, which carries over
the network alone, gives every machine of the data a new row, and trains the rows before the network.
"""

import dataclasses
import hashlib
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import CheckpointError, WorkDirectoryError
from asd_edge.model.arcface import arcface_loss
from asd_edge.model.checkpoint import WEIGHTS_FILE, Checkpoint, write_checkpoint
from asd_edge.model.config import AUTOENCODER
from asd_edge.model.network import DetectorNetwork, network_from_checkpoint
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import ClipDataset, TrainingData
from asd_edge.train.epoch_log import EpochFn, ignore_epoch
from asd_edge.train.finetune_data import FinetuneData, check_recognized, load_finetune_data
from asd_edge.train.fit import fit, training_record, write_best
from asd_edge.train.head_rows import Embedded, centre_rows, train_rows
from asd_edge.train.lightning_modules import DetectorTraining, as_waveform
from asd_edge.train.load_clips import LoadedClips

HEAD, ALL = "head", "all"
DEFAULT_EPOCHS = {HEAD: 200, ALL: 10}
BEFORE_TRAINING = -1  # as best epoch: none was better than what it started from
_EMBEDDED_AT_ONCE = 8


def finetune_model(
    data_dir: Path,
    work_dir: Path,
    start: Checkpoint,
    part: str,
    forget: bool,
    config: TrainConfig,
    on_loading: ProgressFn = ignore_progress,
    on_batch: ProgressFn = ignore_progress,
    on_epoch: EpochFn = ignore_epoch,
) -> Checkpoint:
    """Fine-tune `part` of a detector on the normal training clips of `data_dir`; write the best epoch to `work_dir`.

    Raises CheckpointError for an autoencoder, DatasetError for data that can't serve, WorkDirectoryError for a folder
    that holds another training, TrainingError for a loss that is no longer finite.
    """
    if (work_dir / WEIGHTS_FILE).exists():
        raise WorkDirectoryError(f"{work_dir}: already holds a checkpoint; choose another folder or remove it")
    if start.model.architecture == AUTOENCODER:
        raise CheckpointError(
            "an autoencoder has no head to add machines to; train one for the new machine: "
            "asd-edge train DATA -o WORK --architecture autoencoder"
        )
    data = load_finetune_data(data_dir, start, part == ALL, forget, config, on_loading)
    network = network_from_checkpoint(start)
    training, validation = (_embedded(network, side) for side in (data.training, data.validation))
    rows = network.head.weight.detach()
    # only a row's direction counts; as long as the old ones it turns as fast as they do where the network is trained
    length = rows.norm(dim=1).mean()
    old_rows = rows[: data.n_old]
    check_recognized(data, torch.cat([training.embeddings, validation.embeddings]), old_rows)
    new_rows = centre_rows(training, range(data.n_old, len(data.labels.machines)))
    if part == ALL and not forget:
        begun = _with_rows(start, data, torch.cat([old_rows, new_rows * length]))
        return _train_all(data_dir, work_dir, begun, data, validation, config, on_batch, on_epoch)
    began = time.monotonic()
    n_steps = config.epochs if part == HEAD else DEFAULT_EPOCHS[HEAD]
    trained = train_rows(old_rows, new_rows, training, validation, start.head, n_steps)
    begun = _with_rows(start, data, torch.cat([old_rows, trained.rows * length]))
    if part == ALL:
        return _train_all(data_dir, work_dir, begun, data, validation, config, on_batch, on_epoch)
    seconds = round(time.monotonic() - began)
    record = training_record(data_dir, config, trained.epoch - 1, trained.validation_loss, seconds)
    checkpoint = dataclasses.replace(begun, training={**record, "finetuned": HEAD})
    write_checkpoint(checkpoint, work_dir)
    return checkpoint


def _train_all(
    data_dir: Path,
    work_dir: Path,
    start: Checkpoint,
    data: FinetuneData,
    validation: Embedded,
    config: TrainConfig,
    on_batch: ProgressFn,
    on_epoch: EpochFn,
) -> Checkpoint:
    """`start` has the new table and its rows; `validation` is embedded by it."""
    module = DetectorTraining(network_from_checkpoint(start), start.head, config)
    with torch.no_grad():
        loss_before = float(arcface_loss(module.network.head(validation.embeddings), validation.labels, start.head))
    training, validating = (ClipDataset(side.samples, side.labels) for side in (data.training, data.validation))
    batches = TrainingData(training, validating, config.batch_size, config.seed)
    best = fit(module, batches, config, work_dir, _settings_text(start, config), on_batch, on_epoch)
    if loss_before <= best.validation_loss:
        best = dataclasses.replace(best, weights=start.weights, epoch=BEFORE_TRAINING, validation_loss=loss_before)
    record = training_record(data_dir, config, best.epoch, best.validation_loss, best.seconds)
    checkpoint = dataclasses.replace(start, weights=best.weights, training={**record, "finetuned": ALL})
    write_best(checkpoint, best, work_dir)
    return checkpoint


@torch.no_grad()
def _embedded(network: DetectorNetwork, clips: LoadedClips) -> Embedded:
    """`network` is in eval mode."""
    batches = torch.split(clips.samples, _EMBEDDED_AT_ONCE)
    return Embedded(torch.cat([network(as_waveform(samples)) for samples in batches]), clips.labels)


def _with_rows(start: Checkpoint, data: FinetuneData, rows: Tensor) -> Checkpoint:
    """The checkpoint with another table and head."""
    weights = {**start.weights, "head.weight": rows.numpy()}
    return dataclasses.replace(start, labels=data.labels, split=data.split, weights=weights)


def _settings_text(start: Checkpoint, config: TrainConfig) -> str:
    """Everything that decides the weights: two runs with the same text may share one training state."""
    weights = hashlib.sha256()
    for name in sorted(start.weights):
        weights.update(start.weights[name].tobytes())
    settings = [dataclasses.asdict(part) for part in (start.model, start.head, start.frontend, config)]
    clips = [sorted(start.split.train), sorted(start.split.validation)]
    described = {"settings": settings, "labels": start.labels.machines, "clips": clips, "start": weights.hexdigest()}
    return json.dumps(described, indent=1) + "\n"
