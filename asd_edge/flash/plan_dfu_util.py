"""Parts of flash -> calls of dfu-util for the bootloader of an STM32 (DfuSe): write, read back, leave."""

from collections.abc import Sequence

from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part
from asd_edge.flash.programmers import Programmer
from asd_edge.flash.tool_plan import Command, ToolPlan

_INTERNAL_FLASH = "0"
_FEWEST_BYTES = 4  # a read that serves to leave


def plan_dfu_util(parts: Sequence[Part], programmer: Programmer, probe: str | None, target: str | None) -> ToolPlan:
    """`probe`: serial number of the USB device; `target`: vendor:product of a bootloader like ST's.

    Raises FlashError for a board that isn't known to have one.
    """
    device = target or programmer.dfu_device
    if device is None or programmer.flash_base is None:
        raise FlashError("dfu: this board isn't known to have ST's USB bootloader; choose another --method")
    start = ["dfu-util", "--device", device, "--alt", _INTERNAL_FLASH]
    start += [] if probe is None else ["--serial", probe]

    def command(where: str, action: str, file: str, n_bytes: int) -> Command:
        return Command((*start, "--dfuse-address", where, action, file), n_bytes)

    write = [command(f"{part.address:#010x}", "--download", part.file, len(part.content)) for part in parts]
    read = [
        command(f"{part.address:#010x}:{len(part.content)}", "--upload", f"read-{part.file}", len(part.content))
        for part in parts
    ]
    leave = command(f"{programmer.flash_base:#010x}:{_FEWEST_BYTES}:leave", "--upload", "first.bin", _FEWEST_BYTES)
    return ToolPlan(
        (*write, *read, leave),
        {part.file: part.content for part in parts},
        "start the board's bootloader (BOOT0 high, then reset) and check the USB cable; dfu-util --list shows it",
        {f"read-{part.file}": part for part in parts},
    )
