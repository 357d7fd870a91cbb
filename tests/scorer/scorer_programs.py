"""Builds scorer_check for this machine, for a Cortex-M4 and for 64-bit Arm, and packs what it reads and writes."""

import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.scorer.fixed_head import FixedHead
from asd_edge.scorer.fixed_reconstruction import FixedOutputScale
from tests.boards.m4_build import M4_BOARD, M4_FLAGS, M4_PORT
from tests.frontend.every_build import COMPILERS, FLAGS, RunFn
from tests.frontend.frontend_programs import (
    EMULATOR,
    FIRMWARE,
    WARNINGS,
    missing,
    missing_runtime,
    run_on_board,
    run_program,
)

OK, REFUSED_ARGUMENT, NO_SCORE = 0, 2, 3  # asd_status
SOURCES = (*sorted((FIRMWARE / "scorer").glob("*.c")), FIRMWARE / "apps/scorer/scorer_check.c")


def head_record(head: FixedHead, items: Iterable[tuple[int, NDArray[np.int8]]]) -> bytes:
    """A head and (class index, embedding) of each score."""
    listed = list(items)
    n_classes, size = head.rows.shape
    integers = (head.scale_q16, head.cos_margin, head.sin_margin, head.threshold, head.shortfall)
    parts = [struct.pack("<4I6i", 0, len(listed), size, n_classes, head.zero_point, *integers)]
    parts.append(head.rows.astype("<i2").tobytes())
    parts += [struct.pack("<I", class_index) + codes.tobytes() for class_index, codes in listed]
    return b"".join(parts)


def reconstruction_record(vectors: NDArray[np.int16], codes: NDArray[np.int8], scale: FixedOutputScale) -> bytes:
    """A clip of one score."""
    integers = (scale.zero_point, scale.multiplier, scale.shift, 0, 0, 0)
    parts = [struct.pack("<4I6i", 1, len(vectors), vectors.shape[1], 0, *integers)]
    for values, made in zip(vectors, codes, strict=True):
        parts += [values.astype("<i2").tobytes(), made.tobytes()]
    return b"".join(parts)


def score_bytes(status: int, score: int = 0) -> bytes:
    """What scorer_check writes for a score."""
    return struct.pack("<2q", status, score)


def builds() -> Iterator[tuple[str, str | None, RunFn]]:
    """(name, why it can't run here or None, how it runs) of each."""
    for compiler in COMPILERS:
        for flags in FLAGS:
            reason = missing(compiler) or missing_runtime(compiler, flags)
            yield f"{compiler} {flags[-1]}", reason, _host(compiler, flags)
    yield "Cortex-M4", missing("arm-none-eabi-gcc", EMULATOR), _run_m4
    yield "aarch64", missing("aarch64-linux-gnu-gcc", "qemu-aarch64-static"), _run_aarch64


def _host(compiler: str, flags: tuple[str, ...]) -> RunFn:
    def run(name: str, given: bytes, folder: Path) -> bytes:
        port = FIRMWARE / "boards/host/port.c"
        return run_program([_compile(name, compiler, flags, (port,), folder)], given)

    return run


def _run_m4(name: str, given: bytes, folder: Path) -> bytes:
    image = _compile(name, "arm-none-eabi-gcc", M4_FLAGS, M4_PORT, folder)
    return run_on_board(M4_BOARD, image, given, folder)


def _run_aarch64(name: str, given: bytes, folder: Path) -> bytes:
    port = FIRMWARE / "boards/host/port.c"
    program = _compile(name, "aarch64-linux-gnu-gcc", ("-O2", "-static"), (port,), folder)
    return run_program(["qemu-aarch64-static", program], given)


def _compile(name: str, compiler: str, flags: Iterable[str], port: Iterable[Path], folder: Path) -> Path:
    program = folder / name
    paths = [f"-I{FIRMWARE / 'include'}", *map(str, (*SOURCES, *port)), "-o", str(program)]
    subprocess.run([compiler, "-std=c99", *WARNINGS, *flags, *paths], check=True)
    return program
