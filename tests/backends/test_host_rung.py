"""Rung host, the firmware's C from samples to score, against rung reference: the same codes and the same score."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends import host_rung
from asd_edge.backends.clip_features import clip_features
from asd_edge.backends.host_rung import IMAGE_FILE, generic_image
from asd_edge.backends.ladder import open_rung
from asd_edge.backends.rung import Clip
from asd_edge.clip.label_table import LabelTable
from asd_edge.compiler.compile_network import compile_work
from asd_edge.compiler.image_records import HEADER
from asd_edge.compiler.kernel_choice import Core
from asd_edge.errors import ClipError, CompilerError, DatasetError
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector, InputScale, load_detector, write_detector
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.wavegram_fir import FirTaps
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.config import HeadConfig
from asd_edge.native import is_built
from asd_edge.native_engine import load_model
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from quantization.calibrate import calibrate
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from tests.compiler.test_image import with_right_checksum
from tests.graph.small_graphs import GraphBuilder

pytestmark = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")
CONFIG = FrontendConfig(clip_samples=16_384)
MACHINES = LabelTable(("fan/id_00", "fan/id_02", "pump/id_00"))
SAME = Padding(1, 1, 1, 1)
N_FRAMES, EMBEDDING_SIZE = 33, 12


def quantized(graph: Graph) -> Graph:
    """Calibrated on values as a front end gives them: dB, and FIR sums behind a ReLU."""
    rng = np.random.default_rng(2)
    passed = run_float_passes(graph)
    runs = []
    for _ in range(3):
        shapes = {name: passed.tensors[name].shape for name in passed.inputs}
        values = {"log_mel": rng.normal(-25, 15, shapes["log_mel"])}
        if "wavegram_fir" in shapes:
            values["wavegram_fir"] = np.abs(rng.normal(0, 2, shapes["wavegram_fir"]))
        runs.append({name: value.astype(np.float32) for name, value in values.items()})
    return quantize_graph(passed, ranges_of(calibrate(passed, runs, len(runs))))


def embedding_graph() -> Graph:
    builder = GraphBuilder(np.random.default_rng(3), log_mel=(1, N_FRAMES, 128, 1), wavegram_fir=(1, N_FRAMES, 1, 1))
    x = builder.prelu(builder.conv("log_mel", 6, (3, 3), (2, 2), SAME))
    x = builder.prelu(builder.depthwise(x, (3, 3), (1, 2), SAME))
    x = builder.conv(x, 8, (1, 32), activation=Activation.RELU)
    y = builder.conv("wavegram_fir", 8, (3, 1), (2, 1), Padding(1, 1), Activation.RELU6)
    x = builder.add(x, y)
    return quantized(builder.graph(builder.conv(x, EMBEDDING_SIZE, (builder.shape(x)[1], 1))))


def autoencoder_graph() -> Graph:
    builder = GraphBuilder(np.random.default_rng(4), log_mel=(1, 1, 1, 640))
    x = builder.conv("log_mel", 8, activation=Activation.RELU)
    return quantized(builder.graph(builder.conv(x, 640)))


def write_work(work: Path, graph: Graph, kind: str) -> Detector:
    """model.tflite and detector.safetensors."""
    scales = {}
    for name in graph.inputs:
        quantization = graph.tensors[name].quantization
        assert quantization is not None
        scales[name] = InputScale(float(quantization.scale[0]), int(quantization.zero_point[0]))
    rows = np.random.default_rng(5).normal(size=(3, EMBEDDING_SIZE))
    detector = Detector(
        kind,
        CONFIG,
        MACHINES,
        HeadConfig(),
        (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32) if kind == ARCFACE else None,
        FirTaps(np.random.default_rng(6).normal(0, 0.4, 1024), 0.2) if kind == ARCFACE else None,
        scales,
    )
    (work / "model.tflite").write_bytes(tflite_bytes(graph))
    write_detector(detector, work / "detector.safetensors")
    return detector


def clips(detector: Detector, n: int = 4) -> list[Clip]:
    rng = np.random.default_rng(7)
    found = []
    for index in range(n):
        samples = rng.normal(0, 10 ** rng.uniform(1, 3.7), CONFIG.clip_samples).astype(np.int16)
        found.append(Clip(samples, MACHINES.machines[index % 3], clip_features(samples, detector)))
    return found


@pytest.mark.parametrize("frontend", ["fixed", "float"])
@pytest.mark.parametrize(("kind", "graph"), [(ARCFACE, embedding_graph), (RECONSTRUCTION, autoencoder_graph)])
def test_host_gives_the_codes_and_the_score_of_the_reference(
    kind: str, graph: Callable[[], Graph], frontend: str, tmp_path: Path
) -> None:
    detector = write_work(tmp_path, graph(), kind)
    reference, host = (open_rung(name, tmp_path, frontend) for name in ("reference", "host"))
    scores = set()
    for clip in clips(detector):
        expected, found = reference.score(clip), host.score(clip)
        assert expected.codes is not None
        assert found.codes is not None
        np.testing.assert_array_equal(found.codes, expected.codes)
        np.testing.assert_array_equal(found.output, expected.output)
        assert (found.score, found.cross_entropy) == (expected.score, expected.cross_entropy)
        scores.add(found.score)
    assert len(scores) == 4


def test_scores_in_integers_are_near_the_float_formula_on_the_same_codes(tmp_path: Path) -> None:
    detector = write_work(tmp_path, embedding_graph(), ARCFACE)
    assert detector.head_rows is not None
    host = open_rung("host", tmp_path, "fixed")
    for clip in clips(detector):
        found, head = host.score(clip), detector.head
        class_index = MACHINES.index(clip.machine)
        exact = arcface_log_odds(found.output, detector.head_rows, class_index, head.scale, head.margin)
        assert found.score != exact
        assert abs(found.score - exact) < 0.02


def test_an_image_of_these_very_files_is_taken_and_another_is_not(tmp_path: Path) -> None:
    write_work(tmp_path, embedding_graph(), ARCFACE)
    compiled = compile_work(tmp_path, Core.GENERIC).content
    (tmp_path / IMAGE_FILE).write_bytes(with_name(compiled, b"other name"))
    assert generic_image(tmp_path) == with_name(compiled, b"other name")  # what else would compile as the same
    sliding = compile_work(tmp_path, Core.GENERIC, is_endless=True).content
    for unfit in (b"", b"no image", compiled[:-1], sliding, with_arena(compiled, 0xFFFFFFF0)):
        (tmp_path / IMAGE_FILE).write_bytes(unfit)
        assert generic_image(tmp_path) == compiled


def test_a_name_that_is_no_utf_8_is_harmless(tmp_path: Path) -> None:
    write_work(tmp_path, embedding_graph(), ARCFACE)
    strange = with_name(compile_work(tmp_path, Core.GENERIC).content, b"\xff\xfe\x80")
    assert load_model(strange).tensors[0].name.startswith("\ufffd\ufffd\ufffd")
    (tmp_path / IMAGE_FILE).write_bytes(strange)
    assert len(open_rung("host", tmp_path).score(clips(load_detector(tmp_path / "detector.safetensors"))[0]).output)


def test_a_compiled_image_is_kept_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_work(tmp_path, embedding_graph(), ARCFACE)
    compiled = generic_image(tmp_path)
    assert (tmp_path / IMAGE_FILE).read_bytes() == compiled
    monkeypatch.delattr(host_rung, "compile_work")
    assert generic_image(tmp_path) == compiled


def test_a_work_directory_that_cant_be_written_is_scored_all_the_same(tmp_path: Path) -> None:
    write_work(tmp_path, embedding_graph(), ARCFACE)
    (tmp_path / IMAGE_FILE / "in the way").mkdir(parents=True)
    assert load_model(generic_image(tmp_path)).has_detector


def with_name(image: bytes, start: bytes) -> bytes:
    """The image with another beginning of its first tensor's name."""
    content = bytearray(image)
    offset = int(np.frombuffer(image, HEADER, 1)["names_offset"][0])
    length = image.index(b"\0", offset) - offset
    content[offset : offset + length] = start[:length].ljust(length, b"x")
    return with_right_checksum(content)


