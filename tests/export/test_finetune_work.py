"""`finetune --quantized`: a work directory's int8 files anew, distilled, for the target they were made for."""

import json
import shutil
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.errors import WorkDirectoryError
from asd_edge.export.finetune_work import finetune_work
from quantization.recipe import Distil, load_recipe
from tests.export.conftest import TinyExport


def test_the_recipe_is_best_and_distillation_over_more_clips() -> None:
    best, finetune = load_recipe("best"), load_recipe("finetune")
    assert finetune.steps[:-1] == best.steps
    assert isinstance(finetune.steps[-1], Distil)
    assert finetune.calibration_clips > best.calibration_clips


def test_the_int8_files_are_written_again_and_the_checkpoint_stays(tiny_export: TinyExport, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(tiny_export.work, work)
    assert run(["finetune", str(work), "--quantized", "--data", str(tiny_export.data), "--epochs", "1"]) == 0
    before, after = (json.loads((folder / "export.json").read_text()) for folder in (tiny_export.work, work))
    assert after["target"] == before["target"] == "mcu"
    assert "distil" in json.dumps(after["recipe"])
    assert (work / "model.tflite").read_bytes() != (tiny_export.work / "model.tflite").read_bytes()
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        assert (work / name).read_bytes() == (tiny_export.work / name).read_bytes()


def test_a_folder_without_an_export_is_refused(tiny_export: TinyExport, tmp_path: Path) -> None:
    with pytest.raises(WorkDirectoryError, match="export the checkpoint first"):
        finetune_work(tmp_path, tiny_export.data, epochs=1)
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(WorkDirectoryError, match="names no target"):
        finetune_work(tmp_path, tiny_export.data, epochs=1)
