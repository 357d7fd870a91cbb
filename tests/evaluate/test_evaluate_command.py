"""`asd-edge evaluate`: exit codes, one-line errors that leave nothing behind, JSON, and lines that no pipe breaks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_edge.cli import run
from tests.backends.tiny_detector import MACHINES, export_coarsely, machine_sound, write_clips


@pytest.fixture
def work(tmp_path: Path, tiny_work: Path) -> Path:
    return shutil.copytree(tiny_work, tmp_path / "work")


def test_parity_kept_is_exit_code_0(work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(work), "--data", str(tiny_clips), "--backends", "torch,onnx,tflite,reference"]) == 0
    printed = capfd.readouterr().out
    assert printed.splitlines()[-1] == "parity with torch: kept"
    assert "24 of 24" in printed
    assert "ai-edge-litert" in printed
    assert (
        f"{work / 'thresholds.json'}: 4 machine IDs on tflite, reference, from 4 of the 4 validation clips" in printed
    )
    assert "\x1b" not in printed  # no colour into a pipe
    starts = tuple(line.split()[0] for line in printed.splitlines() if " torch " in line)
    assert set(MACHINES) <= set(starts)  # a machine and its first rung share a line


def test_parity_lost_is_exit_code_1_with_the_files_written(
    tmp_path: Path, work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    export_coarsely(work, tiny_clips)
    root = write_clips(tmp_path / "clips", MACHINES[:2], n_train=1, n_test=6, are_faults_audible=False)
    assert run(["evaluate", str(work), "--data", str(root), "--backends", "torch, tflite"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "parity with torch: NOT kept"
    assert json.loads((work / "evaluation.json").read_text())["verdict"]["passed"] is False


def test_json_is_the_whole_output_and_that_of_the_file(
    work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(work), "--data", str(tiny_clips), "--backends", "torch,onnx", "--json", "--sqnr"]
    assert run(arguments) == 0
    printed, stored = json.loads(capfd.readouterr().out), json.loads((work / "evaluation.json").read_text())
    assert {**printed, "date": None} == {**stored, "date": None}
    assert printed["sqnr_clips"] == 8
    assert printed["sqnr_db"]["embedding"] > 10


def _spoil(root: Path, name: str, content: bytes | None = None) -> None:
    path = root / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def _remove_all(root: Path, pattern: str) -> None:
    for path in root.glob(pattern):
        path.unlink()


def _constant(root: Path, name: str, value: float) -> None:
    soundfile.write(root / name, np.full(32_000, value, np.float32), 16_000, subtype="FLOAT")


def _shorten(root: Path, name: str) -> None:
    soundfile.write(root / name, machine_sound(0, False, 1)[:31_000], 16_000)


CLIP = "pump/test/anomaly_id_02_00000001.wav"
BAD_INPUT: dict[str, tuple[Callable[[Path, Path], object], list[str], str]] = {
    "truncated clip": (lambda work, root: _spoil(root, CLIP, (root / CLIP).read_bytes()[:999]), [], CLIP),
    "empty clip": (lambda work, root: _spoil(root, CLIP, b""), [], CLIP),
    "clip of NaN": (lambda work, root: _constant(root, CLIP, np.nan), [], CLIP),
    "short clip": (lambda work, root: _shorten(root, CLIP), [], CLIP),
    "one class only": (
        lambda work, root: _remove_all(root, "fan/test/anomaly_id_00*"),
        [],
        "fan/id_00 has no anomaly test clip",
    ),
    "unknown machine": (
        lambda work, root: (root / CLIP).rename(root / "pump/test/anomaly_id_09_00000001.wav"),
        [],
        "pump/id_09 is not in the checkpoint's label table",
    ),
    "empty data": (lambda work, root: _remove_all(root, "*/*/*.wav"), [], "no clip found"),
    "no data folder": (lambda work, root: shutil.rmtree(root), [], "not a folder"),
    "no tflite": (lambda work, root: _spoil(work, "model.tflite"), ["--backends", "tflite"], "asd-edge export"),
    "no checkpoint": (lambda work, root: _spoil(work, "checkpoint.json"), ["--backends", "torch"], "asd-edge train"),
    "no onnx for sqnr": (
        lambda work, root: _spoil(work, "model.onnx"),
        ["--backends", "tflite", "--sqnr"],
        "model.onnx: missing",
    ),
    "no work directory": (lambda work, root: shutil.rmtree(work), [], "is no folder; make one with"),
    "unknown rung": (lambda work, root: None, ["--backends", "torch,board"], "'board' is no rung"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(
    tmp_path: Path, work: Path, tiny_clips: Path, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    break_it, options, said = BAD_INPUT[case]
    break_it(work, root)
    before = sorted(tmp_path.rglob("*"))
    assert run(["evaluate", str(work), "--data", str(root), *options]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("error: ")
    assert said in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_that_cannot_be_written_is_one_line(
    work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (work / "scores.csv").mkdir()
    assert run(["evaluate", str(work), "--data", str(tiny_clips), "--backends", "torch"]) == 2
    printed = capfd.readouterr()
    assert "scores.csv: can't be written" in printed.err
    assert printed.err.count("\n") == 1
    assert not (work / "evaluation.json").exists()
