"""Builds kernel_check with the kernels for cores with the DSP extension: their C on hosts, their assembly on boards."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.frontend.every_build import SANITIZERS
from tests.frontend.frontend_programs import EMULATOR, FIRMWARE, WARNINGS, missing, missing_runtime, run_program
from tests.frontend.frontend_programs import run_on_board as run_image_on_board
from tests.kernels.kernel_builds import PLAIN_KERNELS, RunFn

CPUS = {
    "mps2-an386": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    "mps2-an500": ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"),
    "mps2-an505": ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"),
}
_KERNELS = FIRMWARE / "kernels"
_FAMILY = FIRMWARE / "boards/cortex-m"
_HOSTS = (("gcc", ("-O2",)), ("gcc", SANITIZERS), ("clang", ("-O3",)))
_STAND_INS = (
    *(f"-Dasd_{name}_s8=dsp_check_{name}" for name in ("conv2d", "pointwise", "depthwise")),
    "-Dasd_add_s8=asd_add_s8_dsp",
)


def compile_for_host(compiler: str, flags: Iterable[str], folder: Path) -> Path:
    """kernel_check, C alone."""
    sources = [*_KERNELS.glob("*_dsp.c"), FIRMWARE / "boards/host/port.c"]
    return _compile(compiler, flags, sources, "kernel_check", folder)


def compile_for_board(board: str, app: str, folder: Path) -> Path:
    """kernel_check or dsp_bench with every step that has assembly in place of its C."""
    board_folder = FIRMWARE / "boards" / board
    paths = (f"-I{board_folder}", f"-I{_FAMILY}", f"-L{_FAMILY}", f"-T{board_folder / 'memory.ld'}")
    link = ("-nostartfiles", "-specs=nosys.specs", "-Wl,--no-warn-rwx-segments")
    assembly = set(_KERNELS.glob("*_dsp.S"))
    in_c = [path for path in _KERNELS.glob("*_dsp.c") if path.with_suffix(".S") not in assembly]
    flags = ("-O2", "-mthumb", "-mfloat-abi=hard", *CPUS[board], *paths, *link)
    return _compile("arm-none-eabi-gcc", flags, [*assembly, *in_c, *_FAMILY.glob("*.c")], app, folder)


def _compile(compiler: str, flags: Iterable[str], sources: Iterable[Path], app: str, folder: Path) -> Path:
    """Warnings are errors. In kernel_check the fast kernels stand in for the plain ones."""
    program, app_object = folder / app, folder / f"{app}.o"
    command = [compiler, "-std=c99", *WARNINGS, f"-I{FIRMWARE / 'include'}", f"-I{_KERNELS}", *flags]
    is_check = app == "kernel_check"
    stand_ins = _STAND_INS if is_check else ()
    subprocess.run([*command, *stand_ins, "-c", FIRMWARE / f"apps/kernels/{app}.c", "-o", app_object], check=True)
    parts = [*PLAIN_KERNELS, *sorted(sources), *([FIRMWARE / "apps/kernels/dsp_check.c"] if is_check else [])]
    subprocess.run([*command, app_object, *parts, "-o", program], check=True)
    return program


def builds() -> Iterator[tuple[str, str | None, RunFn]]:
    """(name, why it can't run here or None, how it runs) of each."""
    for compiler, flags in _HOSTS:
        yield f"{compiler} {flags[-1]}", missing(compiler) or missing_runtime(compiler, flags), _host(compiler, flags)
    for board in CPUS:
        yield board, missing("arm-none-eabi-gcc", EMULATOR), _board(board)


def _host(compiler: str, flags: tuple[str, ...]) -> RunFn:
    return lambda given, folder: run_program([compile_for_host(compiler, flags, folder)], given)


def _board(board: str) -> RunFn:
    return lambda given, folder: run_image_on_board(
        board, compile_for_board(board, "kernel_check", folder), given, folder
    )
