"""Four clips on every emulated board: embeddings and scores are those of the NumPy reference, the RAM is the part's."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.emulate_board import SCORE_CLIPS_MARKED, build_firmware, missing_programs
from asd_edge.backends.emulator_rung import core_of
from asd_edge.backends.ladder import open_rung
from asd_edge.backends.real_time import hops_of, mean_clock_hz
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_records import Q16, ClipToRun, ScoreRun
from asd_edge.boards import load_boards
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import BackendError
from asd_edge.export.detector import load_detector
from tests.boards.board_programs import REFERENCE_BOARDS, WorkImages

N_CLIPS = 4
INSTRUCTIONS_PER_CLIP = {"cortex-m4": 1.1e9, "cortex-m7": 1.1e9, "cortex-m33": 1.1e9, "cortex-m55": 0.25e9}
RAM_BYTES, AUTOENCODER_RAM_BYTES = 256 * 1024, 20 * 1024
SMALL_AUDIO_SAMPLES = 256
MOST_WORST_HOP = 3.0  # times the mean


def _clips(data: Path, images: WorkImages) -> list[tuple[Clip, ClipToRun]]:
    detector = load_detector(images.work / "detector.safetensors")
    machines = detector.labels.machines
    clips = []
    for index, path in enumerate(sorted(data.glob("fan/test/*.wav"))[: 3 * N_CLIPS : 3]):
        machine = machines[index % len(machines)]
        samples = read_clip(path)
        clips.append((Clip(samples, machine, {}), ClipToRun(samples, machines.index(machine))))
    assert len(clips) == N_CLIPS
    return clips


@pytest.fixture(scope="module")
def clips(tiny_synthetic: Path, reference_images: WorkImages) -> list[tuple[Clip, ClipToRun]]:
    return _clips(tiny_synthetic, reference_images)


@pytest.fixture(scope="module")
def expected(reference_images: WorkImages, clips: list[tuple[Clip, ClipToRun]]) -> list[ClipScore]:
    rung = open_rung("reference", reference_images.work)
    return [rung.score(clip) for clip, _ in clips]


def _check_scores(run: ScoreRun, expected: list[ClipScore]) -> None:
    assert len(run.clips) == len(expected)
    for found, reference in zip(run.clips, expected, strict=True):
        assert found.statuses == (0,)
        assert reference.codes is not None
        np.testing.assert_array_equal(found.outputs.reshape(-1), reference.codes)
        assert found.scores_q16[0] / Q16 == reference.score


def _skip_without(board: str) -> None:
    if (reason := missing_programs(board)) is not None:
        pytest.skip(reason)


@pytest.mark.parametrize("board", REFERENCE_BOARDS)
def test_the_reference_model_scores_as_the_reference_rung(
    board: str, reference_images: WorkImages, clips: list[tuple[Clip, ClipToRun]], expected: list[ClipScore]
) -> None:
    _skip_without(board)
    run = reference_images.run(board, [clip for _, clip in clips])
    _check_scores(run, expected)
    if board in load_boards() and (core := load_boards()[board].core) in INSTRUCTIONS_PER_CLIP:
        assert max(clip.instructions for clip in run.clips) <= INSTRUCTIONS_PER_CLIP[core]
        assert run.memory.total <= RAM_BYTES
        assert run.memory.stack_used < run.memory.stack


def test_the_worst_hop_of_a_stream_is_at_most_three_times_the_mean(
    reference_images: WorkImages, clips: list[tuple[Clip, ClipToRun]]
) -> None:
    """The end of one clip falls together with the beginning of the next one."""
    _skip_without("mps2-an386")
    stream = [ClipToRun(clip.samples, 0, i > 0, i == 1) for i, (clip, _) in enumerate(clips[:2])]
    hops = hops_of([block for clip in reference_images.run("mps2-an386", stream).clips for block in clip.blocks])
    assert len(hops) == 2 * 313
    instructions = [hop.instructions for hop in hops]
    assert max(instructions) <= MOST_WORST_HOP * sum(instructions) / len(hops)


def test_half_the_width_runs_from_an_stm32f405(tiny_synthetic: Path, narrow_images: WorkImages) -> None:
    _skip_without("netduinoplus2")
    pairs = _clips(tiny_synthetic, narrow_images)
    rung = open_rung("reference", narrow_images.work)
    _check_scores(narrow_images.run("netduinoplus2", [clip for _, clip in pairs]), [rung.score(c) for c, _ in pairs])


def test_the_full_width_is_refused_with_the_numbers_where_it_does_not_fit(reference_images: WorkImages) -> None:
    _skip_without("netduinoplus2")
    with pytest.raises(BackendError, match=r"its arena of [\d,]+ bytes doesn't fit into [\d,]+"):
        reference_images.run("netduinoplus2", [])


def test_the_autoencoder_runs_in_20_kilobytes(tiny_synthetic: Path, autoencoder_images: WorkImages) -> None:
    _skip_without("mps2-an386")
    board, folder = "mps2-an386", autoencoder_images.folder / "small"
    build = build_firmware(board, folder, ram_bytes=AUTOENCODER_RAM_BYTES, audio_samples=SMALL_AUDIO_SAMPLES)
    pairs = _clips(tiny_synthetic, autoencoder_images)
    run = autoencoder_images.run(board, [clip for _, clip in pairs], build=build)
    assert run.memory.ram == AUTOENCODER_RAM_BYTES
    assert run.memory.total <= AUTOENCODER_RAM_BYTES
    rung = open_rung("reference", autoencoder_images.work)
    _check_scores(run, [rung.score(clip) for clip, _ in pairs])


def test_clips_in_one_stream_give_the_scores_of_clips_by_themselves(
    narrow_images: WorkImages, tiny_synthetic: Path
) -> None:
    """Windows overlap in the pipeline: a score comes out while the next clip is already coming in."""
    _skip_without("mps3-an547")
    alone = [ClipToRun(clip.samples, 0) for clip, _ in _clips(tiny_synthetic, narrow_images)]
    last = len(alone) - 1
    stream = [ClipToRun(clip.samples, 0, i > 0, i == last) for i, clip in enumerate(alone)]
    first = narrow_images.run("mps3-an547", alone)
    second = narrow_images.run("mps3-an547", stream)
    assert [s for clip in second.clips for s in clip.scores_q16] == [s for clip in first.clips for s in clip.scores_q16]
    hops = hops_of([block for clip in second.clips for block in clip.blocks])
    assert len(hops) == 313 * len(alone)
    assert {hop.n_samples for hop in hops} == {256, 512, 576, 448}


def test_marks_count_every_step_and_add_up(narrow_images: WorkImages, tiny_synthetic: Path) -> None:
    _skip_without("mps2-an386")
    _, clip = _clips(tiny_synthetic, narrow_images)[0]
    programs = build_firmware("mps2-an386", narrow_images.folder / "marked", ["score_clips", SCORE_CLIPS_MARKED])
    (marked,) = narrow_images.run("mps2-an386", [clip], SCORE_CLIPS_MARKED, programs).clips
    (plain,) = narrow_images.run("mps2-an386", [clip], build=programs).clips
    steps = narrow_images.compiled(core_of("mps2-an386")).plan.graph.steps
    assert len(marked.parts) == 3 + len(steps)
    assert all(part.count > 0 and part.instructions > 0 for part in marked.parts)
    total = sum(part.instructions for part in marked.parts)
    assert total == pytest.approx(plain.instructions, rel=0.002)
    np.testing.assert_array_equal(marked.outputs, plain.outputs)


def test_counts_repeat_exactly(narrow_images: WorkImages, tiny_synthetic: Path) -> None:
    _skip_without("mps2-an505")
    _, clip = _clips(tiny_synthetic, narrow_images)[0]
    first, second = (narrow_images.run("mps2-an505", [clip]).clips[0] for _ in range(2))
    assert first.blocks == second.blocks
    assert mean_clock_hz(first.blocks) > 0
