"""Parts of flash -> one call of OpenOCD that erases, writes, verifies and restarts."""

import re
from collections.abc import Sequence

from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part
from asd_edge.flash.programmers import Programmer
from asd_edge.flash.tool_plan import Command, ToolPlan

_NO_SERVERS = "gdb_port disabled; tcl_port disabled; telnet_port disabled"
_PROBE = re.compile(r"[\w.:-]+", re.ASCII)
_CONFIG = re.compile(r"[\w./-]+", re.ASCII)


def plan_openocd(parts: Sequence[Part], programmer: Programmer, probe: str | None, target: str | None) -> ToolPlan:
    """`probe`: its serial number; `target`: a file of OpenOCD's, as target/stm32f4x.cfg.

    Raises FlashError for a board that OpenOCD's file isn't known of, and for names that would be Tcl.
    """
    config = target or programmer.openocd_target
    if config is None or not _CONFIG.fullmatch(config):
        raise FlashError("openocd: which of its target files is meant? give it with --target, as target/stm32f4x.cfg")
    if probe is not None and not _PROBE.fullmatch(probe):
        raise FlashError(f"--probe {probe}: no serial number of a probe; its letters and digits alone")
    words = ["openocd", "-f", programmer.openocd_interface]
    words += [] if probe is None else ["-c", f"adapter serial {probe}"]
    words += ["-f", config, "-c", _NO_SERVERS]
    for part in parts:
        words += ["-c", f"program {part.file} {part.address:#010x} verify"]
    words += ["-c", "reset run", "-c", "shutdown"]
    return ToolPlan(
        (Command(tuple(words), sum(len(part.content) for part in parts)),),
        {part.file: part.content for part in parts},
        "check cable and power, and that no other program holds the probe",
    )
