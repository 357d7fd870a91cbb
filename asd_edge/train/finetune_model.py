"""A checkpoint and normal clips, mostly of new machines -> WORK/checkpoint.{safetensors,json} that knows them too.

Each new machine gets a row of the head, at first the mean direction of its clips, and the new rows are trained (HEAD).
Then the whole network may go on learning (ALL), while the head rests and the old machines' scores hold it. The old
machines stay; or they are forgotten: that carries over the network alone, which trains without being held.
"""

import dataclasses
import hashlib
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import CheckpointError, DatasetError, WorkDirectoryError
from asd_edge.model.checkpoint import WEIGHTS_FILE, Checkpoint, write_checkpoint
from asd_edge.model.config import AUTOENCODER
from asd_edge.model.network import network_from_checkpoint
from asd_edge.train.centres import with_centres
from asd_edge.train.config import TrainConfig
from asd_edge.train.data_module import ClipDataset, TrainingData
from asd_edge.train.embedded import Embedded, as_waveform, embed_clips
from asd_edge.train.epoch_log import EpochFn, ignore_epoch
from asd_edge.train.finetune_data import FinetuneData, check_recognized, load_finetune_data
from asd_edge.train.fit import fit, training_record, write_best
from asd_edge.train.head_rows import centre_rows, train_rows
from asd_edge.train.lightning_modules import DetectorTraining
from asd_edge.train.load_clips import LoadedClips
from asd_edge.train.old_machines import HOLD_DIRECTION, HOLD_SCORE, OldMachines

HEAD, ALL = "head", "all"
DEFAULT_EPOCHS = {HEAD: 200, ALL: 10}
BEFORE_TRAINING = -1  # as best epoch: none was better than what it started from
SHARE = "share"  # of the way that training went which the checkpoint goes
LEAST_CLIPS, _MOST_CLIPS = 4, 32  # of an old machine; many cost time


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
    training, validation = (embed_clips(network, side) for side in (data.training, data.validation))
    rows = network.head.weight.detach()
    length = rows.norm(dim=1).mean()  # only a row's direction counts; as long as the old ones it turns as fast
    old_rows = rows[: data.n_old]
    check_recognized(data, torch.cat([training.embeddings, validation.embeddings]), old_rows)
    if len(data.labels.machines) == data.n_old:  # more clips of machines it knows
        return _train_all(data_dir, work_dir, _with_rows(start, data, rows), None, data, config, on_batch, on_epoch)
    began = time.monotonic()
    n_steps = config.epochs if part == HEAD else DEFAULT_EPOCHS[HEAD]
    new_rows = centre_rows(training, range(data.n_old, len(data.labels.machines)))
    centres = _old_centres(start, data, training)
    trained = train_rows(old_rows, centres, new_rows, training, validation, start.head, n_steps)
    begun = _with_rows(start, data, torch.cat([old_rows, trained.rows * length]))
    if part == ALL:
        held = None if forget else _old_machines(start, data, training, validation)
        return _train_all(data_dir, work_dir, begun, held, data, config, on_batch, on_epoch)
    seconds = round(time.monotonic() - began)
    record = training_record(data_dir, config, trained.epoch - 1, trained.validation_loss, seconds)
    all_centres = torch.cat([centres, new_rows]).numpy() if len(centres) == data.n_old else None
    checkpoint = dataclasses.replace(begun, training={**record, "finetuned": HEAD}, centres=all_centres)
    write_checkpoint(checkpoint, work_dir)
    return checkpoint


