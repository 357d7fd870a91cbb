"""The firmware's score_clips as a static program for a Linux board, by what its `uname -m` says.

A machine of this one's own kind is served by the compiler here, any other by Debian's cross compiler.
"""

import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from asd_edge.backends.emulate_board import FIRMWARE, SCORE_CLIPS, SETUP
from asd_edge.errors import BackendError


@dataclass(frozen=True)
class _Toolchain:
    file: str | None  # under firmware/boards; None: only where it is the machine here
    compiler: str


_ARM_32 = _Toolchain("armhf-linux.cmake", "arm-linux-gnueabihf-gcc")
TOOLCHAINS = {  # by `uname -m`
    "aarch64": _Toolchain("aarch64-linux.cmake", "aarch64-linux-gnu-gcc"),
    "armv7l": _ARM_32,
    "armv8l": _ARM_32,  # 32-bit programs under a 64-bit kernel
    "x86_64": _Toolchain(None, "cc"),
}


def build_linux_program(machine: str, folder: Path) -> Path:
    """Build below `folder`, or only what has changed since; the program.

    Raises BackendError for a machine that no compiler here serves, or a compiler that is missing or fails.
    """
    toolchain = _toolchain_for(machine)
    absent = [name for name in ("cmake", toolchain.compiler) if shutil.which(name) is None]
    if absent:
        raise BackendError(f"{', '.join(absent)} not found; {SETUP}")
    if not FIRMWARE.is_dir():
        raise BackendError("the firmware's sources are not in this installation; use a clone of the repository")
    build = folder.resolve() / f"{machine}-{_place(folder)}"
    settings = {"CMAKE_EXE_LINKER_FLAGS": "-static"}
    if toolchain.file is not None:
        settings["CMAKE_TOOLCHAIN_FILE"] = str(FIRMWARE / "boards" / toolchain.file)
    _run(["cmake", "-S", str(FIRMWARE), "-B", str(build), *(f"-D{name}={value}" for name, value in settings.items())])
    _run(["cmake", "--build", str(build), "--target", SCORE_CLIPS])
    return build / SCORE_CLIPS


def _toolchain_for(machine: str) -> _Toolchain:
    if machine == platform.machine() and platform.system() == "Linux":
        return _Toolchain(None, "cc")
    if machine == "armv6l":
        raise BackendError("armv6l: the cross compiler's libraries need ARMv7; run litert there instead of engine")
    if machine not in TOOLCHAINS or TOOLCHAINS[machine].file is None:
        served = ", ".join(dict.fromkeys([platform.machine(), *TOOLCHAINS]))
        raise BackendError(f"{machine}: no compiler here makes programs for it; it serves {served}")
    return TOOLCHAINS[machine]


def _place(folder: Path) -> str:
    """Of sources and build: CMake refuses a build folder that was moved, or whose sources were."""
    return hashlib.sha256(f"{FIRMWARE.resolve()}\n{folder.resolve()}".encode()).hexdigest()[:8]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        first = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no output")
        raise BackendError(f"{' '.join(command[:2])} failed: {first}")
