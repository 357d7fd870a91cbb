"""One board and one model -> mismatches over all clips, instructions by clip, hop and layer, memory, hashes."""

import hashlib
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.emulate_board import SCORE_CLIPS, SCORE_CLIPS_MARKED, build_firmware, score_on_board
from asd_edge.backends.real_time import buffer_samples, hops_of, mean_clock_hz, worst_clock_hz
from asd_edge.backends.score_records import ClipRun, ClipToRun, MemoryUse, ScoreRun
from asd_edge.boards import load_boards
from asd_edge.compiler.read_image import ModelImage
from asd_edge.compiler.step_cost import step_macs
from asd_edge.compiler.stream_graph import StepOp

N_PROCESSES, CLIPS_PER_RUN = 2, 12
N_STREAM_CLIPS = 8  # back to back: windows overlap in the pipeline as on a device
MARGIN = 1.1  # over the mean clock, for which the audio buffer is stated
SEGMENT_TO_LOAD = 1  # PT_LOAD
CYCLES_PER_INSTRUCTION = 1.5  # an estimate
PARTS = ("front end", "scheduler", "scorer")


@dataclass(frozen=True)
class ExpectedScore:
    """Of the reference rung."""

    codes: NDArray[np.int8]
    score_q16: int


@dataclass(frozen=True)
class LayerFigures:
    """Instructions of a whole clip; macs 0 where there are none."""

    name: str
    op: str
    count: int
    instructions: float
    macs: int


@dataclass(frozen=True)
class SameScores:
    """`n_mismatches`: clips whose codes or score differ from the reference rung's."""

    board: str
    n_clips: int
    n_mismatches: int
    image_sha256: str
    firmware_sha256: str


@dataclass(frozen=True)
class CoreFigures:
    """What a board was measured at; clocks in instructions per second."""

    board: str
    n_clips: int
    n_mismatches: int  # clips whose codes or score differ from the reference rung's
    image_sha256: str
    firmware_sha256: str
    code_bytes: int  # with tables; the image is apart
    image_bytes: int
    memory: MemoryUse
    instructions_per_clip: float  # the largest
    mean_hop: float
    worst_hop: float  # within the stream
    mean_clock_hz: float
    worst_clock_hz: float
    buffer_samples: int  # at MARGIN over the mean clock
    part_buffer_samples: int  # at the part's clock, CYCLES_PER_INSTRUCTION assumed; 0: no part
    layers: tuple[LayerFigures, ...]  # front end, scheduler, scorer, steps


def measure_core(
    board: str,
    image: ModelImage,
    clips: Sequence[ClipToRun],
    expected: Sequence[ExpectedScore],
    folder: Path,
    ram_bytes: int | None = None,
    audio_samples: int | None = None,
) -> CoreFigures:
    """All clips by themselves, some in one stream, one with marks; `ram_bytes`, `audio_samples`: `build_firmware`.

    Raises BackendError.
    """
    path = folder / f"{board}.asdm"
    path.write_bytes(image.content)
    program = build_firmware(board, folder / board, [SCORE_CLIPS], ram_bytes, audio_samples) / SCORE_CLIPS
    marked = build_firmware(board, folder / f"{board}-marked", [SCORE_CLIPS_MARKED]) / SCORE_CLIPS_MARKED
    runs = _score_all(board, program, path, clips)
    found = [clip for run in runs for clip in run.clips]
    n_stream = min(N_STREAM_CLIPS, len(clips))
    stream = [ClipToRun(clip.samples, 0, i > 0, i == n_stream - 1) for i, clip in enumerate(clips[:n_stream])]
    streamed = score_on_board(board, program, path, stream).clips
    steady = [block for clip in streamed[1:] for block in clip.blocks if block.n_samples]
    hops, clock, part_hz = hops_of(steady), mean_clock_hz(steady), load_boards()[board].clock_hz
    return CoreFigures(
        board=board,
        n_clips=len(found),
        n_mismatches=sum(not _is_same(clip, score) for clip, score in zip(found, expected, strict=True)),
        image_sha256=hashlib.sha256(image.content).hexdigest(),
        firmware_sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
        code_bytes=_code_bytes(program),
        image_bytes=len(image.content),
        memory=max((run.memory for run in runs), key=lambda memory: memory.stack_used),
        instructions_per_clip=max(clip.instructions for clip in found),
        mean_hop=sum(hop.instructions for hop in hops) / len(hops),
        worst_hop=max(hop.instructions for hop in hops),
        mean_clock_hz=clock,
        worst_clock_hz=worst_clock_hz(steady),
        buffer_samples=buffer_samples(steady, MARGIN * clock),
        part_buffer_samples=0 if part_hz is None else buffer_samples(steady, part_hz / CYCLES_PER_INSTRUCTION),
        layers=_layers(board, marked, path, image, clips[0]),
    )


def compare_scores(
    board: str, image: ModelImage, clips: Sequence[ClipToRun], expected: Sequence[ExpectedScore], folder: Path
) -> SameScores:
    """Of a Linux program under qemu-user, where nothing can be counted."""
    path = folder / f"{board}.asdm"
    path.write_bytes(image.content)
    program = build_firmware(board, folder / board) / SCORE_CLIPS
    found = [clip for run in _score_all(board, program, path, clips) for clip in run.clips]
    return SameScores(
        board=board,
        n_clips=len(found),
        n_mismatches=sum(not _is_same(clip, score) for clip, score in zip(found, expected, strict=True)),
        image_sha256=hashlib.sha256(image.content).hexdigest(),
        firmware_sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
    )


def _score_all(board: str, program: Path, image: Path, clips: Sequence[ClipToRun]) -> list[ScoreRun]:
    chunks = [clips[start : start + CLIPS_PER_RUN] for start in range(0, len(clips), CLIPS_PER_RUN)]
    with ThreadPoolExecutor(N_PROCESSES) as pool:
        return list(pool.map(lambda chunk: score_on_board(board, program, image, chunk), chunks))


def _is_same(clip: ClipRun, expected: ExpectedScore) -> bool:
    is_scored = clip.statuses == (0,) and clip.scores_q16 == (expected.score_q16,)
    return is_scored and np.array_equal(clip.outputs.reshape(-1), expected.codes)


def _layers(board: str, program: Path, path: Path, image: ModelImage, clip: ClipToRun) -> tuple[LayerFigures, ...]:
    (run,) = score_on_board(board, program, path, [clip]).clips
    graph = image.stream_graph()
    macs = {step.output: step_macs(graph, step) for step in graph.steps}
    ops = [StepOp(int(record["op"])) for record in image.steps]
    names = [*PARTS, *image.step_names]
    kinds = [*PARTS, *(op.name.lower() for op in ops)]
    return tuple(
        LayerFigures(name, kind, part.count, part.instructions, part.count * macs.get(name, 0))
        for name, kind, part in zip(names, kinds, run.parts, strict=True)
    )


def _code_bytes(program: Path) -> int:
    """Code, constants and initial values of variables: what the program's segments hold in the file."""
    content = program.read_bytes()
    is_64_bit = content[4] == 2
    table, size, count = struct.unpack_from("<Q14xHH" if is_64_bit else "<I10xHH", content, 32 if is_64_bit else 28)
    return sum(
        struct.unpack_from("<Q" if is_64_bit else "<I", content, table + i * size + (32 if is_64_bit else 16))[0]
        for i in range(count)
        if struct.unpack_from("<I", content, table + i * size)[0] == SEGMENT_TO_LOAD
    )
