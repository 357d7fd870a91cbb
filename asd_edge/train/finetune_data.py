"""The clips of a fine-tuning: which machines are old and new, which clips train and which choose the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn
from asd_edge.clip.read_clip import samples_sha256
from asd_edge.clip.records import NORMAL, TRAIN, ClipRecord
from asd_edge.errors import DatasetError
from asd_edge.model.checkpoint import Checkpoint, Split
from asd_edge.train.config import TrainConfig
from asd_edge.train.load_clips import LoadedClips, load_clips
from asd_edge.train.split import split_by_recording

_LEAST_RECOGNIZED = 0.5  # of an old machine's clips; below it another machine bears its name


@dataclass(frozen=True)
class FinetuneData:
    """Classes below `n_old` are the checkpoint's, in its order; none where it forgets them."""

    labels: LabelTable
    n_old: int
    training: LoadedClips
    validation: LoadedClips
    split: Split  # of the new checkpoint: with the old one's clips unless it forgets them


def load_finetune_data(
    data_dir: Path, start: Checkpoint, rehearses: bool, forget: bool, config: TrainConfig, on_loading: ProgressFn
) -> FinetuneData:
    """The normal training clips of `data_dir`. A clip of the checkpoint's own split stays on its side.

    Raises DatasetError where a fine-tuning of the network would lack an old machine's clips (`rehearses`), where no
    machine is new, and for those of `split_by_recording`.
    """
    records = [record for record in find_clips(data_dir) if record.split == TRAIN and record.label == NORMAL]
    labels = _labels(records, start.labels, rehearses, forget, data_dir)
    clips = load_clips(records, labels, data_dir, start.frontend, on_loading, 0, len(records))
    hashes = [samples_sha256(samples) for samples in clips.samples.numpy()]
    validates = _validating(records, hashes, start.split, config, data_dir)
    training, validation = (
        LoadedClips(
            clips.samples[side],
            clips.labels[side],
            {sha256: clips.sha256[sha256] for sha256, chosen in zip(hashes, side.tolist(), strict=True) if chosen},
        )
        for side in (~validates, validates)
    )
    n_old = 0 if forget else len(start.labels.machines)
    for index, machine in enumerate(labels.machines[n_old:], start=n_old):
        if not (training.labels == index).any() or not (validation.labels == index).any():
            raise DatasetError(
                f"{data_dir}: machine {machine} has clips that trained or clips that chose the checkpoint's epoch, but "
                "not both; give all its normal clips"
            )
    kept = Split({}, {}) if forget else start.split
    split = Split({**kept.train, **training.sha256}, {**kept.validation, **validation.sha256})
    return FinetuneData(labels, n_old, training, validation, split)


def check_recognized(data: FinetuneData, embeddings: Tensor, old_rows: Tensor) -> None:
    """Raise DatasetError for an old machine whose clips the checkpoint takes for others: its name is borne by another.

    `embeddings` are those of the training clips, then the validation clips.
    """
    labels = torch.cat([data.training.labels, data.validation.labels])
    for index, machine in enumerate(data.labels.machines[: data.n_old]):
        own = embeddings[labels == index]
        nearest = functional.linear(own, functional.normalize(old_rows)).argmax(dim=1)
        n_recognized = int((nearest == index).sum())
        if n_recognized < _LEAST_RECOGNIZED * len(own):
            raise DatasetError(
                f"the checkpoint recognizes {n_recognized} of {len(own)} clips of {machine} as that machine, so this "
                "is another one of the same name: rename its clips, or start a table of its own with --forget"
            )


def _labels(
    records: Sequence[ClipRecord], old: LabelTable, rehearses: bool, forget: bool, data_dir: Path
) -> LabelTable:
    found = sorted({record.machine for record in records})
    if not found:
        raise DatasetError(f"{data_dir}: no normal training clip (train/normal_*), from which alone a detector learns")
    if forget:
        if len(found) < 2:
            raise DatasetError(
                f"{data_dir}: holds one machine, {found[0]}; a detector tells machines apart: "
                "add another one's normal clips, or keep the old machines (without --forget)"
            )
        return LabelTable(tuple(found))
    missing = [machine for machine in old.machines if machine not in found]
    if rehearses and missing:
        raise DatasetError(
            f"{data_dir}: has no clip of {', '.join(missing)}; a network that goes on learning without them forgets "
            "them: add their normal clips, train the head alone, or let go of all old machines with --forget"
        )
    new = tuple(machine for machine in found if machine not in old.machines)
    if not rehearses and not new:
        raise DatasetError(
            f"{data_dir}: the checkpoint knows all its machines already ({', '.join(found)}); "
            "add a new machine's normal clips, or train the whole network"
        )
    return LabelTable((*old.machines, *new))


def _validating(
    records: Sequence[ClipRecord], hashes: Sequence[str], old: Split, config: TrainConfig, data_dir: Path
) -> Tensor:
    """(n_clips,) bool: which clips choose the epoch. Machines of the old split are not drawn again."""
    known = {
        record.machine
        for record, sha256 in zip(records, hashes, strict=True)
        if sha256 in old.train or sha256 in old.validation
    }
    drawn = [record for record in records if record.machine not in known]
    validating: set[Path] = set()
    if drawn:
        try:
            _, chosen = split_by_recording(drawn, config.validation_share, config.seed)
        except DatasetError as error:
            raise DatasetError(f"{data_dir}: {error}") from error
        validating = {record.path for record in chosen}
    sides = [
        record.path in validating or sha256 in old.validation for record, sha256 in zip(records, hashes, strict=True)
    ]
    if not any(sides):
        raise DatasetError(
            f"{data_dir}: none of the clips that chose the checkpoint's epoch is in it; add them, or a new machine's"
        )
    return torch.tensor(sides)
