"""export_onnx_file: a user's own network becomes int8 without torch; what it lacks or can't be is said by name."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from asd_edge.errors import CheckpointError, GraphError, UnsupportedOperatorError, WorkDirectoryError
from asd_edge.export import export_onnx_file as module
from asd_edge.export.calibration_set import load_calibration_set, network_inputs
from asd_edge.export.detector import RECONSTRUCTION, Detector, load_detector, write_detector
from asd_edge.export.export_onnx_file import export_onnx_file
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.export.write_work import graph_outputs
from asd_edge.frontend.config import FrontendConfig
from asd_edge.graph.graph import Graph
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests.backends.tiny_detector import FRONTEND, TINY
from tests.bit_exact import differing_bytes
from tests.export.conftest import TinyExport
from tests.graph.onnx_files import Constants, write_onnx

MAP_NODES = [
    "a = Conv<strides=[2, 2], pads=[1, 1, 1, 1]>(log_mel, w1, b1)",
    "b = PRelu(a, slope)",
    "c = Conv<group=6, pads=[1, 1, 1, 1]>(b, w2)",
    "d = BatchNormalization(c, gamma, beta, mean, var)",
    "e = Relu(d)",
    "f = GlobalAveragePool(e)",
    "g = Flatten(f)",
    "y = Gemm<transB=1>(g, w3, b3)",
]


def map_constants(n_outputs: int = 7) -> Constants:
    rng = np.random.default_rng(2)

    def normal(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return rng.normal(0, math.prod(shape[1:]) ** -0.5, shape).astype(np.float32)

    return {
        "w1": normal(6, 1, 3, 3) / 40,
        "b1": normal(6),
        "slope": rng.uniform(0.1, 0.4, (6, 1, 1)).astype(np.float32),
        "w2": normal(6, 1, 3, 3),
        "gamma": rng.uniform(0.5, 1.5, 6).astype(np.float32),
        "beta": normal(6),
        "mean": normal(6),
        "var": rng.uniform(0.5, 1.5, 6).astype(np.float32),
        "w3": normal(n_outputs, 6),
        "b3": normal(n_outputs),
    }


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three ten-second clips of noise, for the default front end."""
    folder = tmp_path_factory.mktemp("clips")
    for seed in range(3):
        samples = np.random.default_rng(seed).normal(0, 300 * (1 + seed), FrontendConfig().clip_samples)
        soundfile.write(folder / f"{seed}.wav", samples.astype(np.int16), 16_000, subtype="PCM_16")
    return folder


def cosine_to_onnx(work: Path, graph: Graph, clips: Path, frontend: FrontendConfig) -> float:
    """How well the int8 graph's output of one clip agrees with the ONNX file's; it also equals LiteRT's bit for bit."""
    calibration = load_calibration_set(clips, frontend, None)
    inputs = next(network_inputs(calibration.clips, graph))
    (expected,) = OnnxModel(work / "model.onnx").outputs([inputs])
    codes = quantize_inputs(graph, inputs)
    assert not any(differing_bytes(graph, codes).values())
    (output,) = graph.outputs
    quantization = graph.tensors[output].quantization
    assert quantization is not None
    found = (run_int8(graph, codes)[output].reshape(-1) - quantization.zero_point[0]) * quantization.scale[0]
    return float(expected @ found / np.linalg.norm(expected) / np.linalg.norm(found))


@pytest.mark.parametrize("shape", [(1, 1, 128, 313), (1, 1, 313, 128)], ids=["time last", "mel last"])
def test_own_network_becomes_int8_without_a_detector(shape: tuple[int, ...], clips: Path, tmp_path: Path) -> None:
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": shape}, map_constants())
    work = tmp_path / "work"
    record = export_onnx_file(source, None, clips, work)
    assert {path.name for path in work.iterdir()} == {"model.onnx", "model.tflite", "export.json"}
    assert record.kind is None
    assert set(record.checks) == {"graph_onnx", "graph_onnx_distinct_constants"}
    assert all(check.max_abs_difference < check.limit for check in record.checks.values())
    assert list(json.loads((work / "export.json").read_text())["inputs"]) == ["mine.onnx"]
    graph = read_tflite(work / "model.tflite")
    assert graph.tensors["log_mel"].shape == (1, 313, 128, 1)
    assert cosine_to_onnx(work, graph, clips, FrontendConfig()) > 0.98


