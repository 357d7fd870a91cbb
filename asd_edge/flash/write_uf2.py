"""Parts of flash -> a UF2 file (github.com/microsoft/uf2) on the drive that a board's bootloader shows.

Blocks of 512 bytes: two magic numbers, flags, address, bytes of data, number, count, family, 476 bytes of data of which
256 are used, a last magic number. The drive restarts the board by itself once it has all of them.
"""

import contextlib
import errno
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import ERASED, Part

BLOCK_BYTES, PAYLOAD_BYTES = 512, 256
UF2_FILE, INFO_FILE = "asd-edge.uf2", "INFO_UF2.TXT"
_MAGIC, _SECOND_MAGIC, _LAST_MAGIC = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_FAMILY_PRESENT = 0x00002000
_HEADER = struct.Struct("<8I")
_DATA_BYTES = BLOCK_BYTES - _HEADER.size - 4
_MOUNTS = Path("/proc/self/mounts")
_VOLUMES = Path("/Volumes")  # where macOS mounts drives
_RESTART_SECONDS = 30.0
_BYTES_PER_WRITE = 65_536


def write_blocks(parts: Sequence[Part], family: int) -> bytes:
    """Every page of 256 bytes that a part touches, ascending; the rest of a page as erased flash."""
    pages: dict[int, bytearray] = {}
    for part in parts:
        for address in range(part.address - part.address % PAYLOAD_BYTES, part.end, PAYLOAD_BYTES):
            page = pages.setdefault(address, bytearray(ERASED * PAYLOAD_BYTES))
            start, end = max(address, part.address), min(address + PAYLOAD_BYTES, part.end)
            page[start - address : end - address] = part.content[start - part.address : end - part.address]
    blocks = []
    for number, address in enumerate(sorted(pages)):
        header = _HEADER.pack(
            *(_MAGIC, _SECOND_MAGIC, _FAMILY_PRESENT, address, PAYLOAD_BYTES, number, len(pages), family)
        )
        blocks.append(header + bytes(pages[address]).ljust(_DATA_BYTES, ERASED) + _LAST_MAGIC.to_bytes(4, "little"))
    return b"".join(blocks)


def find_drive(board_id: str, given: Path | None, mounted: Sequence[Path] | None = None) -> Path:
    """The drive whose INFO_UF2.TXT has a Board-ID that starts so; `mounted`: where to look, else what is mounted here.

    Raises FlashError where there is none, or more than one, or the given one is another board's.
    """
    if given is not None:
        found = _board_id(given)
        if found is None:
            raise FlashError(
                f"{given}: has no {INFO_FILE}, so it's no drive of a UF2 bootloader; choose another --probe"
            )
        if not found.startswith(board_id):
            raise FlashError(f"{given}: is the drive of a {found}, not of a {board_id}; check --board and --probe")
        return given
    drives = [drive for drive in (_mounted() if mounted is None else mounted) if _is_of(drive, board_id)]
    if not drives:
        raise FlashError(
            f"uf2: no drive of a {board_id} is mounted; hold its BOOTSEL button while you plug it in, "
            "mount the drive, or name its folder with --probe"
        )
    if len(drives) > 1:
        raise FlashError(f"uf2: more than one drive: {', '.join(map(str, drives))}; choose one with --probe")
    return drives[0]


def write_to_drive(
    content: bytes,
    drive: Path,
    on_progress: ProgressFn = ignore_progress,
    restart_seconds: float = _RESTART_SECONDS,
) -> None:
    """Write, flush, wait until the drive is gone: the board has taken every block and restarts.

    Raises FlashError for a full drive, one that can't be written, and one that stays.
    """
    path = drive / UF2_FILE
    try:
        with path.open("wb", buffering=0) as file:
            for at in range(0, len(content), _BYTES_PER_WRITE):
                _write_all(file.fileno(), content[at : at + _BYTES_PER_WRITE])
                on_progress(min(at + _BYTES_PER_WRITE, len(content)), len(content))
            # The board may be gone before its last block is acknowledged; a drive that stays says more below.
            with contextlib.suppress(OSError):
                os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with contextlib.suppress(OSError):
                path.unlink()
            raise FlashError(
                f"{drive}: full after less than {len(content):,} bytes; remove what else is on it and try again"
            ) from error
        raise FlashError(f"{path}: can't be written ({error.strerror or error}); plug the board in again") from error
    end = time.monotonic() + restart_seconds
    while (drive / INFO_FILE).exists():
        if time.monotonic() > end:
            raise FlashError(
                f"{drive}: took the file, but the board didn't restart within {restart_seconds:.0f} s; "
                "it may have refused the blocks: plug it in again and run the same command"
            )
        time.sleep(0.1)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _is_of(drive: Path, board_id: str) -> bool:
    found = _board_id(drive)
    return found is not None and found.startswith(board_id)


def _board_id(drive: Path) -> str | None:
    try:
        lines = (drive / INFO_FILE).read_text(errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.lower().startswith("board-id:")), "")


def _mounted() -> list[Path]:
    """Mount points, in which /proc/self/mounts writes a space as \\040."""
    if not _MOUNTS.exists():
        return sorted(_VOLUMES.glob("*"))
    places = [line.split()[1] for line in _MOUNTS.read_text(errors="replace").splitlines()]
    return [Path(place.encode().decode("unicode_escape")) for place in places]
