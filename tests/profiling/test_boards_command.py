"""`asd-edge boards`: every fact with its source, and a count of what nobody says."""

import json
from pathlib import Path

import pytest

from asd_edge.boards import load_board_table
from asd_edge.cli import run
from asd_edge.profiling.board_tables import applies, unknown


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["boards", *words]) == 0
    return capsys.readouterr().out


def test_a_boards_facts_come_with_document_revision_and_page(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(shown(capsys, "nucleo-l4r5zi", "--json"))
    assert content["ram_bytes"] == {
        "value": 655_360,
        "document": "Zephyr, dts/arm/st/l4/stm32l4r5.dtsi",
        "revision": "0202bd860cbf",
        "page": "sram0, sram1, sram2",
    }
    assert content["sleep_power_mw"]["value"] is None
    printed = shown(capsys, "nucleo-l4r5zi")
    assert "sleep_power_mw           unknown" in printed
    assert "accelerator_clock_hz     does not apply" in printed


def test_check_counts_what_is_unknown_and_finds_no_stale_constant(capsys: pytest.CaptureFixture[str]) -> None:
    table = load_board_table()
    n_unknown = sum(len(unknown(board)) for board in table.boards.values())
    last = shown(capsys, "check").strip().splitlines()[-1]
    assert f"{n_unknown} unknown" in last, "and no line of a constant behind it"
    assert "sleep_power_mw" in json.loads(shown(capsys, "check", "--json"))["pico2"]["unknown"]


def test_check_finds_a_constant_that_the_measurements_dont_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.yaml"
    cycles = "{value: {value: 2, low: 1, high: 3, method: calibrated}, document: cycle-model}"
    path.write_text(f"boards:\n  mine: {{core: cortex-m4, kernels: dsp, cycles_per_instruction: {cycles}}}\n")
    assert "mine: 2.0 cycles per instruction, " in shown(capsys, "check", "--boards", str(path))


def test_what_a_board_cant_have_is_not_unknown() -> None:
    boards = load_board_table().boards
    assert not applies(boards["rpi4"], "flash_sectors")
    assert applies(boards["rpi4"], "memory_bytes_per_s")
    assert not applies(boards["pico2"], "accelerator_clock_hz")
    assert applies(boards["coral-usb"], "accelerator_clock_hz")
    assert unknown(boards["host"]) == unknown(boards["virt-aarch64"]) == []


def test_the_list_has_every_board(capsys: pytest.CaptureFixture[str]) -> None:
    printed = shown(capsys)
    assert all(name in printed for name in load_board_table().boards)


def test_names_in_brackets_are_shown_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my.yaml"
    path.write_text('boards:\n  "[red]b": {core: cortex-m4, kernels: dsp}\n')
    assert "[red]b" in shown(capsys, "--boards", str(path))
    assert "[red]b" in shown(capsys, "check", "--boards", str(path))
    assert "[red]b" in shown(capsys, "[red]b", "--boards", str(path))
