"""`python -m tests.check_rpi4 [WORK] [--clips N]`: the detector as a Raspberry Pi 4 scores it, against this machine.

The engine for aarch64 and LiteRT's aarch64 wheel run under qemu-user, behind a local sshd, over the test clips of
$ASD_EDGE_MIMII; the table is that of `asd-edge evaluate`. The engine must equal the host bit for bit. Interrupted, the
same command goes on after the last clip. Times are the emulator's: only a real board's say anything of speed, and its
table comes from asd-edge evaluate WORK --data DATA --backends torch,tflite,reference,host,ssh:pi@HOST/engine,...
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from asd_edge.backends.emulate_board import missing_programs
from asd_edge.backends.ladder import HOST, REFERENCE, TFLITE, TORCH, check_files, files_of
from asd_edge.cli.console import BAD_INPUT, INTERRUPTED
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST, ClipRecord
from asd_edge.errors import AsdEdgeError, BackendError, DatasetError
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.evaluate.evaluation import Evaluation
from asd_edge.evaluate.result_tables import result_tables
from asd_edge.evaluate.summary_lines import summary_lines
from asd_edge.export.work_files import RECORD_FILE, TFLITE_FILE
from tests.boards.arm64_root import CONSTRAINTS, make_arm64_root, python_command, xnnpack_share
from tests.boards.emulated_pi import ENGINE_RUNG, LITERT_RUNG, emulated_pi
from tests.boards.local_sshd import missing_sshd

WORK, FOLDER = Path("work/mimii"), Path("work/rpi4")
DATA_VARIABLE = "ASD_EDGE_MIMII"
RUNGS = (TORCH, TFLITE, REFERENCE, HOST, ENGINE_RUNG, LITERT_RUNG)
NOT_EQUAL = 1
WIDEST_TABLE = 320  # characters: a column for each rung, as wide as the words on its runtime


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 where the engine equals the host, 1 where it doesn't, 2 where it can't be checked here."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.check_rpi4",
        description=__doc__,
        epilog="Example:\n  python -m tests.check_rpi4 work/mimii --clips 2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("work", nargs="?", type=Path, default=WORK, help=f"that export wrote ({WORK})")
    parser.add_argument("--clips", type=int, metavar="N", help="the first N of each class and machine ID; without: all")
    given = parser.parse_args(arguments)
    try:
        found = check_rpi4(given.work, FOLDER, given.clips)
    except AsdEdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted: run the same command again; it goes on after the last clip scored", file=sys.stderr)
        return INTERRUPTED
    n_clips = found.data.clips_scored
    different = differing_clips(found, HOST, ENGINE_RUNG)
    n_same = n_clips - len(other_scores(found, TFLITE, LITERT_RUNG))
    print(f"{LITERT_RUNG}: has {TFLITE}'s score on {n_same} of {n_clips} clips")
    print(f"{ENGINE_RUNG}: equals {HOST} bit for bit on {n_clips - len(different)} of {n_clips} clips")
    for name in different:
        print(f"differs: {name}")
    return NOT_EQUAL if different else 0


def check_rpi4(work: Path, folder: Path, n_clips: int | None) -> Evaluation:
    """Score on all RUNGS and print the tables. Everything made is kept in `folder`; `work` stays as it is.

    Raises BackendError for what is missing here, DatasetError without test clips, and as `evaluate_work`.
    """
    _check_setting(n_clips)
    for name in RUNGS:
        check_files(name, work)
    records = find_clips(Path(os.environ[DATA_VARIABLE]))
    chosen = first_clips(records, n_clips)
    root = make_arm64_root(folder, CONSTRAINTS, _say)
    n_run, n_operators, n_partitions = xnnpack_share(root, work / TFLITE_FILE)
    _say(f"LiteRT for aarch64: XNNPACK runs {n_run} of {n_operators} operators, in {n_partitions} partitions")
    n_available = sum(record.split == TEST for record in records)
    _say(f"clips: {len(chosen)} of {n_available} test clips")
    model = copy_model(work, folder / "model")
    data = link_clips(chosen, Path(os.environ[DATA_VARIABLE]), folder / "clips")
    with (
        tempfile.TemporaryDirectory(prefix="check-rpi4-") as name,
        emulated_pi(Path(name) / "host", python_command(root)),
    ):
        found = evaluate_work(model, data, RUNGS, on_scoring=_show)
    Console(width=WIDEST_TABLE).print(*result_tables(found))
    print("\n".join(summary_lines(found, model)))
    return found


def first_clips(records: Sequence[ClipRecord], n_clips: int | None) -> tuple[ClipRecord, ...]:
    """The first test clips of each class and machine ID; None: all. Raises DatasetError where there is none."""
    chosen: dict[tuple[str, str], list[ClipRecord]] = {}
    for record in records:
        of_class = chosen.setdefault((record.machine, record.label), [])
        if record.split == TEST and (n_clips is None or len(of_class) < n_clips):
            of_class.append(record)
    if not any(chosen.values()):
        raise DatasetError(f"${DATA_VARIABLE} holds no test clip; give the folder of the MIMII sample")
    return tuple(record for of_class in chosen.values() for record in of_class)


def link_clips(records: Sequence[ClipRecord], source: Path, folder: Path) -> Path:
    """A data set of these clips alone, as links; what was linked before goes."""
    shutil.rmtree(folder, ignore_errors=True)
    for record in records:
        link = folder / record.path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(record.path.resolve())
    return folder


def copy_model(work: Path, folder: Path) -> Path:
    """The files that the rungs read, so that their tables don't replace those of `work`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in {RECORD_FILE, *(file for rung in RUNGS for file in files_of(rung))}:
        if (work / name).is_file():
            shutil.copyfile(work / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    return folder


def differing_clips(found: Evaluation, first: str, second: str) -> list[str]:
    """Clips whose scores differ, and all of them where the int8 outputs do: each rung's is held against reference's."""
    outputs = {run.name: run.largest_difference_lsb for run in found.rungs}
    if outputs[first] != 0 or outputs[second] != 0:
        return sorted({row.clip for row in found.rows})
    return other_scores(found, first, second)


def other_scores(found: Evaluation, first: str, second: str) -> list[str]:
    """Clips that the second rung scores otherwise than the first."""
    scores = {rung: {row.clip: row.score for row in found.rows if row.rung == rung} for rung in (first, second)}
    return sorted(clip for clip, score in scores[first].items() if scores[second][clip] != score)


def _check_setting(n_clips: int | None) -> None:
    if n_clips is not None and n_clips < 1:
        raise DatasetError(f"--clips {n_clips}: give 1 or more of each class and machine ID")
    folder = os.environ.get(DATA_VARIABLE, "")
    if not folder or not Path(folder).is_dir():
        raise DatasetError(
            f"{DATA_VARIABLE} is no folder; set it to the MIMII sample, which asd-edge data mimii-sample makes"
        )
    if (reason := missing_programs("linux-aarch64") or missing_sshd()) is not None:
        raise BackendError(reason)


def _say(line: str) -> None:
    print(line, flush=True)


def _show(done: int, total: int) -> None:
    """A line on stderr for each tenth of the way."""
    if done * 10 // total > (done - 1) * 10 // total:
        print(f"clips scored: {done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that kill, too, ends the sshd and goes on later
    sys.exit(main(sys.argv[1:]))
