"""`asd-edge export` as a user meets it: what it prints, and one line with exit code 2 for every bad input."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import soundfile

from asd_edge.cli import run
from asd_edge.model.checkpoint import write_checkpoint
from tests.backends.tiny_detector import FRONTEND, TINY, tiny_checkpoint
from tests.export.conftest import TinyExport
from tests.graph.onnx_files import write_onnx

Arguments = list[str | Path]


def call(arguments: Arguments) -> int:
    return run(["export", *(str(argument) for argument in arguments)])


def test_export_prints_its_summary_and_json_is_the_record(
    tiny_export: TinyExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_export.work, tmp_path / "work")
    arguments: Arguments = [
        "--checkpoint",
        tmp_path / "work",
        "--calibration",
        tiny_export.data,
        "-o",
        tmp_path / "work",
    ]
    assert call(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "8 of the 8 normal clips" in printed.out
    assert "ONNX against torch: outputs differ by at most" in printed.out

    source = tiny_export.work / "model.onnx"
    detector = tiny_export.work / "detector.safetensors"
    own: Arguments = ["--onnx", source, "--detector", detector, "--calibration", tiny_export.data, "--json"]
    assert call([*own, "-o", tmp_path / "own"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "own" / "export.json").read_text())


def test_a_recipe_and_the_number_of_clips_are_recorded_with_what_each_step_did(
    tiny_export: TinyExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("extends: fast\nheld_back_clips: 2")
    arguments = [*tiny_arguments(tiny_export, tmp_path), "--recipe", tmp_path / "own.yaml", "--calibration-clips", "5"]
    assert call(arguments) == 0
    printed = capsys.readouterr().out
    record = json.loads((tmp_path / "work" / "export.json").read_text())
    assert "5 of the 8 normal clips" in printed
    assert "recipe own, judged by 1 - cosine of the output on 2 other normal clips:" in printed
    assert (record["calibration"]["clips_used"], len(record["calibration"]["held_back_sha256"])) == (5, 2)
    steps = record["recipe"]["steps"]
    assert [step["name"] for step in steps] == [
        "rescale_concatenations",
        "equalize_channels",
        "observe",
        "correct_biases",
    ]
    assert steps[2]["settings"]["method"] == "min_max"
    for step in steps:
        assert step["kept"] == (step["error_after"]["mean"] <= step["error_before"]["mean"])
        assert f"{step['error_before']['mean']:.2e}" in printed
        assert f"{step['error_after']['mean']:.2e}" in printed


@pytest.mark.parametrize("source", ["checkpoint", "onnx"])
def test_a_recipe_that_asks_the_output_is_judged_by_clips_at_several_levels(
    source: str, tiny_export: TinyExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, Arguments] = {
        "checkpoint": ["--checkpoint", tiny_export.work],
        "onnx": ["--onnx", tiny_export.work / "model.onnx", "--detector", tiny_export.work / "detector.safetensors"],
    }
    errors = []
    for change_db in (6, 0):
        step = f"observe: {{method: output, n_clips: 3, level_change_db: {change_db}}}"
        (tmp_path / "own.yaml").write_text(f"held_back_clips: 2\nsteps: [{{{step}}}]")
        work = tmp_path / f"work{change_db}"
        options: Arguments = ["--calibration", tiny_export.data, "--recipe", tmp_path / "own.yaml", "-o", work]
        assert call([*files[source], *options]) == 0
        printed = capsys.readouterr().out
        levels = ", in turn as they are, 6 dB quieter and up to 6 dB louder" if change_db else ""
        assert f"of the output on 2 other normal clips{levels}:" in printed
        (observe,) = json.loads((work / "export.json").read_text())["recipe"]["steps"]
        assert observe["settings"]["level_change_db"] == change_db
        errors.append(observe["error_before"]["mean"])
    assert errors[0] != errors[1], "the second of the held-back clips is quieter"


def silence(example: TinyExport, folder: Path) -> Arguments:
    (folder / "silent").mkdir()
    samples = np.zeros(FRONTEND.clip_samples, np.int16)
    soundfile.write(folder / "silent" / "a.wav", samples, 16_000, subtype="PCM_16")
    return ["--checkpoint", example.checkpoint_folder, "--calibration", folder / "silent", "-o", folder / "work"]


def flat_folder_with_an_anomaly(example: TinyExport, folder: Path) -> Arguments:
    shutil.copytree(example.data / "fan/test", folder / "flat")
    return ["--checkpoint", example.checkpoint_folder, "--calibration", folder / "flat", "-o", folder / "work"]


def missing_folder(example: TinyExport, folder: Path) -> Arguments:
    return ["--checkpoint", example.checkpoint_folder, "--calibration", folder / "nowhere", "-o", folder / "work"]


def empty_folder(example: TinyExport, folder: Path) -> Arguments:
    (folder / "empty").mkdir()
    return ["--checkpoint", example.checkpoint_folder, "--calibration", folder / "empty", "-o", folder / "work"]


def truncated_clip(example: TinyExport, folder: Path) -> Arguments:
    shutil.copytree(example.data / "fan/train", folder / "clips")
    clip = min((folder / "clips").iterdir())
    clip.write_bytes(clip.read_bytes()[:-1000])
    return ["--checkpoint", example.checkpoint_folder, "--calibration", folder / "clips", "-o", folder / "work"]


def missing_checkpoint(example: TinyExport, folder: Path) -> Arguments:
    return ["--checkpoint", folder / "nowhere", "--calibration", example.data, "-o", folder / "work"]


def checkpoint_of_another_shape(example: TinyExport, folder: Path) -> Arguments:
    weights = dict(example.checkpoint.weights)
    weights["classifier.conv1.conv.weight"] = weights["classifier.conv1.conv.weight"][:, :1]
    write_checkpoint(replace(example.checkpoint, weights=weights), folder / "narrow")
    return ["--checkpoint", folder / "narrow", "--calibration", example.data, "-o", folder / "work"]


def damaged_checkpoint(example: TinyExport, folder: Path) -> Arguments:
    shutil.copytree(example.checkpoint_folder, folder / "damaged")
    path = folder / "damaged" / "checkpoint.safetensors"
    tensors = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save({name: tensor + 1 for name, tensor in tensors.items()}))
    return ["--checkpoint", folder / "damaged", "--calibration", example.data, "-o", folder / "work"]


def full_convolution_wavegram(example: TinyExport, folder: Path) -> Arguments:
    write_checkpoint(tiny_checkpoint(example.data, replace(TINY, separable_wavegram=False)), folder / "full")
    return ["--checkpoint", folder / "full", "--calibration", example.data, "-o", folder / "work"]


def output_is_a_file(example: TinyExport, folder: Path) -> Arguments:
    (folder / "file").write_text("a file")
    return ["--checkpoint", example.checkpoint_folder, "--calibration", example.data, "-o", folder / "file"]


def unknown_operator(example: TinyExport, folder: Path) -> Arguments:
    source = write_onnx(folder / "a.onnx", ["y = Erf(log_mel)"], {"log_mel": (1, 1, 128, 313)}, {})
    return ["--onnx", source, "--calibration", example.data, "-o", folder / "work"]


def no_onnx_file(example: TinyExport, folder: Path) -> Arguments:
    return ["--onnx", folder / "nowhere.onnx", "--calibration", example.data, "-o", folder / "work"]


def two_networks(example: TinyExport, folder: Path) -> Arguments:
    networks: Arguments = ["--onnx", folder / "a.onnx", "--checkpoint", example.checkpoint_folder]
    return [*networks, "--calibration", example.data, "-o", folder / "work"]


def detector_without_onnx(example: TinyExport, folder: Path) -> Arguments:
    return ["--detector", folder / "a", "--calibration", example.data, "-o", folder / "work"]


def no_calibration(example: TinyExport, folder: Path) -> Arguments:
    return ["--checkpoint", example.checkpoint_folder, "-o", folder / "work"]


def tiny_arguments(example: TinyExport, folder: Path) -> Arguments:
    return ["--checkpoint", example.checkpoint_folder, "--calibration", example.data, "-o", folder / "work"]


def unknown_recipe(example: TinyExport, folder: Path) -> Arguments:
    return [*tiny_arguments(example, folder), "--recipe", "bset"]


def unknown_step(example: TinyExport, folder: Path) -> Arguments:
    (folder / "own.yaml").write_text("steps: [equalise_layers, observe]")
    return [*tiny_arguments(example, folder), "--recipe", folder / "own.yaml"]


def no_calibration_clips(example: TinyExport, folder: Path) -> Arguments:
    return [*tiny_arguments(example, folder), "--calibration-clips", "0"]


BAD_INPUT: dict[Callable[[TinyExport, Path], Arguments], tuple[str, ...]] = {
    silence: ("silent: silence", "calibrate with recordings"),
    flat_folder_with_an_anomaly: ("anomaly_id_00_00000000.wav: named an anomaly", "normal clips only"),
    missing_folder: ("nowhere: not a folder",),
    empty_folder: ("empty: no normal clip",),
    truncated_clip: (".wav: ", "copy or record it again"),
    missing_checkpoint: ("nowhere: is no checkpoint",),
    checkpoint_of_another_shape: ("classifier.conv1.conv.weight is (8, 1, 3, 3), expected (8, 2, 3, 3)",),
    damaged_checkpoint: ("SHA-256 differs",),
    full_convolution_wavegram: ("full-convolution Wavegram",),
    output_is_a_file: ("file: can't be written", "choose a writable output"),
    unknown_operator: ("operator Erf is not supported", "replace it"),
    no_onnx_file: ("nowhere.onnx: not a readable ONNX file",),
    two_networks: ("name two networks",),
    detector_without_onnx: ("--detector goes with --onnx",),
    unknown_recipe: ("'bset' is no recipe: did you mean best", "choose best, "),
    unknown_step: ("'equalise_layers' is no step: did you mean equalize_layers",),
    no_calibration_clips: ("--calibration-clips", "greater than or equal to 1"),
    no_calibration: ("--calibration", "asd-edge export --help"),
}


@pytest.mark.parametrize("make", BAD_INPUT, ids=lambda make: make.__name__)
def test_bad_input_gives_one_line_and_leaves_nothing(
    make: Callable[[TinyExport, Path], Arguments],
    tiny_export: TinyExport,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = make(tiny_export, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert call(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    for words in BAD_INPUT[make]:
        assert words in printed.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("permissions")
def test_output_without_permission_is_refused_before_any_work(
    tiny_export: TinyExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    checkpoint, data = tiny_export.checkpoint_folder, tiny_export.data
    assert call(["--checkpoint", checkpoint, "--calibration", data, "-o", tmp_path / "work"]) == 2
    assert "Permission denied" in capsys.readouterr().err
