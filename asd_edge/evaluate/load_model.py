"""A work directory and the names of rungs -> what all rungs share, proven to be of one model before any is opened."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd_edge.backends.ladder import CHECKPOINT_FILES, available_rungs, check_files, files_of, in_ladder_order
from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import BackendError
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector, load_detector
from asd_edge.export.work_files import DETECTOR_FILE, RECORD_FILE
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import Checkpoint, load_checkpoint
from asd_edge.model.config import AUTOENCODER


@dataclass(frozen=True)
class LoadedModel:
    """One model and the rungs to run it on, in ladder order; `checkpoint` and `detector` where they are there."""

    rung_names: tuple[str, ...]
    checkpoint: Checkpoint | None
    detector: Detector | None
    files: Mapping[str, str]  # file -> SHA-256

    @property
    def frontend(self) -> FrontendConfig:
        return self._source.frontend

    @property
    def labels(self) -> LabelTable:
        return self._source.labels

    @property
    def score_kind(self) -> str:
        if isinstance(self._source, Detector):
            return self._source.kind
        return RECONSTRUCTION if self._source.model.architecture == AUTOENCODER else ARCFACE

    @property
    def _source(self) -> Checkpoint | Detector:
        source = self.detector or self.checkpoint
        assert source is not None, "every rung needs the one or the other"
        return source


def load_model(work: Path, rung_names: Sequence[str]) -> LoadedModel:
    """The model on the rungs named, or with no name on all whose files are there.

    Raises BackendError for an unknown name or a missing file, and where checkpoint and exported files are not of one
    training; WorkDirectoryError where the work directory holds no model.
    """
    found = available_rungs(work)
    names = in_ladder_order(rung_names) or found
    for name in names:
        check_files(name, work)
    files = {file: file_sha256(work / file) for name in names for file in files_of(name)}
    _check_exported_together(work, files)
    checkpoint = load_checkpoint(work) if all((work / file).is_file() for file in CHECKPOINT_FILES) else None
    detector = load_detector(work / DETECTOR_FILE) if (work / DETECTOR_FILE).is_file() else None
    if checkpoint is not None and detector is not None:
        _check_same_model(work, checkpoint, detector)
    return LoadedModel(names, checkpoint, detector, files)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_exported_together(work: Path, files: Mapping[str, str]) -> None:
    """Raise BackendError for a file that isn't the one that export.json names; without export.json nothing is known."""
    record = work / RECORD_FILE
    if not record.is_file():
        return
    try:
        exported = json.loads(record.read_text(encoding="utf-8"))["files"]
        written = {name: file["sha256"] for name, file in exported.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(f"{record}: damaged ({error!r}); run asd-edge export again") from error
    for name, sha256 in files.items():
        if written.get(name, sha256) != sha256:
            raise BackendError(
                f"{work / name}: has changed since {RECORD_FILE} was written, so the rungs may hold different models; "
                "run asd-edge export again"
            )


def _check_same_model(work: Path, checkpoint: Checkpoint, detector: Detector) -> None:
    rows = checkpoint.weights.get("head.weight")
    is_same = (checkpoint.labels, checkpoint.frontend) == (detector.labels, detector.frontend)
    if is_same and rows is not None and detector.head_rows is not None:
        directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        is_same = directions.shape == detector.head_rows.shape and np.allclose(
            directions, detector.head_rows, atol=1e-5
        )
    if not is_same:
        raise BackendError(
            f"{work / DETECTOR_FILE}: was exported from another checkpoint than the one beside it; "
            f"run asd-edge export --checkpoint {work} --calibration DATA -o {work} again"
        )
