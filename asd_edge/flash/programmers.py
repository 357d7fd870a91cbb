"""What programming tools call each board, and which of them a board's own programmer needs.

Names of pyOCD's targets and OpenOCD's files: Zephyr, boards/*/board.cmake and support/openocd.cfg, and OpenOCD 0.12.0's
board files. UF2: Raspberry Pi, RP2350 data sheet, 5.5.3 (family "absolute": written where it says, whatever partitions
there are). DFU: vendor and product of ST's USB bootloader, whose alternate setting 0 is the internal flash.
"""

from dataclasses import dataclass, replace

from asd_edge.boards import Board
from asd_edge.errors import FlashError

PYOCD, OPENOCD, UF2, DFU, GDB, SERIAL = "pyocd", "openocd", "uf2", "dfu", "gdb", "serial"
METHODS = (PYOCD, OPENOCD, UF2, DFU, GDB, SERIAL)
_ST_DFU = "0483:df11"


@dataclass(frozen=True)
class Programmer:
    """None: not known, or the board has no such way in."""

    pyocd_target: str | None = None
    openocd_interface: str = "interface/cmsis-dap.cfg"
    openocd_target: str | None = None
    dfu_device: str | None = None  # vendor:product of its bootloader
    uf2_family: int | None = None
    uf2_board_id: str | None = None  # how the drive's Board-ID starts
    reset: str = "reset"  # what a gdb server's monitor calls it
    flash_base: int | None = None  # of boards.yaml


def _st(openocd_target: str, pyocd_target: str | None = None) -> Programmer:
    return Programmer(pyocd_target, "interface/stlink.cfg", openocd_target, _ST_DFU)


_PROGRAMMERS = {
    "nucleo-l4r5zi": _st("target/stm32l4x.cfg"),
    "nucleo-u575zi-q": _st("target/stm32u5x.cfg", "stm32u575zitx"),
    "nucleo-h743zi": _st("target/stm32h7x_dual_bank.cfg", "stm32h743zitx"),
    "nucleo-h7a3zi-q": _st("target/stm32h7x_dual_bank.cfg"),
    "stm32f746-disco": _st("target/stm32f7x.cfg"),
    "nrf5340-dk": Programmer(None, "interface/jlink.cfg"),
    "pico2": Programmer("rp2350", openocd_target="target/rp2350.cfg", uf2_family=0xE48BFF57, uf2_board_id="RP2350"),
    "ek-ra8d1": Programmer(pyocd_target="R7FA8D1BH", openocd_interface="interface/jlink.cfg"),
}


def programmer_of(board: Board) -> Programmer:
    """Of an emulated machine: QEMU's gdb server, whose monitor has its own word for a reset."""
    is_emulated = board.emulator == board.name
    found = Programmer(reset="system_reset") if is_emulated else _PROGRAMMERS.get(board.name, Programmer())
    return replace(found, flash_base=board.facts.flash_base.value)


def default_method(board: Board) -> str:
    """By the board's fact `programmer`. Raises FlashError where boards.yaml doesn't know it."""
    if board.emulator == board.name:
        return GDB
    fact = board.facts.programmer.value
    if board.system != "mcu":
        raise FlashError(f"{board.name}: is no microcontroller; only those have a programmer")
    if fact is None:
        raise FlashError(f"{board.name}: its programmer isn't known; choose a --method of {', '.join(METHODS)}")
    if "mass storage" in fact:
        return UF2
    return OPENOCD if "ST-LINK" in fact else PYOCD
