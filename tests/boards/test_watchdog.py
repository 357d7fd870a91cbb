"""A model that hangs on trial: the watchdog resets the emulated board, each costs an attempt, the old one stays."""

import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.backends.emulate_board import build_firmware, missing_programs
from asd_edge.backends.serial_link import SerialLink, open_link
from asd_edge.boards import board_named
from asd_edge.errors import FlashError
from asd_edge.flash.serial_update import board_state, update_board
from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.keys import public_key_source
from asd_edge.package.self_test import SelfTest
from tests.boards.emulated_serial import SerialBoard, running_board
from tests.engine.small_images import CLIP_SAMPLES, IMAGES

BOARD, DETECTOR = "mps2-an386", "detector"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HANGS = 2  # version whose self-test never ends
CONFIRMED, TRIAL = 1, 2
MOST_ATTEMPTS = 3
RECORD = struct.Struct("<4sIIIIIII")
RECORD_BYTES = 64
# In place of the self-test: linked before the library that has it. It sleeps, and no interrupt of its own wakes it. The
# watchdog has a second here, where a trial gives it two minutes.
PLANTED = f"""
#include "asd/asd_device.h"
#include "asd/asd_self_test.h"

bool asd_self_test(asd_self_test_result *result, const asd_bundle *bundle, asd_detector *detector,
                   const asd_model *model, void *arena, uint32_t arena_bytes)
{{
    (void)result, (void)detector, (void)model, (void)arena, (void)arena_bytes;
    if (bundle->version == {HANGS}u) {{
        asd_device_watchdog(1);
    }}
    while (bundle->version == {HANGS}u) {{
        *(volatile uint32_t *)0xE000E010u = 0;
        __asm__ volatile("wfi");
    }}
    return true;
}}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("watchdog")
    keys = folder / "keys.c"
    keys.write_text(public_key_source(KEY.public_key().public_bytes_raw(), "test") + PLANTED)
    return build_firmware(BOARD, folder / "build", [DETECTOR], public_keys=keys) / DETECTOR


@pytest.fixture
def board(program: Path) -> Iterator[SerialBoard]:
    with running_board(BOARD, program) as running:
        yield running


@pytest.fixture
def link(board: SerialBoard) -> Iterator[SerialLink]:
    with open_link(board.port) as opened:
        yield opened


def _bundle(version: int) -> Bundle:
    self_test = SelfTest(1, CLIP_SAMPLES, 0, bytes(32))
    return Bundle(BOARD, "fan/id_00", 0, 0, version, 1, self_test, IMAGES["detector"]())


def _update_log(board: SerialBoard, folder: Path) -> list[tuple[int, int, int, int]]:
    """State, active slot, attempts, least version of each record that the board's flash holds, in order."""
    slots = board_named(BOARD).slots
    assert slots is not None
    records = []
    for index, address in enumerate(slots.log):
        page = folder / f"page{index}.bin"
        board.monitor.sendall(f'pmemsave {address:#x} {slots.page_bytes} "{page}"\n'.encode())
        for _ in range(200):
            if page.exists() and page.stat().st_size == slots.page_bytes:
                break
            time.sleep(0.05)
        content = page.read_bytes()
        for at in range(0, slots.page_bytes, RECORD_BYTES):
            bytes_of = content[at : at + RECORD_BYTES]
            if zlib.crc32(bytes_of[:-4]) == int.from_bytes(bytes_of[-4:], "little"):
                _, sequence, state, active, attempts, least, *_ = RECORD.unpack_from(bytes_of)
                records.append((sequence, (state, active, attempts, least)))
    return [record for _, record in sorted(records)]


def test_a_model_that_hangs_is_reset_three_times_and_taken_back(
    board: SerialBoard, link: SerialLink, tmp_path: Path
) -> None:
    first, second = _bundle(1), _bundle(HANGS)
    state = update_board(link, first, pack_bundle(first, KEY))
    assert (state.version, state.slot, state.is_on_trial) == (1, 0, False)
    with pytest.raises(FlashError, match="version 2 failed its self-test on the board, which runs version 1 as before"):
        update_board(link, second, pack_bundle(second, KEY))
    state = board_state(link)
    assert (state.version, state.is_on_trial, state.attempts, state.least_version) == (1, False, 0, 1)
    log = _update_log(board, tmp_path)
    of_second = [(TRIAL, 0, attempts, 1) for attempts in range(MOST_ATTEMPTS + 1)]
    assert log[-MOST_ATTEMPTS - 2 :] == [*of_second, (CONFIRMED, 0, 0, 1)], "an attempt for each reset"
