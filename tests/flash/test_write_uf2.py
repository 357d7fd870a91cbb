"""UF2 files against the published block format, and the drive that a bootloader shows: gone, full, another board's."""

import hashlib
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part
from asd_edge.flash.write_uf2 import BLOCK_BYTES, INFO_FILE, UF2_FILE, find_drive, write_blocks, write_to_drive

FAMILY = 0xE48BFF57
INFO = "UF2 Bootloader v1.0\r\nModel: Raspberry Pi RP2350\r\nBoard-ID: RP2350\r\n"


def flash_of(content: bytes, family: int) -> dict[int, bytes]:
    """Address -> payload, read as the format's table says; a bootloader would write just that."""
    found = {}
    n_blocks = len(content) // 512
    assert len(content) == 512 * n_blocks
    for number in range(n_blocks):
        block = content[512 * number : 512 * (number + 1)]
        first, second, flags, address, n_bytes, index, count, of_family = struct.unpack_from("<8I", block)
        assert block[:4] == b"UF2\n"
        assert (first, second) == (0x0A324655, 0x9E5D5157)
        assert block[508:] == bytes.fromhex("306fb10a")
        assert (flags, of_family) == (0x00002000, family)
        assert (index, count) == (number, n_blocks)
        assert n_bytes == 256
        assert address % 256 == 0
        assert block[32 + 256 : 508] == b"\xff" * 220
        found[address] = block[32:288]
    assert len(found) == n_blocks, "no page comes twice"
    return found


@pytest.mark.parametrize(
    ("address", "n_bytes"), [(0x10000000, 1), (0x10000000, 256), (0x10012000, 4099), (0x1000FFF0, 300)]
)
def test_the_blocks_hold_each_byte_at_its_address(address: int, n_bytes: int) -> None:
    content = os.urandom(n_bytes)
    flash = flash_of(write_blocks([Part("model", address, content)], FAMILY), FAMILY)
    start = min(flash)
    assert list(flash) == list(range(start, start + 256 * len(flash), 256))
    whole = b"".join(flash.values())
    at = address - start
    assert hashlib.sha256(whole[at : at + n_bytes]).digest() == hashlib.sha256(content).digest()
    assert set(whole[:at] + whole[at + n_bytes :]) <= {0xFF}


def test_parts_that_share_a_page_give_one_block_in_any_order() -> None:
    parts = [Part("b", 0x10000080, b"b" * 128), Part("a", 0x10000000, b"a" * 100), Part("far", 0x10200000, b"f")]
    flash = flash_of(write_blocks(parts, FAMILY), FAMILY)
    assert list(flash) == [0x10000000, 0x10200000]
    assert flash[0x10000000] == b"a" * 100 + b"\xff" * 28 + b"b" * 128


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "RP2350"
    folder.mkdir()
    (folder / INFO_FILE).write_text(INFO)
    return folder


def test_a_drive_is_found_by_its_board(drive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / INFO_FILE).write_text("Board-ID: SAMD21G18A-Zero-v0\n")
    assert find_drive("RP2350", None, [tmp_path, other, drive]) == drive
    assert find_drive("RP2350", drive) == drive
    with pytest.raises(FlashError, match=r"other: is the drive of a SAMD21G18A-Zero-v0, not of a RP2350"):
        find_drive("RP2350", other)
    with pytest.raises(FlashError, match=r"has no INFO_UF2\.TXT"):
        find_drive("RP2350", tmp_path)
    with pytest.raises(FlashError, match="no drive of a RP2350 is mounted; hold its BOOTSEL button"):
        find_drive("RP2350", None, [other])
    with pytest.raises(FlashError, match="more than one drive"):
        find_drive("RP2350", None, [drive, drive])


def test_what_is_mounted_here_is_looked_through() -> None:
    with pytest.raises(FlashError, match="no drive of a no-such-board is mounted"):
        find_drive("no-such-board", None)


def test_a_board_that_takes_the_file_and_goes_away_is_done(drive: Path) -> None:
    content = write_blocks([Part("model", 0x10000000, bytes(200_000))], FAMILY)
    taken: list[bytes] = []

    def bootloader() -> None:
        """Restarts, and with it the drive goes, once the last block has come."""
        path = drive / UF2_FILE
        while not path.exists() or path.stat().st_size < len(content):
            threading.Event().wait(0.01)
        taken.append(path.read_bytes())
        (drive / INFO_FILE).unlink()

    board = threading.Thread(target=bootloader)
    board.start()
    seen: list[tuple[int, int]] = []
    write_to_drive(content, drive, lambda done, total: seen.append((done, total)))
    board.join()
    assert flash_of(taken[0], FAMILY) == flash_of(content, FAMILY)
    assert seen[-1] == (len(content), len(content))
    assert seen == sorted(seen)


def test_a_board_that_stays_has_refused(drive: Path) -> None:
    with pytest.raises(FlashError, match="took the file, but the board didn't restart within 0 s"):
        write_to_drive(bytes(BLOCK_BYTES), drive, restart_seconds=0.2)


def test_a_drive_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FlashError, match=r"asd-edge\.uf2: can't be written \(No such file or directory\); plug"):
        write_to_drive(bytes(BLOCK_BYTES), tmp_path / "gone")


@pytest.fixture
def small_drive(drive: Path) -> Iterator[Path]:
    """A real file system of 16 KB at the drive's folder."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system can't be mounted here without root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", drive], capture_output=True).returncode != 0:
        pytest.skip("a file system can't be mounted here")
    try:
        (drive / INFO_FILE).write_text(INFO)
        yield drive
    finally:
        subprocess.run(["umount", drive], check=True)


def test_a_full_drive_is_one_line_and_keeps_no_half_file(small_drive: Path) -> None:
    assert find_drive("RP2350", None) == small_drive, "it is found among what is mounted"
    with pytest.raises(FlashError, match="full after less than 102,400 bytes"):
        write_to_drive(bytes(200 * BLOCK_BYTES), small_drive)
    assert [path.name for path in small_drive.iterdir()] == [INFO_FILE]


def test_a_device_that_is_full_is_one_line(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (tmp_path / UF2_FILE).symlink_to("/dev/full")
    with pytest.raises(FlashError, match="full after less than 512 bytes"):
        write_to_drive(bytes(BLOCK_BYTES), tmp_path)
