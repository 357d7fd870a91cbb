"""An endless image gives a score every 16 frames: those of the whole-tensor network over the longer sound."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.emulate_board import SCORE_CLIPS, build_firmware, missing_programs, score_on_board
from asd_edge.backends.emulator_rung import core_of
from asd_edge.backends.network_inputs import FIXED, code_inputs
from asd_edge.backends.rung import Clip
from asd_edge.backends.score_records import ClipToRun
from asd_edge.clip.read_clip import read_clip
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.export.detector import load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.native_engine import score_samples
from asd_edge.scorer.fixed_head import fixed_head
from asd_edge.scorer.fixed_log_odds import fixed_log_odds
from quantization.interpret_int8 import run_int8
from tests.boards.board_programs import WorkImages
from tests.compiler.lengthened import lengthened

FRAMES_PER_SCORE, N_FRAMES = 16, 313  # of a window
N_MORE = 8  # windows behind the first
FRAMES_AHEAD = 39  # behind a window's last one, that layers look at


@pytest.fixture(scope="module")
def sound(tiny_synthetic: Path) -> np.ndarray:
    clips = [read_clip(path) for path in sorted((tiny_synthetic / "fan/test").glob("*.wav"))[:2]]
    n_frames = N_FRAMES + FRAMES_PER_SCORE * N_MORE
    return np.concatenate(clips)[: 512 * n_frames]


@pytest.fixture(scope="module")
def expected(narrow_images: WorkImages, sound: np.ndarray) -> np.ndarray:
    """(n_windows, embedding_size) int8 of the network over all frames; the last ones see padding behind the end."""
    from dataclasses import replace

    detector = load_detector(narrow_images.work / "detector.safetensors")
    longer = replace(detector, frontend=replace(detector.frontend, clip_samples=sound.size))
    inputs = code_inputs(Clip(sound, detector.labels.machines[0], {}), longer, FIXED)
    n_frames = N_FRAMES + FRAMES_PER_SCORE * N_MORE
    (run,) = network_runs({name: values[:, :n_frames] for name, values in inputs.items()})
    graph = read_tflite(narrow_images.work / "model.tflite")
    return run_int8(lengthened(graph, n_frames), run)[graph.outputs[0]].reshape(N_MORE + 1, -1)


def test_sliding_embeddings_are_those_of_the_longer_network(
    narrow_images: WorkImages, sound: np.ndarray, expected: np.ndarray
) -> None:
    image = compile_work(narrow_images.work, core_named("generic"), is_endless=True)
    scores, embeddings = score_samples(image.content, sound, 1)
    assert len(scores) == len(embeddings) >= N_MORE - 4
    assert len(scores) <= N_MORE + 1 - FRAMES_AHEAD // FRAMES_PER_SCORE
    np.testing.assert_array_equal(embeddings.reshape(len(scores), -1), expected[: len(scores)])
    graph, detector = image.plan.graph, load_detector(narrow_images.work / "detector.safetensors")
    assert detector.head_rows is not None
    zero_point = graph.tensors[graph.output].zero_point
    head = fixed_head(detector.head_rows, detector.head.scale, detector.head.margin, zero_point)
    assert scores == [fixed_log_odds(codes, head, 1) for codes in expected[: len(scores)]]


@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
def test_boards_slide_too(board: str, narrow_images: WorkImages, sound: np.ndarray, expected: np.ndarray) -> None:
    if (reason := missing_programs(board)) is not None:
        pytest.skip(reason)
    image = compile_work(narrow_images.work, core_named(core_of(board)), is_endless=True)
    path = narrow_images.folder / f"sliding-{board}.asdm"
    path.write_bytes(image.content)
    program = build_firmware(board, narrow_images.folder / board) / SCORE_CLIPS
    (run,) = score_on_board(board, program, path, [ClipToRun(sound, 1)]).clips
    assert len(run.scores_q16) >= N_MORE - 4
    np.testing.assert_array_equal(run.outputs, expected[: len(run.outputs)])


def test_a_window_and_the_sliding_one_over_the_same_frames_differ_by_the_padding_alone(
    narrow_images: WorkImages, sound: np.ndarray, expected: np.ndarray
) -> None:
    """Where the sound before and behind a window is what padding is, both are the same; here it isn't."""
    graph = read_tflite(narrow_images.work / "model.tflite")
    detector = load_detector(narrow_images.work / "detector.safetensors")
    alone = sound[: detector.frontend.clip_samples]
    (run,) = network_runs(code_inputs(Clip(alone, detector.labels.machines[0], {}), detector, FIXED))
    window = run_int8(graph, run)[graph.outputs[0]].reshape(-1)
    assert not np.array_equal(window, expected[0])
    difference = np.abs(window.astype(np.int16) - expected[0])
    assert np.linalg.norm(difference) < 0.5 * np.linalg.norm(expected[0].astype(np.int16))