def test_network_of_vectors_runs_once_per_vector(clips: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    constants: Constants = {
        "w1": rng.normal(0, 0.02, (640, 16)).astype(np.float32),
        "w2": rng.normal(0, 0.2, (16, 640)).astype(np.float32),
        "b": rng.normal(0, 1, 640).astype(np.float32),
    }
    nodes = ["a = MatMul(log_mel, w1)", "c = Relu(a)", "d = MatMul(c, w2)", "y = Add(d, b)"]
    source = write_onnx(tmp_path / "mine.onnx", nodes, {"log_mel": (1, 640)}, constants)
    record = export_onnx_file(source, None, clips, tmp_path / "work")
    assert record.checks["graph_onnx"].n_runs > 3
    graph = read_tflite(tmp_path / "work" / "model.tflite")
    assert graph.tensors["log_mel"].shape == (1, 1, 1, 640)
    assert cosine_to_onnx(tmp_path / "work", graph, clips, FrontendConfig()) > 0.98


def test_weights_kept_beside_the_file_come_along(clips: Path, tmp_path: Path) -> None:
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": (1, 1, 128, 313)}, map_constants())
    whole = onnx.load(source)
    onnx.save(whole, source, save_as_external_data=True, location="mine.data", size_threshold=0)
    assert (tmp_path / "mine.data").exists()
    export_onnx_file(source, None, clips, tmp_path / "work")
    assert len(OnnxModel(tmp_path / "work" / "model.onnx").outputs([])) == 0
    assert (tmp_path / "work" / "model.onnx").stat().st_size > (tmp_path / "mine.data").stat().st_size


def test_given_detector_is_kept_but_for_its_scales(tiny_export: TinyExport, tmp_path: Path) -> None:
    """The exported model.onnx itself, calibrated again with other clips."""
    louder = tmp_path / "louder"
    louder.mkdir()
    for path in (tiny_export.data / "fan/train").iterdir():
        samples, rate = soundfile.read(path, dtype="int16")
        soundfile.write(louder / path.name, samples * 4, rate, subtype="PCM_16")
    work, given = tmp_path / "work", tiny_export.work / "detector.safetensors"
    record = export_onnx_file(tiny_export.work / "model.onnx", given, louder, work)
    before, after = load_detector(given), load_detector(work / "detector.safetensors")
    assert record.kind == before.kind
    assert (after.labels, after.head, after.frontend) == (before.labels, before.head, before.frontend)
    np.testing.assert_array_equal(after.head_rows, before.head_rows)
    assert after.fir is not None
    assert before.fir is not None
    np.testing.assert_array_equal(after.fir.taps, before.fir.taps)
    assert after.input_scales["wavegram_fir"].scale > 2 * before.input_scales["wavegram_fir"].scale
    assert {"model.onnx", "model.tflite", "detector.safetensors", "export.json"} == {p.name for p in work.iterdir()}


def test_detector_of_an_earlier_export_does_not_stay_beside_a_network_without_one(clips: Path, tmp_path: Path) -> None:
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": (1, 1, 128, 313)}, map_constants())
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "detector.safetensors").write_bytes(b"of another network")
    export_onnx_file(source, None, clips, tmp_path / "work")
    assert not (tmp_path / "work" / "detector.safetensors").exists()


