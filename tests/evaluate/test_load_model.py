"""A work directory whose files don't belong together is refused before anything is scored."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import BackendError
from asd_edge.evaluate.load_model import load_model
from asd_edge.model.checkpoint import Checkpoint, load_checkpoint, write_checkpoint


@pytest.fixture
def work(tmp_path: Path, tiny_work: Path) -> Path:
    return shutil.copytree(tiny_work, tmp_path / "work")


def test_without_names_all_rungs_of_the_directory_are_taken(work: Path) -> None:
    model = load_model(work, ())
    assert model.rung_names == ("torch", "onnx", "tflite", "reference", "host")
    assert (model.score_kind, model.labels) == ("arcface", load_checkpoint(work).labels)


def test_only_the_files_of_the_rungs_named_are_hashed(work: Path) -> None:
    assert set(load_model(work, ["tflite"]).files) == {"model.tflite", "detector.safetensors"}


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "detector.safetensors"])
def test_a_file_that_changed_after_export_is_refused(work: Path, name: str) -> None:
    path = work / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackendError, match=f"{name}: has changed since export.json was written"):
        load_model(work, ())


@pytest.mark.parametrize("content", ["", "[]", '{"files": {"model.tflite": 1}}'])
def test_a_damaged_export_record_is_refused(work: Path, content: str) -> None:
    (work / "export.json").write_text(content)
    with pytest.raises(BackendError, match=r"export\.json: damaged"):
        load_model(work, ())


def test_without_an_export_record_nothing_is_refused(work: Path) -> None:
    (work / "export.json").unlink()
    assert len(load_model(work, ()).rung_names) == 5


def _other_head(checkpoint: Checkpoint) -> Checkpoint:
    rows = np.roll(checkpoint.weights["head.weight"], 1, axis=0)
    return replace(checkpoint, weights={**checkpoint.weights, "head.weight": rows})


def _other_labels(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, labels=LabelTable(checkpoint.labels.machines[::-1]))


@pytest.mark.parametrize("change", [_other_head, _other_labels])
def test_a_checkpoint_of_another_training_is_refused(work: Path, change: Callable[[Checkpoint], Checkpoint]) -> None:
    write_checkpoint(change(load_checkpoint(work)), work)
    with pytest.raises(BackendError, match="another checkpoint than the one beside it; run asd-edge export"):
        load_model(work, ())


def test_the_score_kind_of_a_lone_checkpoint_follows_its_architecture(
    tmp_path: Path, tiny_autoencoder_work: Path
) -> None:
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        shutil.copyfile(tiny_autoencoder_work / name, tmp_path / name)
    assert load_model(tmp_path, ()).score_kind == "reconstruction"
    assert json.loads((tmp_path / "checkpoint.json").read_text())["model"]["architecture"] == "autoencoder"