def _train_all(
    data_dir: Path,
    work_dir: Path,
    start: Checkpoint,
    held: OldMachines | None,
    data: FinetuneData,
    config: TrainConfig,
    on_batch: ProgressFn,
    on_epoch: EpochFn,
) -> Checkpoint:
    """`start` has the new table and its rows; the scores of the machines that are `held` are to stay."""
    module = DetectorTraining(network_from_checkpoint(start), start.head, config, held)
    loss_before = _validation_loss(module, data.validation)
    training, validating = (ClipDataset(side.samples, side.labels) for side in (data.training, data.validation))
    batches = TrainingData(training, validating, config.batch_size, config.seed)
    best = fit(module, batches, config, work_dir, _settings_text(start, data, held, config), on_batch, on_epoch)
    share = 1.0
    if held is not None:
        share, weights = held.allowed_step(start, best.weights, on_batch)
        network = network_from_checkpoint(dataclasses.replace(start, weights=weights))
        loss = _validation_loss(DetectorTraining(network, start.head, config, held), data.validation)
        best = dataclasses.replace(best, weights=weights, validation_loss=loss)
    if share == 0.0 or loss_before <= best.validation_loss:
        share = 0.0
        best = dataclasses.replace(best, weights=start.weights, epoch=BEFORE_TRAINING, validation_loss=loss_before)
    record = training_record(data_dir, config, best.epoch, best.validation_loss, best.seconds)
    record |= {"finetuned": ALL} if held is None else {"finetuned": ALL, SHARE: round(share, 4)}
    checkpoint = dataclasses.replace(start, weights=best.weights, training=record)
    checkpoint = with_centres(checkpoint, _of_all_machines(data), on_batch)
    write_best(checkpoint, best, work_dir)
    return checkpoint


def _of_all_machines(data: FinetuneData) -> LoadedClips:
    """The training clips; with the validation clips where an old machine has no others."""
    if len(set(data.training.labels.tolist())) == len(data.labels.machines):
        return data.training
    return _both_sides(data)


def _old_centres(start: Checkpoint, data: FinetuneData, training: Embedded) -> Tensor:
    """(n, E), of length 1: the checkpoint's own, or else those of the old machines that have training clips here."""
    if start.centres is not None:
        return torch.from_numpy(start.centres[: data.n_old])
    return centre_rows(training, [machine for machine in range(data.n_old) if (training.labels == machine).any()])


def _old_machines(before: Checkpoint, data: FinetuneData, training: Embedded, validation: Embedded) -> OldMachines:
    """With the clips that chose the epoch, then those that trained, up to _MOST_CLIPS of each machine."""
    clips = _both_sides(data)
    for index, machine in enumerate(before.labels.machines):
        n_clips = int((clips.labels == index).sum())
        if n_clips < LEAST_CLIPS:
            raise DatasetError(
                f"{n_clips} normal clips of {machine} can't show how far its scores move; give {LEAST_CLIPS} or more, "
                "or train the head alone"
            )
    embeddings = torch.cat([validation.embeddings, training.embeddings])
    chosen = torch.cat([torch.where(clips.labels == machine)[0][:_MOST_CLIPS] for machine in range(data.n_old)])
    return OldMachines(before, LoadedClips(clips.samples[chosen], clips.labels[chosen], {}), embeddings[chosen])


def _both_sides(data: FinetuneData) -> LoadedClips:
    """The validation clips, then the training clips."""
    samples = torch.cat([data.validation.samples, data.training.samples])
    return LoadedClips(samples, torch.cat([data.validation.labels, data.training.labels]), {})


@torch.no_grad()
def _validation_loss(module: DetectorTraining, clips: LoadedClips) -> float:
    """As an epoch's; the network is in eval mode."""
    batches = zip(*(torch.split(each, module.config.batch_size) for each in (clips.samples, clips.labels)), strict=True)
    losses = [float(module.validate(as_waveform(samples), labels)[0]) * len(labels) for samples, labels in batches]
    return math.fsum(losses) / len(clips.labels)


def _with_rows(start: Checkpoint, data: FinetuneData, rows: Tensor) -> Checkpoint:
    """The checkpoint with another table and head."""
    weights = {**start.weights, "head.weight": rows.numpy()}
    return dataclasses.replace(start, labels=data.labels, split=data.split, weights=weights)


def _settings_text(start: Checkpoint, data: FinetuneData, held: OldMachines | None, config: TrainConfig) -> str:
    """Everything that decides the weights: two runs with the same text may share one training state."""
    weights = hashlib.sha256()
    for name in sorted(start.weights):
        weights.update(start.weights[name].tobytes())
    settings = [dataclasses.asdict(part) for part in (start.model, start.head, start.frontend, config)]
    described = {
        "settings": settings,
        "labels": start.labels.machines,
        "clips": [sorted(data.training.sha256), sorted(data.validation.sha256)],
        "held": held is not None and [HOLD_SCORE, HOLD_DIRECTION],
        "start": weights.hexdigest(),
    }
    return json.dumps(described, indent=1) + "\n"
