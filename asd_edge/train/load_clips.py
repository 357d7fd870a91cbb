"""Clip records -> samples and classes in memory, with the hash by which a checkpoint's split names each clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.progress import ProgressFn
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.records import ClipRecord
from asd_edge.frontend.config import FrontendConfig


@dataclass(frozen=True)
class LoadedClips:
    """Clips in order: samples (n_clips, clip_samples) int16, classes (n_clips,) int64."""

    samples: Tensor
    labels: Tensor
    sha256: dict[str, str]  # of the samples -> path below the data folder


def load_clips(
    records: Sequence[ClipRecord],
    labels: LabelTable,
    data_dir: Path,
    frontend: FrontendConfig,
    on_loading: ProgressFn,
    n_before: int,
    n_clips: int,
) -> LoadedClips:
    """The records' clips; `n_before` of `n_clips` were loaded by earlier calls."""
    samples = np.empty((len(records), frontend.clip_samples), np.int16)
    sha256: dict[str, str] = {}
    for index, record in enumerate(records):
        samples[index] = read_clip(record.path, frontend.clip_samples, frontend.sample_rate_hz)
        sha256[samples_sha256(samples[index])] = record.path.relative_to(data_dir).as_posix()
        on_loading(n_before + index + 1, n_clips)
    classes = [labels.index(record.machine) for record in records]
    return LoadedClips(torch.from_numpy(samples), torch.tensor(classes), sha256)