def with_arena(image: bytes, n_bytes: int) -> bytes:
    header = np.frombuffer(image, HEADER, 1).copy()
    header["arena_bytes"] = n_bytes
    return with_right_checksum(bytearray(header.tobytes() + image[HEADER.itemsize :]))


def test_a_reconstruction_never_slides(tmp_path: Path) -> None:
    write_work(tmp_path, autoencoder_graph(), RECONSTRUCTION)
    with pytest.raises(CompilerError, match=r"reconstruction .*windows"):
        compile_work(tmp_path, Core.GENERIC, is_endless=True)


@pytest.mark.parametrize("n_more", [-512, 512])
def test_an_embedding_needs_a_window_as_long_as_a_clip(n_more: int, tmp_path: Path) -> None:
    detector = write_work(tmp_path, embedding_graph(), ARCFACE)
    longer = replace(CONFIG, clip_samples=CONFIG.clip_samples + n_more)
    write_detector(replace(detector, frontend=longer), tmp_path / "detector.safetensors")
    with pytest.raises(CompilerError, match=f"33 columns, .* {33 + n_more // 512}"):
        compile_work(tmp_path, Core.GENERIC)


def test_a_clip_of_another_length_is_refused(tmp_path: Path) -> None:
    detector = write_work(tmp_path, embedding_graph(), ARCFACE)
    (clip, *_) = clips(detector, 1)
    host = open_rung("host", tmp_path)
    with pytest.raises(ClipError, match="give 0 scores, not one"):
        host.score(replace(clip, samples=clip.samples[:-1]))
    with pytest.raises(DatasetError, match="valve"):
        host.score(replace(clip, machine="valve/id_00"))
