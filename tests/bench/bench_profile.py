"""`asd-edge profile` of every board as a user runs it, twice from nothing: seconds, equal counts, the linker's bytes.

    python -m tests.bench.bench_profile             every board; writes tests/bench_results/profile.json
    python -m tests.bench.bench_profile BOARD ...   these boards; prints alone

The shipped checkpoint is exported once, in work/bench-profile. Before each run the firmware's builds, images and counts
are deleted. The slowest board of each kind is then profiled as on the first day, without a work directory. A board that
the model doesn't fit is refused: it is listed with its reason and has no other figure.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from asd_edge.backends.emulate_board import MACHINES, SCORE_CLIPS, missing_programs, score_on_board
from asd_edge.backends.emulator_rung import CACHE
from asd_edge.backends.score_records import ClipToRun
from asd_edge.boards import Board, load_boards
from asd_edge.compiler.plan_report import plan_report
from asd_edge.compiler.read_image import load_image
from asd_edge.export.detector import load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.profiling.count_instructions import profiled_clip
from asd_edge.profiling.shipped_work import shipped_work
from tests.bench.profile_figures import (
    LINUX,
    MCU,
    TABLE_HEAD,
    ProfiledBoard,
    bytes_off_the_linker,
    counted_figures,
    linked_bytes,
    n_differing,
    profile_values,
    table_row,
)
from tests.bench.write_result import ROOT, write_result

FOLDER = ROOT / "work/bench-profile"
README_BOARDS = ("nucleo-l4r5zi", "nucleo-u575zi-q", "nucleo-h7a3zi-q", "ek-ra8d1", "rpi4")
REFUSED = 2  # how asd-edge exits
GCC = "gcc"  # how a compiler's name ends; nm and readelf stand beside it


def main(arguments: Sequence[str]) -> None:
    """Print a line for each board and the table, write the result."""
    boards = {name: board for name, board in load_boards().items() if board.system in (MCU, LINUX)}
    if unknown := [name for name in arguments if name not in boards]:
        sys.exit(f"error: {', '.join(unknown)}: no such board; there are {', '.join(boards)}")
    chosen = [boards[name] for name in arguments or boards]
    if missing := sorted({reason for board in chosen if (reason := missing_programs(board.emulator or ""))}):
        sys.exit(f"error: {'; '.join(missing)}")
    work = shipped_work(FOLDER)
    profiled: list[ProfiledBoard] = []
    for board in chosen:
        found = _profile_twice(board, work)
        if isinstance(found, str):
            print(f"{board.name}: refused: {found}", flush=True)
            continue
        profiled.append(found)
        print(
            f"{board.name}: {found.seconds:.1f} s, {found.n_differing} counts differ, {found.bytes_off} bytes off the "
            f"linker, {found.stack_bytes_off} off the painted stack",
            flush=True,
        )
    values = profile_values(profiled, len(chosen))
    for system in (MCU, LINUX):
        of_system = [found for found in profiled if found.board.system == system]
        if of_system:
            slowest = max(of_system, key=lambda found: found.seconds).board
            values[f"first_{system}_seconds"] = round(_first_run_seconds(slowest), 2)
    print(TABLE_HEAD, *(table_row(found.content) for found in profiled if found.board.name in README_BOARDS), sep="\n")
    print(values)
    if not arguments:
        print(write_result("profile", values))


def _profile_twice(board: Board, work: Path) -> ProfiledBoard | str:
    """Or why the board is refused. Raises CalledProcessError for any other failure."""
    runs = []
    for _ in range(2):
        shutil.rmtree(work / CACHE, ignore_errors=True)
        started = time.perf_counter()
        program = Path(sys.executable).with_name("asd-edge")
        command = [str(program), "profile", "--board", board.name, str(work), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode == REFUSED and f"{board.name} has " in done.stderr:
            return done.stderr.strip().splitlines()[-1]
        if done.returncode != 0:
            sys.stderr.write(done.stderr)
        done.check_returncode()
        runs.append((seconds, json.loads(done.stdout)))
    contents = [content for _, content in runs]
    differing = n_differing(*(counted_figures(content) for content in contents))
    assert board.emulator is not None, "the profile would have been refused"
    program, image = work / CACHE / board.emulator / SCORE_CLIPS, work / CACHE / f"model-{board.kernels}.asdm"
    tools = MACHINES[board.emulator].compiler.removesuffix(GCC)
    sections, symbols = _output(f"{tools}readelf", "--sections", "--wide", program), _output(f"{tools}nm", program)
    arena = plan_report(load_image(image)).arena_bytes
    off = bytes_off_the_linker(contents[1], linked_bytes(sections, symbols), image.stat().st_size, arena)
    stack = _painted_stack(board.emulator, board.kernels, work)
    stack_off = abs(int(contents[1]["stack"]["value"]) - stack)
    return ProfiledBoard(board, max(seconds for seconds, _ in runs), contents[1], differing, off, stack_off)


def _first_run_seconds(board: Board) -> float:
    """Without a work directory and with an empty cache: the shipped checkpoint is exported first."""
    program = Path(sys.executable).with_name("asd-edge")
    with tempfile.TemporaryDirectory() as cache_folder:
        started = time.perf_counter()
        subprocess.run(
            [str(program), "profile", "--board", board.name, "--json"],
            env={**os.environ, "XDG_CACHE_HOME": cache_folder},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - started


@cache
def _painted_stack(machine: str, kernels: str, work: Path) -> int:
    """Of a run of one clip and of two in one stream, the deeper; the same for all boards of a machine."""
    program, image = work / CACHE / machine / SCORE_CLIPS, work / CACHE / f"model-{kernels}.asdm"
    clip = profiled_clip(load_detector(work / DETECTOR_FILE).frontend.clip_samples)
    stream = [ClipToRun(clip, 0, is_continued=False, is_last=False), ClipToRun(clip, 0, is_continued=True)]
    runs = [score_on_board(machine, program, image, clips) for clips in ([ClipToRun(clip, 0)], stream)]
    return max(run.memory.stack_used for run in runs)


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(sys.argv[1:])
