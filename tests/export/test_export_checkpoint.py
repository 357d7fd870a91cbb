"""export_checkpoint: what the work directory holds, for the reference architecture, its ablations, the autoencoder."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.errors import CheckpointError, GraphError, WorkDirectoryError
from asd_edge.export import export_checkpoint as module
from asd_edge.export import write_work
from asd_edge.export.calibration_set import load_calibration_set, network_inputs
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, load_detector
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.export.summary_lines import summary_lines
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.model.checkpoint import load_checkpoint, write_checkpoint
from asd_edge.model.config import AUTOENCODER, LOG_MEL, WAVEGRAM, ModelConfig
from asd_edge.model.wavegram import fold_wavegram_fir
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests.backends.tiny_detector import FRONTEND, TINY, tiny_checkpoint
from tests.bit_exact import differing_bytes
from tests.export.conftest import TinyExport

FILES = {
    "checkpoint.safetensors",
    "checkpoint.json",
    "model.onnx",
    "model.tflite",
    "detector.safetensors",
    "export.json",
}


def file_hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_work_directory_holds_every_file_and_nothing_else(tiny_export: TinyExport) -> None:
    assert {path.name for path in tiny_export.work.iterdir()} == FILES
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        assert (tiny_export.work / name).read_bytes() == (tiny_export.checkpoint_folder / name).read_bytes()


def test_record_holds_hashes_of_inputs_and_files(tiny_export: TinyExport) -> None:
    record = json.loads((tiny_export.work / "export.json").read_text())
    hashes = file_hashes(tiny_export.work)
    assert {name: entry["sha256"] for name, entry in record["inputs"].items()} == {
        name: hashes[name] for name in ("checkpoint.safetensors", "checkpoint.json")
    }
    assert {name: entry["sha256"] for name, entry in record["files"].items()} == {
        name: hashes[name] for name in ("model.onnx", "model.tflite", "detector.safetensors")
    }
    assert record["files"]["model.tflite"]["n_bytes"] == (tiny_export.work / "model.tflite").stat().st_size
    calibration = record["calibration"]
    assert (calibration["clips_used"], calibration["clips_available"], calibration["folder"]) == (
        8,
        8,
        tiny_export.data.name,
    )
    for path, sha256 in calibration["samples_sha256"].items():
        assert samples_sha256(read_clip(tiny_export.data / path, FRONTEND.clip_samples)) == sha256
    assert record["versions"]["numpy"] == np.__version__


def test_record_holds_measures_of_every_step(tiny_export: TinyExport) -> None:
    record = tiny_export.record
    assert set(record.checks) == {"onnx_torch", "graph_torch", "graph_torch_distinct_constants"}
    for check in record.checks.values():
        assert 0 < check.max_abs_difference < check.limit == 1e-4
        assert check.output_peak > 0.01
        assert check.n_runs == write_work.N_CHECKED_CLIPS
    graph = read_tflite(tiny_export.work / "model.tflite")
    assert list(record.sqnr_db) == list(graph.activations())
    assert all(value is None or value > 5 for value in record.sqnr_db.values())
    (name,) = record.recipe.concatenation_factors
    assert f"{name}/rescaled" in graph.tensors
    assert record.operators["CONCATENATION"] == 1
    assert sum(record.operators.values()) == len(graph.ops)


def test_record_and_files_tell_nothing_of_the_machine(tiny_export: TinyExport) -> None:
    for name in ("export.json", "model.onnx", "model.tflite", "detector.safetensors"):
        content = (tiny_export.work / name).read_bytes()
        assert str(Path.cwd()).encode() not in content
        assert str(tiny_export.data.parent).encode() not in content


def test_detector_holds_what_turns_the_network_into_scores(tiny_export: TinyExport) -> None:
    detector, checkpoint = load_detector(tiny_export.work / "detector.safetensors"), tiny_export.checkpoint
    assert (detector.kind, detector.frontend, detector.labels, detector.head) == (
        ARCFACE,
        checkpoint.frontend,
        checkpoint.labels,
        checkpoint.head,
    )
    rows = checkpoint.weights["head.weight"].astype(np.float64)
    assert detector.head_rows is not None
    np.testing.assert_allclose(detector.head_rows, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-7)
    assert detector.fir is not None
    np.testing.assert_array_equal(detector.fir.taps, fold_wavegram_fir(checkpoint).taps)
    graph = read_tflite(tiny_export.work / "model.tflite")
    assert set(detector.input_scales) == set(graph.inputs)
    for name, scale in detector.input_scales.items():
        quantization = graph.tensors[name].quantization
        assert quantization is not None
        assert (scale.scale, scale.zero_point) == (float(quantization.scale[0]), int(quantization.zero_point[0]))


def test_second_export_gives_the_same_files(tiny_export: TinyExport, tmp_path: Path) -> None:
    """From the work directory itself, into it, with an old file of another model lying there."""
    work = tmp_path / "work"
    shutil.copytree(tiny_export.work, work)
    (work / "model.tflite").write_bytes(b"old")
    export_checkpoint(work, tiny_export.data, work)
    assert file_hashes(work) == file_hashes(tiny_export.work)


def test_summary_names_files_checks_and_worst_layers(tiny_export: TinyExport) -> None:
    text = "\n".join(summary_lines(tiny_export.record, tiny_export.work))
    assert "8 of the 8 normal clips" in text
    assert f"{(tiny_export.work / 'model.tflite').stat().st_size:,} bytes" in text
    assert "recipe fast: rescale_concatenations, equalize_channels, observe (min_max), correct_biases" in text
    for words in ("ONNX against torch", "other weights", "1 CONCATENATION", "rescaled before concatenation", "SQNR"):
        assert words in text
    assert tiny_export.record.worst_layers(1)[0][0] in text


ABLATIONS = {
    "log-Mel only": replace(TINY, features=LOG_MEL),
    "Wavegram only": replace(TINY, features=WAVEGRAM),
    "no attention": replace(TINY, attention=False),
    "plain convolutions in attention": replace(TINY, separable_attention=False),
    "wider, other embedding": replace(TINY, width=0.25, embedding_size=64),
    "autoencoder": ModelConfig(architecture=AUTOENCODER),
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_other_network_exports_and_its_forms_agree(name: str, tiny_data: Path, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tiny_data, ABLATIONS[name])
    write_checkpoint(checkpoint, tmp_path / "checkpoint")
    work = tmp_path / "work"
    record = export_checkpoint(tmp_path / "checkpoint", tiny_data, work)
    is_autoencoder = checkpoint.model.architecture == AUTOENCODER
    detector, graph = load_detector(work / "detector.safetensors"), read_tflite(work / "model.tflite")
    assert detector.kind == (RECONSTRUCTION if is_autoencoder else ARCFACE)
    assert (detector.fir is None) == (checkpoint.model.features == LOG_MEL or is_autoencoder)
    assert tflite_bytes(graph) == (work / "model.tflite").read_bytes()

    calibration = load_calibration_set(tiny_data, FRONTEND, detector.fir)
    inputs = next(network_inputs(calibration.clips, graph))
    (expected,) = OnnxModel(work / "model.onnx").outputs([inputs])
    codes = quantize_inputs(graph, inputs)
    (output,) = graph.outputs
    quantization = graph.tensors[output].quantization
    assert quantization is not None
    found = (run_int8(graph, codes)[output].reshape(-1) - quantization.zero_point[0]) * quantization.scale[0]
    cosine = float(expected @ found / np.linalg.norm(expected) / np.linalg.norm(found))
    assert cosine > 0.9  # an untrained network; a wrong operator or scale gives far less
    assert not any(differing_bytes(graph, codes).values())
    assert record.operators.get("RESHAPE", 0) == (0 if detector.fir is None else 1)


def test_full_convolution_wavegram_is_refused_by_name(tiny_data: Path, tmp_path: Path) -> None:
    write_checkpoint(tiny_checkpoint(tiny_data, replace(TINY, separable_wavegram=False)), tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match="full-convolution Wavegram"):
        export_checkpoint(tmp_path / "checkpoint", tiny_data, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_another_checkpoint_in_the_work_directory_is_refused(tiny_export: TinyExport, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(tiny_export.work, work)
    other = replace(load_checkpoint(work), training={"epochs": 4})
    write_checkpoint(other, tmp_path / "other")
    before = file_hashes(work)
    with pytest.raises(WorkDirectoryError, match=r"checkpoint\.json: belongs to another checkpoint"):
        export_checkpoint(tmp_path / "other", tiny_export.data, work)
    assert file_hashes(work) == before


@pytest.mark.parametrize("error", [GraphError("onnx_torch: outputs differ by 1"), KeyboardInterrupt()], ids=repr)
def test_failure_leaves_the_work_directory_as_it_was(
    error: BaseException, tiny_export: TinyExport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(checkpoint: object, calibration: object, staging: Path) -> None:
        (staging / "model.onnx").write_bytes(b"half a model")
        raise error

    monkeypatch.setattr(module, "_checked_graph", fail)
    work = tmp_path / "work"
    shutil.copytree(tiny_export.work, work)
    before = file_hashes(work)
    with pytest.raises(type(error)):
        export_checkpoint(work, tiny_export.data, work)
    assert file_hashes(work) == before
    with pytest.raises(type(error)):
        export_checkpoint(work, tiny_export.data, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_one_calibration_clip_is_enough(tiny_export: TinyExport, tmp_path: Path) -> None:
    clip = next((tiny_export.data / "fan/train").iterdir())
    (tmp_path / "clips").mkdir()
    shutil.copy(clip, tmp_path / "clips" / "one.wav")
    progress: list[tuple[int, int]] = []
    record = export_checkpoint(
        tiny_export.checkpoint_folder,
        tmp_path / "clips",
        tmp_path / "work",
        lambda done, total: progress.append((done, total)),
    )
    assert (record.calibration.clips_used, record.checks["graph_torch"].n_runs) == (1, 1)
    assert progress[0] == (1, 2), "reading is the first half"
    parts = [done / total for done, total in progress]
    assert parts == sorted(parts)
    assert parts[-1] == 1
