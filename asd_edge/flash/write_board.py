"""A signed bundle, a board and a way in -> commands, then flash that holds both, verified."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part, check_apart, firmware_part, model_parts, slots_of
from asd_edge.flash.plan_dfu_util import plan_dfu_util
from asd_edge.flash.plan_gdb import plan_gdb
from asd_edge.flash.plan_openocd import plan_openocd
from asd_edge.flash.plan_pyocd import plan_pyocd
from asd_edge.flash.programmers import DFU, GDB, OPENOCD, PYOCD, UF2, Programmer, programmer_of
from asd_edge.flash.tool_plan import ToolPlan, run_plan
from asd_edge.flash.write_uf2 import BLOCK_BYTES, UF2_FILE, find_drive, write_blocks, write_to_drive

_PLANS: dict[str, Callable[[Sequence[Part], Programmer, str | None, str | None], ToolPlan]] = {
    PYOCD: plan_pyocd,
    OPENOCD: plan_openocd,
    DFU: plan_dfu_util,
    GDB: plan_gdb,
}


@dataclass(frozen=True)
class WayIn:
    """How a programmer reaches a board; `probe` and `target` as the method's plan takes them, None: the only one."""

    method: str
    probe: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class BoardWrite:
    """What is to be written, and how."""

    board: Board
    way: WayIn
    parts: tuple[Part, ...]

    @property
    def is_read_back(self) -> bool:
        """Whether the flash itself is compared; the drive of a UF2 bootloader can't be read."""
        return self.way.method != UF2


def prepare_write(board: Board, way: WayIn, content: bytes, bundle_path: Path, firmware: Path | None) -> BoardWrite:
    """`content`: the bundle, whose signature was checked. Touches nothing.

    Raises FlashError for a board without slots, parts that don't fit, or a way that isn't known of the board.
    """
    slots = slots_of(board)
    parts = model_parts(content, slots, bundle_path)
    if firmware is not None:
        parts.insert(0, firmware_part(firmware, board))
    check_apart(parts, slots.page_bytes)
    write = BoardWrite(board, way, tuple(parts))
    command_lines(write)
    return write


def command_lines(write: BoardWrite) -> list[str]:
    """What `carry_out` does, as a shell would be told; files first, which lie in a folder of their own."""
    if write.way.method == UF2:
        family, board_id = _uf2(write)
        n_blocks = len(write_blocks(write.parts, family)) // BLOCK_BYTES
        drive = write.way.probe or f"the drive of a {board_id}"
        return [f"# {UF2_FILE}: {n_blocks:,} blocks, family {family:#010x}", f"cp {UF2_FILE} {drive}"]
    plan = _plan(write)
    files = [f"# {part.file}: {len(part.content):,} bytes for {part.address:#010x}" for part in write.parts]
    return files + plan.lines()


def carry_out(write: BoardWrite, on_progress: ProgressFn = ignore_progress) -> None:
    """Write, verify, restart. Raises FlashError with what failed and what to do."""
    if write.way.method == UF2:
        family, board_id = _uf2(write)
        drive = find_drive(board_id, Path(write.way.probe) if write.way.probe else None)
        write_to_drive(write_blocks(write.parts, family), drive, on_progress)
    else:
        run_plan(_plan(write), on_progress)


def _plan(write: BoardWrite) -> ToolPlan:
    plan = _PLANS[write.way.method]
    return plan(write.parts, programmer_of(write.board), write.way.probe, write.way.target)


def _uf2(write: BoardWrite) -> tuple[int, str]:
    programmer = programmer_of(write.board)
    if programmer.uf2_family is None or programmer.uf2_board_id is None:
        raise FlashError(f"uf2: {write.board.name} isn't known to have a UF2 bootloader; choose another --method")
    return programmer.uf2_family, programmer.uf2_board_id
