"""Two slots and a log in each board's flash, by the rule that boards.yaml gives; what doesn't fit is refused."""

import re
from pathlib import Path

import pytest

from asd_edge import boards as boards_module
from asd_edge.boards import Board, Slots, board_named, load_boards
from asd_edge.cli import run as run_command
from asd_edge.errors import CompilerError, PackageError
from asd_edge.export.detector import load_detector
from asd_edge.model.checkpoint import shipped_checkpoint
from asd_edge.package.bundle import HEADER_BYTES
from asd_edge.package.check_slot import check_slot
from asd_edge.package.keys import write_new_keys
from tests.frontend.frontend_programs import FIRMWARE

WITH_SLOTS = {name: board for name, board in load_boards().items() if board.slots is not None}
EMULATED = ("mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547")
REAL = tuple(name for name in WITH_SLOTS if name not in EMULATED)
FULL_WIDTH_BYTES = 960_112  # an image of the shipped model for a core with DSP
FIRMWARE_BYTES = 65_536
LOG_RECORD_BYTES = 64


def _slots(board: Board) -> Slots:
    assert board.slots is not None
    return board.slots


def _constant(path: Path, name: str) -> int:
    """The value of a #define: a number, or a product of them."""
    found = re.search(rf"#define {name} \(?([\dxA-Fa-fu* <]+)", path.read_text())
    assert found is not None, name
    return int(eval(found[1].replace("u", "")))  # digits and operators alone, by the expression above


@pytest.mark.parametrize("name", WITH_SLOTS)
def test_slots_are_whole_pages_of_the_flash_apart_from_each_other_and_the_firmware(name: str) -> None:
    board = WITH_SLOTS[name]
    slots, base, n_flash = _slots(board), board.facts.flash_base.value, board.flash_bytes
    assert base is not None
    assert n_flash is not None
    used = [(base, slots.firmware_bytes), *((page, slots.page_bytes) for page in slots.log)]
    used += [(address, slots.bytes) for address in slots.addresses]
    for start, n_bytes in used:
        assert start % slots.page_bytes == n_bytes % slots.page_bytes == 0
        assert base <= start <= start + n_bytes <= base + n_flash
    for (start, n_bytes), (behind, _) in zip(sorted(used), sorted(used)[1:], strict=False):
        assert start + n_bytes <= behind
    assert slots.page_bytes >= 2 * LOG_RECORD_BYTES


