"""The reference model on every emulated core over all MIMII test clips: bits, instructions, memory, real time, sliding.

    python -m tests.bench.bench_cores [WORK [N]]     WORK: a checkpoint trained on $ASD_EDGE_MIMII (work/mimii);
                                                     N: only so many of the clips, spread evenly

Writes tests/bench_results/cores.json, and cores_by_board.json with the layers and the hashes of images and firmware.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from asd_edge.backends.emulator_rung import core_of, current_image
from asd_edge.backends.ladder import open_rung
from asd_edge.backends.rung import Clip
from asd_edge.backends.score_records import Q16, ClipToRun
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import TEST, ClipRecord
from asd_edge.export.calibration_set import spread_evenly
from asd_edge.export.detector import ARCFACE, load_detector
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.model.config import AUTOENCODER, ModelConfig
from tests.bench.core_figures import CoreFigures, ExpectedScore, SameScores, compare_scores, measure_core
from tests.bench.sliding_figures import sliding_figures, sliding_on_board
from tests.bench.write_result import RESULTS, ROOT, ClipsUsed, data_sha256, write_result
from tests.boards.untrained_work import write_untrained_work

MIMII_WORK = ROOT / "work/mimii"
REFERENCE_BOARDS = {"mps2-an386": "m4", "mps2-an500": "m7", "mps2-an505": "m33", "mps3-an547": "m55"}
COUNTED_BOARDS = (*REFERENCE_BOARDS, "virt-aarch64")
LINUX_BOARDS = ("linux-aarch64", "linux-armhf")
NARROW_BOARD, NARROW = "netduinoplus2", ModelConfig(width=0.5)
RAM_BYTES = 256 * 1024  # enforced by linker and MPU on every core, also where the part has more
SMALL_BOARD, SMALL_RAM_BYTES, SMALL_AUDIO_SAMPLES = "mps2-an386", 20 * 1024, 256
EMULATED_TESTS = (
    "tests/boards",
    "tests/kernels",
    "tests/frontend/test_every_core.py",
    "tests/scorer/test_every_core.py",
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# TensorFlow Lite Micro with CMSIS-NN, sources of 2026-08, the same model on the same emulated cores: from log-Mel maps
# in to the embedding; not measured by this benchmark.
TFLM_ARENA_BYTES, TFLM_INSTRUCTIONS = 5_273_076, {"m4": 2.257e9, "m55": 0.779e9}


def main(arguments: Sequence[str]) -> None:
    """Print the tables, write the results."""
    data = Path(os.environ["ASD_EDGE_MIMII"])
    work = Path(arguments[0]) if arguments else MIMII_WORK
    console = Console(width=140)
    export_checkpoint(work, data, work)
    test = (record for record in find_clips(data) if record.split == TEST)
    available = tuple(sorted(test, key=lambda record: record.path))
    records = spread_evenly(available, int(arguments[1])) if len(arguments) > 1 else available
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips, expected, n_host = _expected(work, records)
        console.print(f"{len(clips)} clips, host differs from reference on {n_host}")
        figures: dict[str, CoreFigures] = {}
        linux: dict[str, SameScores] = {}
        for board in LINUX_BOARDS:
            linux[board] = compare_scores(board, current_image(work, core_of(board)), clips, expected, folder)
            console.print(f"{board}: {linux[board].n_mismatches} of {linux[board].n_clips} clips differ")
        for board in COUNTED_BOARDS:
            ram_bytes = RAM_BYTES if board in REFERENCE_BOARDS else None
            image = current_image(work, core_of(board))
            figures[board] = measure_core(board, image, clips, expected, folder, ram_bytes)
            _print_board(console, figures[board])
        narrow = write_untrained_work(folder / "narrow", data, NARROW)
        figures[NARROW_BOARD] = _measure_untrained(NARROW_BOARD, narrow, records, folder)
        autoencoder = write_untrained_work(folder / "autoencoder", data / "fan", ModelConfig(architecture=AUTOENCODER))
        figures["autoencoder"] = _measure_untrained(
            SMALL_BOARD, autoencoder, records, folder / "autoencoder", SMALL_RAM_BYTES, SMALL_AUDIO_SAMPLES
        )
        sliding = sliding_on_board("mps2-an386", work, records[0], folder) | sliding_figures(work, records)
    for board in (NARROW_BOARD, "autoencoder"):
        _print_board(console, figures[board])
    values = _values(figures, n_host + sum(found.n_mismatches for found in linux.values())) | sliding
    values["clips_per_core"] = min(values["clips_per_core"], *(found.n_clips for found in linux.values()))
    values["mismatches"] += sliding["sliding_mismatches"]
    values["matrix_minutes"] = _matrix_minutes()
    used = ClipsUsed(len(clips), len(available), data_sha256(data))
    names = [record.path.relative_to(data).as_posix() for record in records]
    by_board = {"clips": names, **{name: asdict(found) for name, found in (linux | figures).items()}}
    (RESULTS / "cores_by_board.json").write_text(json.dumps(by_board, indent=1) + "\n")
    console.print(_summary(figures))
    console.print(write_result("cores", values, used), values)


def _expected(work: Path, records: Sequence[ClipRecord]) -> tuple[list[ClipToRun], list[ExpectedScore], int]:
    """Clips, the reference rung's scores, and how many the host rung scores otherwise."""
    detector = load_detector(work / "detector.safetensors")
    reference, host = open_rung("reference", work), open_rung("host", work)
    clips, expected, n_host = [], [], 0
    for record in records:
        samples = read_clip(record.path)
        machine = record.machine if detector.kind == ARCFACE else detector.labels.machines[0]
        found, native = (rung.score(Clip(samples, machine, {})) for rung in (reference, host))
        assert found.codes is not None
        assert native.codes is not None
        n_host += not (found.score == native.score and (found.codes == native.codes).all())
        clips.append(ClipToRun(samples, detector.labels.index(machine)))
        expected.append(ExpectedScore(found.codes.reshape(-1), round(found.score * Q16)))
    return clips, expected, n_host