def test_unknown_operator_is_refused_with_node_and_way_out(clips: Path, tmp_path: Path) -> None:
    nodes = [*MAP_NODES[:-1], "h = Gemm<transB=1>(g, w3, b3)", "y = Erf(h)"]
    source = write_onnx(tmp_path / "mine.onnx", nodes, {"log_mel": (1, 1, 128, 313)}, map_constants())
    with pytest.raises(UnsupportedOperatorError, match=r"mine\.onnx: .*'y'.* operator Erf is not supported; replace"):
        export_onnx_file(source, None, clips, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_wavegram_needs_a_detector_with_its_fir(tiny_export: TinyExport, tmp_path: Path) -> None:
    nodes = ["a = Conv(wavegram_fir, w)", "b = GlobalAveragePool(a)", "y = Flatten(b)"]
    shapes = {"log_mel": (1, 1, 128, 313), "wavegram_fir": (1, 1, 1, 313)}
    source = write_onnx(tmp_path / "mine.onnx", nodes, shapes, {"w": np.ones((2, 1, 1, 1), np.float32)})
    with pytest.raises(GraphError, match=r"reads wavegram_fir.*--detector"):
        export_onnx_file(source, None, tiny_export.data, tmp_path / "work")


def test_detector_of_another_network_is_refused(tiny_export: TinyExport, tmp_path: Path) -> None:
    shape = (1, 1, FRONTEND.n_mels, FRONTEND.n_frames)
    given = tiny_export.work / "detector.safetensors"
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": shape}, map_constants(n_outputs=7))
    with pytest.raises(GraphError, match=f"output y has 7 values, the detector wants {TINY.embedding_size}"):
        export_onnx_file(source, given, tiny_export.data, tmp_path / "work")
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": shape}, map_constants(TINY.embedding_size))
    with pytest.raises(GraphError, match="inputs are log_mel, but the detector has a Wavegram FIR"):
        export_onnx_file(source, given, tiny_export.data, tmp_path / "work")
    broken = tmp_path / "detector.safetensors"
    broken.write_bytes(given.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        export_onnx_file(source, broken, tiny_export.data, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_reconstruction_detector_wants_the_vector_back(tiny_export: TinyExport, tmp_path: Path) -> None:
    known = load_detector(tiny_export.work / "detector.safetensors")
    given = tmp_path / "detector.safetensors"
    write_detector(Detector(RECONSTRUCTION, known.frontend, known.labels, known.head, None, None, {}), given)
    vector_size = 5 * FRONTEND.n_mels
    rng = np.random.default_rng(0)
    for n_outputs in (vector_size, vector_size - 1):
        constants: Constants = {"w": rng.normal(0, 0.1, (vector_size, n_outputs)).astype(np.float32)}
        source = write_onnx(tmp_path / "a.onnx", ["y = MatMul(log_mel, w)"], {"log_mel": (1, vector_size)}, constants)
        if n_outputs == vector_size:
            assert export_onnx_file(source, given, tiny_export.data, tmp_path / "work").kind == RECONSTRUCTION
        else:
            with pytest.raises(GraphError, match="output y has 159 values, the detector wants 160"):
                export_onnx_file(source, given, tiny_export.data, tmp_path / "work2")


def test_checkpoint_in_the_work_directory_is_not_left_beside_another_network(
    tiny_export: TinyExport, clips: Path, tmp_path: Path
) -> None:
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": (1, 1, 128, 313)}, map_constants())
    work = tmp_path / "work"
    shutil.copytree(tiny_export.work, work)
    with pytest.raises(WorkDirectoryError, match=r"checkpoint\.safetensors: belongs to another network than mine"):
        export_onnx_file(source, None, clips, work)


def test_float_graph_that_differs_from_onnx_is_refused(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_onnx(tmp_path / "mine.onnx", MAP_NODES, {"log_mel": (1, 1, 128, 313)}, map_constants())
    wrong = lambda graph, runs: [output * 1.01 for output in graph_outputs(graph, runs)]  # noqa: E731
    monkeypatch.setattr(module, "graph_outputs", wrong)
    with pytest.raises(GraphError, match="graph_onnx: outputs differ"):
        export_onnx_file(source, None, clips, tmp_path / "work")
    assert not (tmp_path / "work").exists()