@pytest.mark.parametrize("name", REAL)
def test_the_slots_of_a_part_follow_from_its_flash(name: str) -> None:
    board = WITH_SLOTS[name]
    slots, base, n_flash = _slots(board), board.facts.flash_base.value, board.flash_bytes
    assert base is not None
    assert n_flash is not None
    page = slots.page_bytes
    assert board.facts.flash_sectors.value == f"{page // 1024} KB"
    firmware = -(-FIRMWARE_BYTES // page) * page
    n_slot = (n_flash - firmware - 2 * page) // 2 // page * page
    log, first = base + firmware, base + firmware + 2 * page
    assert slots == Slots(
        addresses=(first, first + n_slot),
        bytes=n_slot,
        log=(log, log + page),
        page_bytes=page,
        firmware_bytes=firmware,
    )


@pytest.mark.parametrize("name", EMULATED)
def test_the_slots_of_an_emulated_board_are_those_of_its_program(name: str) -> None:
    device, slots = FIRMWARE / "apps/detector/emulated_device.c", _slots(WITH_SLOTS[name])
    base = _constant(FIRMWARE / "boards" / name / "board.h", "ASD_SECOND_RAM")
    page, n_slot = _constant(device, "PAGE_BYTES"), _constant(device, "SLOT_BYTES")
    assert board_named(name).facts.flash_base.value == base
    assert (slots.log, slots.page_bytes, slots.bytes) == ((base, base + page), page, n_slot)
    assert slots.addresses == (base + 2 * page, base + 2 * page + n_slot)
    assert slots.addresses[1] + n_slot <= base + _constant(device, "FLASH_BYTES")


def test_two_megabytes_of_small_sectors_hold_the_reference_model_twice() -> None:
    fits = {name for name, board in WITH_SLOTS.items() if _slots(board).bytes >= HEADER_BYTES + FULL_WIDTH_BYTES}
    assert fits == {*EMULATED, "nucleo-l4r5zi", "nucleo-u575zi-q", "nucleo-h7a3zi-q", "pico2"}
    assert set(WITH_SLOTS) - fits == {"nucleo-h743zi", "nrf5340-dk"}


RIGHT = "addresses: [0x1300, 0x1900], bytes: 0x600, log: [0x1100, 0x1200], page_bytes: 256, firmware_bytes: 256"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("0x1900]", "0x1901]", "aren't whole pages of 256"),
        ("bytes: 0x600", "bytes: 0x5ff", "aren't whole pages of 256"),
        ("0x1900]", "0x1800]", "what begins at 0x00001800 overlaps"),
        ("[0x1100, 0x1200]", "[0x1100, 0x1100]", "what begins at 0x00001100 overlaps"),
        ("0x1900]", "0x1b00]", "leave the flash behind the firmware"),
        ("firmware_bytes: 256", "firmware_bytes: 512", "leave the flash behind the firmware"),
        ("log: [0x1100, 0x1200]", "log: [0x1100]", "slots.log"),
        ("page_bytes: 256", "page_bytes: 0", "slots.page_bytes"),
    ],
)
def test_wrong_slots_are_refused_in_one_line(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    text = "boards:\n  b: {{core: cortex-m4, kernels: dsp, flash_base: 0x1000, flash_bytes: 0xf00, slots: {{{}}}}}\n"
    path.write_text(text.format(RIGHT))
    assert load_boards(path)["b"].slots is not None
    path.write_text(text.format(RIGHT.replace(right, wrong)))
    with pytest.raises(CompilerError, match=re.escape(said)) as raised:
        load_boards(path)
    assert str(raised.value).startswith(f"{path}: b ")
    assert "\n" not in str(raised.value)


def test_a_bundle_too_large_for_its_slot_is_refused_with_the_width_that_fits(small_work: Path) -> None:
    detector = load_detector(small_work / "detector.safetensors")
    check_slot(board_named("nucleo-l4r5zi"), FULL_WIDTH_BYTES, small_work, detector)
    with pytest.raises(PackageError) as raised:
        check_slot(board_named("nrf5340-dk"), FULL_WIDTH_BYTES, shipped_checkpoint(), detector)
    said = str(raised.value)
    assert "nrf5340-dk has two slots of 487,424 bytes in 1,048,576 bytes of flash in sectors of 4 KB" in said
    assert "this needs 960,624; a network of width 0.625 fits: asd-edge train --width 0.625" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stm32f746-disco", "its 128-Mbit Quad-SPI flash lies outside of the part"),
        ("netduinoplus2", "1,048,576 bytes of flash can't be halved into equal sectors"),
        ("corstone-300", "boards.yaml doesn't know its flash"),
    ],
)
def test_a_board_without_two_slots_is_refused_with_the_reason(name: str, said: str, small_work: Path) -> None:
    detector = load_detector(small_work / "detector.safetensors")
    with pytest.raises(PackageError, match=rf"{name} has no two slots for bundles, this one of 1,512 bytes: .*{said}"):
        check_slot(board_named(name), 1000, small_work, detector)
    check_slot(board_named("rpi4"), 1 << 30, small_work, detector)


def test_package_refuses_before_it_writes(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "boards.yaml", tmp_path / "out.asdb"
    file.write_text(f"boards:\n  small: {{core: cortex-m4, kernels: dsp, flash_bytes: 0xf00, slots: {{{RIGHT}}}}}\n")
    monkeypatch.setattr(boards_module, "_PLACES", (file,))
    write_new_keys(tmp_path / "plant.key")
    words = ["--board", "small", "--machine", "fan/id_02", "--version", "1", "--threshold", "1", "-o", str(out)]
    assert run_command(["package", str(small_work), "--key", str(tmp_path / "plant.key"), *words]) == 2
    printed = capsys.readouterr()
    assert "small has two slots of 1,536 bytes" in printed.err
    assert "no narrower network of this kind fits: choose another board" in printed.err
    assert printed.err.count("\n") == 1
    assert not out.exists()
