"""What two profiles, the linker and the table are compared by: sections, symbols, counts, a row."""

from typing import Any

import pytest

from asd_edge.boards import load_boards
from tests.bench.profile_figures import (
    LinkedBytes,
    ProfiledBoard,
    bytes_off_the_linker,
    counted_figures,
    linked_bytes,
    n_differing,
    profile_values,
    table_row,
)

SECTIONS = """There are 9 section headers, starting at offset 0x3f0:

Section Headers:
  [Nr] Name              Type            Addr     Off    Size   ES Flg Lk Inf Al
  [ 0]                   NULL            00000000 000000 000000 00      0   0  0
  [ 1] .text             PROGBITS        00000000 001000 000100 00  AX  0   0 16
  [ 2] .ARM.exidx        ARM_EXIDX       00000100 001100 000008 00  AL  1   0  4
  [ 3] .stack            NOBITS          20000000 002000 002000 00  WA  0   0  1
  [ 4] .data             PROGBITS        20002000 002000 000020 00  WA  0   0  4
  [ 5] .bss              NOBITS          20002020 002020 000400 00  WA  0   0 16
  [ 6] .comment          PROGBITS        00000000 002020 000046 01  MS  0   0  1
  [10] .symtab           SYMTAB          00000000 002068 000300 10     11  20  4
"""
SYMBOLS = """20000000 A asd_stack_bottom
20002000 B asd_stack_top
         U missing
00000010 T asd_reset
"""
LINKED = LinkedBytes(loaded=0x128, variables=0x420, stack=0x2000)


def figure(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "method": "estimated", "how": "", "low": low, "high": high}


def profile() -> dict[str, Any]:
    return {
        "board": "nucleo-l4r5zi",
        "core": "cortex-m4",
        "clock_hz": 120_000_000,
        "layers": [{"name": "conv", "instructions": 5.5}, {"name": "conv", "instructions": 7.0}],
        "ram_parts": {"arena": 64, "static": 0x420, "counting": 0x20, "stack": 0x2000},
        "instructions": figure(1_234_567.0),
        "mean_hop": figure(2.0),
        "worst_hop": figure(3.0),
        "ram": figure(0x400 + 64 + 0x2000),
        "flash": figure(0x128 + 1000),
        "stack": figure(512),
        "clip_ms": figure(12_345.6, 9_000.0, 15_000.0),
        "real_time_factor": figure(1.2346, 0.9, 1.5),
        "clip_energy": None,
        "cycles_per_instruction": figure(2.654) | {"how": "calibrated: 4 tasks"},
    }


def test_sections_and_symbols_give_what_the_linker_gave() -> None:
    assert linked_bytes(SECTIONS, SYMBOLS) == LINKED


def test_every_byte_off_the_linker_is_counted() -> None:
    found = profile()
    assert bytes_off_the_linker(found, LINKED, 1000, 64) == 0
    found["flash"]["value"] += 3
    found["ram_parts"]["static"] -= 4
    assert bytes_off_the_linker(found, LINKED, 1000, 64) == 7
    assert bytes_off_the_linker(profile(), LINKED, 1000, 65) == 1, "the arena is part of the RAM"


def test_a_count_that_differs_or_is_missing_is_one_that_differs() -> None:
    first, second = counted_figures(profile()), counted_figures(profile())
    assert n_differing(first, second) == 0
    assert len(first) == 6 + 2 + 4, "layers of one name are told apart"
    second["layer 1, conv"] = 7.5
    del second["stack"]
    assert n_differing(first, second) == 2


def test_a_row_has_bands_and_says_what_is_unknown() -> None:
    assert table_row(profile()) == (
        "| nucleo-l4r5zi | cortex-m4 | 120 | 1,234,567 | 12,346 [9,000 to 15,000] | 1.23 [0.90 to 1.50] | 9,280 "
        "| 1,296 | unknown | estimated, calibrated |"
    )


def test_the_slowest_of_each_kind_is_told_and_differences_add_up() -> None:
    boards = load_boards()
    found = [
        ProfiledBoard(boards[name], seconds, {}, n_counts, n_bytes, 0)
        for name, seconds, n_counts, n_bytes in (("rpi4", 9.0, 0, 1), ("rpi5", 8.0, 2, 0), ("pico2", 30.126, 1, 1))
    ]
    values = profile_values(found, 4)
    assert values == {
        "boards": 4,
        "boards_profiled": 3,
        "boards_refused": 1,
        "differing_counts": 3,
        "bytes_off_the_linker": 2,
        "bytes_off_the_painted_stack": 0,
        "slowest_mcu_seconds": pytest.approx(30.13),
        "slowest_linux_seconds": 9.0,
    }
    assert "slowest_mcu_seconds" not in profile_values(found[:2], 2)
