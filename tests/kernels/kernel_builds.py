"""Builds kernel_check with the plain kernels: every compiler and optimization, sanitizers, 64-bit Arm, a Cortex-M4."""

import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.boards.m4_build import M4_BOARD, M4_FLAGS, M4_PORT
from tests.frontend.every_build import COMPILERS, FLAGS
from tests.frontend.frontend_programs import EMULATOR, FIRMWARE, WARNINGS, missing, missing_runtime, run_program
from tests.frontend.frontend_programs import run_on_board as run_image_on_board

RunFn = Callable[[bytes, Path], bytes]  # (input of kernel_check, an empty folder) -> its output

PLAIN_KERNELS = sorted(
    path for path in (FIRMWARE / "kernels").glob("*.c") if "_dsp" not in path.stem and "_mve" not in path.stem
)


def compile_check(compiler: str, flags: Iterable[str], port: Iterable[Path], folder: Path) -> Path:
    """The program; warnings are errors."""
    program = folder / "kernel_check"
    paths = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'kernels'}"]
    sources = [*PLAIN_KERNELS, FIRMWARE / "apps/kernels/kernel_check.c", *port]
    subprocess.run([compiler, "-std=c99", *WARNINGS, *paths, *sources, *flags, "-o", program], check=True)
    return program


def compile_for_host(compiler: str, flags: Iterable[str], folder: Path) -> Path:
    return compile_check(compiler, flags, [FIRMWARE / "boards/host/port.c"], folder)


def builds() -> Iterator[tuple[str, str | None, RunFn]]:
    """(name, why it can't run here or None, how it runs) of each."""
    for compiler in COMPILERS:
        for flags in FLAGS:
            reason = missing(compiler) or missing_runtime(compiler, flags)
            yield f"{compiler} {flags[-1]}", reason, _host(compiler, flags)
    yield "Cortex-M4", missing("arm-none-eabi-gcc", EMULATOR), _run_on_board
    yield "aarch64", missing("aarch64-linux-gnu-gcc", "qemu-aarch64-static"), _run_aarch64


def _host(compiler: str, flags: tuple[str, ...]) -> RunFn:
    return lambda given, folder: run_program([compile_for_host(compiler, flags, folder)], given)


def _run_on_board(given: bytes, folder: Path) -> bytes:
    return run_image_on_board(M4_BOARD, compile_check("arm-none-eabi-gcc", M4_FLAGS, M4_PORT, folder), given, folder)


def _run_aarch64(given: bytes, folder: Path) -> bytes:
    program = compile_for_host("aarch64-linux-gnu-gcc", ("-O2", "-static"), folder)
    return run_program(["qemu-aarch64-static", program], given)
