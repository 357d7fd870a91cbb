"""Parts of flash -> one session of pyOCD that halts, writes, reads back and restarts."""

from collections.abc import Sequence

from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part
from asd_edge.flash.programmers import Programmer
from asd_edge.flash.tool_plan import Command, ToolPlan


def plan_pyocd(parts: Sequence[Part], programmer: Programmer, probe: str | None, target: str | None) -> ToolPlan:
    """`probe`: its unique ID; `target`: one that pyocd list --targets names.

    Raises FlashError for a board that pyOCD's target isn't known of.
    """
    name = target or programmer.pyocd_target
    if name is None:
        raise FlashError("pyocd: which of its targets is meant? give it with --target; pyocd list --targets names them")
    words = ["pyocd", "commander", "--no-wait", "--target", name]
    words += [] if probe is None else ["--probe", probe]
    words += ["--connect", "halt", "-c", "reset", "halt"]
    for part in parts:
        words += ["-c", "loadmem", f"{part.address:#010x}", part.file]
    for part in parts:
        words += ["-c", "savemem", f"{part.address:#010x}", str(len(part.content)), f"read-{part.file}"]
    words += ["-c", "reset"]
    return ToolPlan(
        (Command(tuple(words), 2 * sum(len(part.content) for part in parts)),),
        {part.file: part.content for part in parts},
        f"check cable and power with pyocd list; pyocd pack install {name} fetches a target that it lacks",
        {f"read-{part.file}": part for part in parts},
    )
