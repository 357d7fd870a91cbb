"""What a sliding score does to AUC: whole windows beside one sliding window per clip, and beside the mean of twenty.

A clip of the data set has no sound before and behind it; here it is its own neighbour, three times over, so that a
sliding window over the middle one sees real sound where the whole window has padding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asd_edge.backends.emulate_board import SCORE_CLIPS, build_firmware, score_on_board
from asd_edge.backends.emulator_rung import core_of
from asd_edge.backends.real_time import hops_of
from asd_edge.backends.score_records import Q16, ClipToRun
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import ClipRecord
from asd_edge.compiler.compile_network import CompiledModel, compile_work, core_named
from asd_edge.evaluate.figures import make_figures
from asd_edge.evaluate.scores_table import ScoreRow, scores_by_machine
from asd_edge.export.detector import load_detector
from asd_edge.native_engine import score_samples

RUNGS = ("window", "sliding", "sliding mean")
FRAMES_PER_SCORE, FRAMES_PER_CLIP = 16, 312.5
FIRST = 20  # its 313 frames begin 7.5 frames behind the middle clip's first sample
N_MEAN = 20  # a clip's length of sliding scores
N_COPIES = 3.25
N_BOARD_SAMPLES = 400_000
N_BLOCKS_OF_CLIP = 2500  # of 64 samples


def sliding_figures(work: Path, records: Sequence[ClipRecord]) -> dict[str, float]:
    """AUC of each way, differences to whole windows in percentage points, RAM of the endless image's arena."""
    windows, endless = (compile_work(work, core_named("generic"), is_endless) for is_endless in (False, True))
    labels = load_detector(work / "detector.safetensors").labels
    rows: list[ScoreRow] = []
    for record in records:
        samples = read_clip(record.path)
        found = _scores(samples, windows, endless, labels.index(record.machine))
        for rung, score in zip(RUNGS, found, strict=True):
            machine = record.machine_type, record.machine_id
            rows.append(ScoreRow(rung, str(record.path), *machine, record.label, score, None))
    values = {
        "sliding_scores_per_window": FRAMES_PER_CLIP / FRAMES_PER_SCORE,
        "sliding_arena_bytes": endless.plan.arena_bytes,
        "window_arena_bytes": windows.plan.arena_bytes,
    }
    for figures in make_figures(scores_by_machine(rows, RUNGS), RUNGS, 0).overall:
        name = figures.rung.replace(" ", "_")
        values[f"{name}_auc"] = round(figures.auc, 5)
        values[f"{name}_pauc"] = round(figures.pauc, 5)
        if figures.auc_difference is not None:
            values[f"{name}_auc_difference_pp"] = round(100 * figures.auc_difference.value, 3)
    return values


def sliding_on_board(board: str, work: Path, record: ClipRecord, folder: Path) -> dict[str, float]:
    """The endless image on an emulated core: scores that differ from this machine's, RAM, instructions, worst hop."""
    samples, core = np.resize(read_clip(record.path), N_BOARD_SAMPLES), core_of(board)
    compiled = compile_work(work, core_named(core), is_endless=True)
    image = folder / f"sliding-{board}.asdm"
    image.write_bytes(compiled.content)
    program = build_firmware(board, folder / board) / SCORE_CLIPS
    run = score_on_board(board, program, image, [ClipToRun(samples, 0)])
    (clip,) = run.clips
    generic = compile_work(work, core_named("generic"), is_endless=True)
    expected, _ = score_samples(generic.content, samples, 0)
    n_together = min(len(expected), len(clip.scores_q16))  # delays of the two plans may differ
    assert n_together > 0
    hops = hops_of(clip.blocks[N_BLOCKS_OF_CLIP:])
    instructions = sum(hop.instructions for hop in hops)
    return {
        "sliding_mismatches": sum(a != b for a, b in zip(expected, clip.scores_q16, strict=False)),
        "sliding_ram_bytes": run.memory.total,
        "sliding_giga_instructions_per_10_s": round(
            instructions * 160_000 / sum(hop.n_samples for hop in hops) / 1e9, 4
        ),
        "sliding_worst_hop_ratio": round(max(hop.instructions for hop in hops) * len(hops) / instructions, 3),
    }


def _scores(
    samples: np.ndarray, windows: CompiledModel, endless: CompiledModel, class_index: int
) -> tuple[float, float, float]:
    ((whole,), _) = score_samples(windows.content, samples, class_index)
    n_copied = round(N_COPIES * samples.size)
    sliding, _ = score_samples(endless.content, np.resize(samples, n_copied), class_index)
    chosen = sliding[FIRST : FIRST + N_MEAN]
    assert len(chosen) == N_MEAN
    return whole / Q16, chosen[0] / Q16, float(np.mean(chosen)) / Q16