def _measure_untrained(
    board: str,
    work: Path,
    records: Sequence[ClipRecord],
    folder: Path,
    ram_bytes: int | None = None,
    audio_samples: int | None = None,
) -> CoreFigures:
    clips, expected, n_host = _expected(work, records)
    assert n_host == 0
    return measure_core(board, current_image(work, core_of(board)), clips, expected, folder, ram_bytes, audio_samples)


def _values(figures: dict[str, CoreFigures], n_others: int) -> dict[str, float]:
    values: dict[str, float] = {
        "clips_per_core": min(found.n_clips for found in figures.values()),
        "mismatches": n_others + sum(found.n_mismatches for found in figures.values()),
        "netduinoplus2_width": NARROW.width,
        "netduinoplus2_ram_bytes": figures[NARROW_BOARD].memory.total,
        "netduinoplus2_mismatches": figures[NARROW_BOARD].n_mismatches,
        "autoencoder_ram_bytes": figures["autoencoder"].memory.total,
        "autoencoder_mismatches": figures["autoencoder"].n_mismatches,
        "tflm_arena_bytes": TFLM_ARENA_BYTES,
        **{f"tflm_giga_instructions_{core}": count / 1e9 for core, count in TFLM_INSTRUCTIONS.items()},
    }
    for board, core in REFERENCE_BOARDS.items():
        found = figures[board]
        total, macs = sum(layer.instructions for layer in found.layers), sum(layer.macs for layer in found.layers)
        values |= {
            f"giga_instructions_{core}": round(found.instructions_per_clip / 1e9, 4),
            f"instructions_per_mac_{core}": round(total / macs, 3),
            f"ram_bytes_{core}": found.memory.total,
            f"code_bytes_{core}": found.code_bytes,
            f"stack_used_bytes_{core}": found.memory.stack_used,
            f"worst_hop_ratio_{core}": round(found.worst_hop / found.mean_hop, 3),
            f"mean_clock_mhz_{core}": round(found.mean_clock_hz / 1e6, 2),
            f"worst_clock_mhz_{core}": round(found.worst_clock_hz / 1e6, 2),
            f"audio_buffer_samples_{core}": found.buffer_samples,
            f"part_audio_buffer_samples_{core}": found.part_buffer_samples,
            f"audio_buffer_left_samples_{core}": found.memory.audio // 2 - found.buffer_samples,
        }
    values["worst_hop_ratio"] = max(values[f"worst_hop_ratio_{core}"] for core in REFERENCE_BOARDS.values())
    values["audio_buffer_left_samples"] = min(
        values[f"audio_buffer_left_samples_{core}"] for core in REFERENCE_BOARDS.values()
    )
    values["ram_bytes"] = max(values[f"ram_bytes_{core}"] for core in REFERENCE_BOARDS.values())
    values["code_bytes"] = max(values[f"code_bytes_{core}"] for core in REFERENCE_BOARDS.values())
    return values


def _matrix_minutes() -> float:
    """Of the test files that run anything on an emulated core, as `make test` runs them."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *EMULATED_TESTS]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, **ONE_THREAD})
    return round((time.perf_counter() - started) / 60.0, 2)


def _summary(figures: dict[str, CoreFigures]) -> Table:
    columns = ("clips", "differing", "G instructions", "RAM", "code, tables", "stack", "worst/mean hop")
    table = Table("board", *columns, "mean MHz", "worst MHz", "buffer", title="reference model, every core")
    for name, found in figures.items():
        table.add_row(
            name,
            f"{found.n_clips}",
            f"{found.n_mismatches}",
            f"{found.instructions_per_clip / 1e9:.3f}",
            f"{found.memory.total:,}",
            f"{found.code_bytes:,}",
            f"{found.memory.stack_used:,}",
            f"{found.worst_hop / found.mean_hop:.2f}" if found.mean_hop else "-",
            f"{found.mean_clock_hz / 1e6:.1f}",
            f"{found.worst_clock_hz / 1e6:.1f}",
            f"{found.buffer_samples}",
        )
    for core, count in TFLM_INSTRUCTIONS.items():
        table.add_row(f"TFLM + CMSIS-NN, {core}", "", "", f"{count / 1e9:.3f}", f"{TFLM_ARENA_BYTES:,} (arena)")
    return table


def _print_board(console: Console, found: CoreFigures) -> None:
    memory = found.memory
    console.print(
        f"{found.board}: {found.n_mismatches} of {found.n_clips} clips differ; image {found.image_sha256[:16]}; RAM "
        f"arena {memory.arena:,}, detector {memory.detector:,}, audio {memory.audio:,}, stack {memory.stack:,} "
        f"({memory.stack_used:,} used), all {memory.total:,} of {memory.ram:,}"
    )
    table = Table("part", "operator", "runs", "instructions", "MACs", "instructions per MAC")
    for layer in found.layers:
        per_mac = f"{layer.instructions / layer.macs:.3f}" if layer.macs else ""
        table.add_row(layer.name, layer.op, f"{layer.count}", f"{layer.instructions:,.0f}", f"{layer.macs:,}", per_mac)
    console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
