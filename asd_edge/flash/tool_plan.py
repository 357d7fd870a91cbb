"""Commands of a programming tool, what they read and what they must read back -> the flash written and verified."""

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import Part

_INSTALL = {
    "pyocd": "pip install pyocd",
    "openocd": "apt install openocd",
    "dfu-util": "apt install dfu-util",
    "gdb-multiarch": "apt install gdb-multiarch",
}
_SECONDS_PER_COMMAND = 900.0
_TELLING = ("refused", "timed out", "available", "error", "fail", "not found", "unable", "can't")  # the first word wins


@dataclass(frozen=True)
class Command:
    """A program and its words; files are named relative to a folder of their own. `n_bytes`: what it moves."""

    words: tuple[str, ...]
    n_bytes: int


@dataclass(frozen=True)
class ToolPlan:
    """`files`: by name, before the first command; `read_back`: file -> the part that it must equal after the last."""

    commands: tuple[Command, ...]
    files: Mapping[str, bytes]
    what_to_check: str  # where a command fails
    read_back: Mapping[str, Part] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The commands as a shell takes them."""
        return [shlex.join(command.words) for command in self.commands]


def run_plan(plan: ToolPlan, on_progress: ProgressFn = ignore_progress) -> None:
    """Raises FlashError for a tool that is missing or fails, and for flash that doesn't hold what was written."""
    for tool in dict.fromkeys(command.words[0] for command in plan.commands):
        if shutil.which(tool) is None:
            raise FlashError(f"{tool}: not found; {_INSTALL[tool]}")
    n_total = sum(command.n_bytes for command in plan.commands)
    n_done = 0
    on_progress(n_done, n_total)
    with tempfile.TemporaryDirectory(prefix="asd-edge-flash-") as name:
        folder = Path(name)
        for file, content in plan.files.items():
            (folder / file).write_bytes(content)
        printed = ""
        for command in plan.commands:
            printed = _run(command, folder, plan.what_to_check)
            n_done += command.n_bytes
            on_progress(n_done, n_total)
        for file, part in plan.read_back.items():
            _check_read_back(folder / file, part, plan.commands[0].words[0], printed, plan.what_to_check)


def _run(command: Command, folder: Path, what_to_check: str) -> str:
    tool = command.words[0]
    try:
        done = subprocess.run(
            command.words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS_PER_COMMAND,
        )
    except subprocess.TimeoutExpired as error:
        raise FlashError(f"{tool}: no end after {_SECONDS_PER_COMMAND:.0f} s; {what_to_check}") from error
    except OSError as error:
        raise FlashError(f"{tool}: can't be run ({error.strerror or error}); {_INSTALL[tool]}") from error
    printed = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise FlashError(f"{tool}: {_reason(printed, tool) or f'ended with code {done.returncode}'}; {what_to_check}")
    return printed


def _check_read_back(path: Path, part: Part, tool: str, printed: str, what_to_check: str) -> None:
    if not path.exists():
        raise FlashError(f"{tool}: {_reason(printed, tool) or 'nothing could be read back'}; {what_to_check}")
    found = path.read_bytes()
    if found != part.content:
        at = next((i for i, (a, b) in enumerate(zip(found, part.content, strict=False)) if a != b), len(found))
        raise FlashError(
            f"{tool}: {part.name} differs from what was written, first at {part.address + at:#010x}; "
            "run the same command again, then check power and the flash's write protection"
        )


def _reason(printed: str, tool: str) -> str:
    """The line that tells a failure most clearly, else the last one."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for word in _TELLING for line in lines if word in line.lower()]
    found = next(iter(telling), lines[-1] if lines else "")
    for prefix in (f"{tool}: ", "Error: "):
        found = found.removeprefix(prefix)
    return found.rstrip(".")
