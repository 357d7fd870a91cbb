"""Rung emulator:BOARD: its place in the ladder, and its errors."""

from pathlib import Path

import pytest

from asd_edge.backends.emulate_board import MACHINES, build_firmware, missing_programs, score_on_board
from asd_edge.backends.ladder import available_rungs, in_ladder_order, open_rung
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
