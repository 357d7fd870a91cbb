"""Rung emulator:BOARD: its place in the ladder, and its errors."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.emulate_board import MACHINES, build_firmware, missing_programs, score_on_board
from asd_edge.backends.ladder import available_rungs, in_ladder_order, open_rung
from asd_edge.backends.score_records import ClipToRun
from asd_edge.boards import load_boards
from asd_edge.errors import BackendError


def test_emulators_follow_host_in_the_order_given() -> None:
    names = ["emulator:mps3-an547", "host", "emulator:mps2-an386", "torch", "emulator:mps3-an547"]
    assert in_ladder_order(names) == ("torch", "host", "emulator:mps3-an547", "emulator:mps2-an386")


@pytest.mark.parametrize("name", ["emulator", "emulator:", "host:mps2-an386"])
def test_a_board_is_named_for_the_emulator_and_for_nothing_else(name: str) -> None:
    with pytest.raises(BackendError, match="is no rung"):
        in_ladder_order([name])


def test_an_emulator_runs_only_where_it_is_named(tiny_work: Path) -> None:
    assert not any(name.startswith("emulator") for name in available_rungs(tiny_work))


def test_a_board_that_is_not_emulated_is_named_with_those_that_are(tiny_work: Path) -> None:
    with pytest.raises(BackendError, match="'esp32' is not emulated; choose mps2-an386, "):
        open_rung("emulator:esp32", tiny_work)


@pytest.mark.parametrize("board", MACHINES)
def test_missing_programs_are_named_with_the_command_that_installs_them(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match=r"cmake, .*gcc, qemu-.* not found; run make setup-emulation"):
        build_firmware(board, tmp_path / "build")


def test_a_file_that_is_no_image_is_refused_by_the_firmware(tmp_path: Path) -> None:
    if (reason := missing_programs("linux-aarch64")) is not None:
        pytest.skip(reason)
    program = build_firmware("linux-aarch64", tmp_path / "build") / "score_clips"
    image = tmp_path / "model.asdm"
    image.write_bytes(b"no image" * 100)
    with pytest.raises(BackendError, match=r"model\.asdm: the firmware of linux-aarch64 refuses it, status 4"):
        score_on_board("linux-aarch64", program, image, [])


def test_a_build_folder_that_was_copied_is_built_again(tmp_path: Path) -> None:
    if (reason := missing_programs("mps2-an386")) is not None:
        pytest.skip(reason)
    first, second = tmp_path / "first", tmp_path / "second"
    program = build_firmware("mps2-an386", first, ["fault_check"]) / "fault_check"
    shutil.copytree(first, second)
    (second / "fault_check").unlink()
    assert (build_firmware("mps2-an386", second, ["fault_check"]) / "fault_check").is_file()
    built = program.stat().st_mtime_ns
    build_firmware("mps2-an386", first, ["fault_check"])
    assert program.stat().st_mtime_ns == built, "one that stayed in its place is kept"


@pytest.mark.parametrize("board", ["mps2-an386", "netduinoplus2"])
def test_an_image_larger_than_the_slot_is_refused_with_both_numbers(board: str, tmp_path: Path) -> None:
    slot_bytes = load_boards()[board].image_bytes
    assert slot_bytes is not None
    image = tmp_path / "model.asdm"
    image.write_bytes(bytes(slot_bytes + 1))
    with pytest.raises(BackendError, match=rf"model\.asdm: {slot_bytes + 1:,} bytes, and {board} has {slot_bytes:,} "):
        score_on_board(board, tmp_path / "no_program", image, [])


REGISTERS = "R00=00000000 R01=00000001\nFPSCR: 00000000"
LOCKUP = "qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)"


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        ("fault: stack overflow, pc unknown\nqemu: terminated\n" + REGISTERS, 70, "fault: stack overflow, pc unknown"),
        ("warning: slow\n" + LOCKUP + "\n\n" + REGISTERS, 134, LOCKUP),
        ("first\nlast", 1, "last"),
        ("", 1, "ended with code 1"),
    ],
)
def test_the_cause_of_an_end_is_one_line(
    printed: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _stand_in(tmp_path, monkeypatch, f"import sys\nsys.stderr.write({printed!r})\nsys.exit({code})")
    with pytest.raises(BackendError) as raised:
        score_on_board("linux-aarch64", program, program, [])
    assert str(raised.value) == f"linux-aarch64: {said}"


def test_clips_that_do_not_come_out_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _stand_in(tmp_path, monkeypatch, "import sys\nsys.stdout.buffer.write(bytes(4) + b'\\1' + bytes(43))")
    with pytest.raises(BackendError, match="linux-aarch64: 2 clips went in, 0 came out"):
        score_on_board("linux-aarch64", program, program, [ClipToRun(np.zeros(64, np.int16), 0)] * 2)


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A script for Python in place of a program for QEMU."""
    monkeypatch.setitem(MACHINES, "linux-aarch64", replace(MACHINES["linux-aarch64"], emulator=(sys.executable,)))
    program = folder / "program.py"
    program.write_text(script)
    return program
