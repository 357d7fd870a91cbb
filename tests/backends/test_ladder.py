"""Which rungs a work directory has, what a missing file's error says, and that a device-side rung loads no torch."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from asd_edge.backends.ladder import RUNGS_OF_THIS_MACHINE, available_rungs, check_files, in_ladder_order, open_rung
from asd_edge.errors import BackendError, WorkDirectoryError

DEVICE_LACKS = ("torch", "scipy", "onnx", "onnxruntime", "lightning", "sklearn")


@pytest.mark.parametrize(
    ("named", "ordered"),
    [
        ([], ()),
        (["reference", "torch"], ("torch", "reference")),
        (["tflite", "onnx", "tflite"], ("onnx", "tflite")),
        (RUNGS_OF_THIS_MACHINE[::-1], ("torch", "onnx", "tflite", "reference", "host")),
    ],
)
def test_rungs_stand_in_ladder_order_once(named: Sequence[str], ordered: tuple[str, ...]) -> None:
    assert in_ladder_order(named) == ordered


@pytest.mark.parametrize("name", ["tensorrt", "", "Torch"])
def test_an_unknown_rung_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(BackendError, match="choose from torch, onnx, tflite, reference, host"):
        in_ladder_order(["torch", name])


@pytest.mark.parametrize(
    ("files", "rungs"),
    [
        (("checkpoint.safetensors", "checkpoint.json"), ("torch",)),
        (("model.onnx", "model.tflite", "detector.safetensors"), ("onnx", "tflite", "reference", "host")),
        (("checkpoint.json", "model.tflite", "detector.safetensors"), ("tflite", "reference", "host")),
    ],
)
def test_a_rung_is_available_when_all_its_files_are(
    tmp_path: Path, files: tuple[str, ...], rungs: tuple[str, ...]
) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert available_rungs(tmp_path) == rungs


@pytest.mark.parametrize(("folder", "said"), [("empty", "holds no model"), ("missing", "is no folder")])
def test_a_directory_without_a_model_names_the_commands_that_make_one(tmp_path: Path, folder: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorkDirectoryError, match=rf"{said}; make one with asd-edge train .* or asd-edge export "):
        available_rungs(tmp_path / folder)


@pytest.mark.parametrize(
    ("rung", "missing", "command"),
    [
        ("torch", "checkpoint.json", "asd-edge train"),
        ("onnx", "model.onnx", "asd-edge export"),
        ("tflite", "model.tflite", "asd-edge export"),
        ("reference", "detector.safetensors", "asd-edge export"),
        ("host", "model.tflite", "asd-edge export"),
    ],
)
def test_a_missing_file_is_named_with_the_command_that_makes_it(
    tmp_path: Path, tiny_work: Path, rung: str, missing: str, command: str
) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    check_files(rung, work)
    (work / missing).unlink()
    with pytest.raises(BackendError, match=rf"{missing}: missing, and rung {rung} needs it; make it with {command}"):
        open_rung(rung, work)


@pytest.mark.parametrize("rung", ["tflite", "reference", "host"])
def test_a_device_side_rung_loads_nothing_that_a_device_lacks(tiny_work: Path, rung: str) -> None:
    program = (
        "import sys; from pathlib import Path; from asd_edge.backends.ladder import open_rung; "
        f"open_rung({rung!r}, Path({str(tiny_work)!r})); "
        f"print(sorted(set({DEVICE_LACKS!r}) & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
