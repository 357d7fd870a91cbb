"""A tiny data set, a tiny checkpoint and its export, made once per session and only read by tests."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.export_record import ExportRecord
from asd_edge.model.checkpoint import Checkpoint, write_checkpoint
from tests.backends.tiny_detector import tiny_checkpoint, write_clips


@dataclass(frozen=True)
class TinyExport:
    """A checkpoint's folder, the clips that calibrated, and the work directory that export wrote."""

    data: Path
    checkpoint: Checkpoint
    checkpoint_folder: Path
    work: Path
    record: ExportRecord


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two-second clips of four machines in DCASE layout."""
    return write_clips(tmp_path_factory.mktemp("tiny_data"), n_train=2, n_test=1)


@pytest.fixture(scope="session")
def tiny_export(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyExport:
    """The reference architecture at width 1/8."""
    folder = tmp_path_factory.mktemp("tiny_export")
    checkpoint = tiny_checkpoint(tiny_data)
    write_checkpoint(checkpoint, folder / "checkpoint")
    record = export_checkpoint(folder / "checkpoint", tiny_data, folder / "work")
    return TinyExport(tiny_data, checkpoint, folder / "checkpoint", folder / "work", record)
