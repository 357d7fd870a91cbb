"""The signal matrix and clips at the rails as bytes, and every build of the check programs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_features import fixed_features_numpy
from tests.frontend.frontend_programs import (
    BOARDS,
    EMULATOR,
    build_for_aarch64,
    build_for_board,
    compile_check,
    frame_bytes,
    missing,
    missing_runtime,
    record,
    reference_inputs,
    run_on_board,
    run_program,
)
from tests.frontend.signal_matrix import rows

CHUNK_LENGTHS = (160, 512, 777, 4096, 13)
N_EXTREME_SAMPLES = 2048 + 300
EXTREME_BINS = (1, 2, 127, 128, 171, 255, 256, 257, 384, 511)
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = ("gcc", "clang")
FLAGS = (("-O0",), ("-O1",), ("-O2",), ("-O3",), SANITIZERS)

RunFn = Callable[[str, bytes, Path], bytes]  # (program, its input, an empty folder) -> its output


def extreme_clips() -> Iterator[NDArray[np.int16]]:
    """Clips at both rails: where a sum or a product would overflow first, if one did."""
    positions = np.arange(N_EXTREME_SAMPLES)
    yield np.full(N_EXTREME_SAMPLES, -32768, np.int16)
    yield np.full(N_EXTREME_SAMPLES, 32767, np.int16)
    for run_length in (1, 2, 3, 4):
        yield np.where(positions // run_length % 2 == 0, 32767, -32768).astype(np.int16)
    for k in EXTREME_BINS:
        for phase in (0.0, 0.125, 0.25, 0.5):
            in_phase = np.cos(2.0 * np.pi * ((k * positions % 1024) / 1024 + phase)) >= 0
            yield np.where(in_phase, 32767, -32768).astype(np.int16)


def matrix_bytes() -> tuple[bytes, bytes]:
    """Input of the check program, and the frames that the NumPy twin makes of it."""
    inputs = reference_inputs()
    given, expected = [], []
    for index, samples in enumerate((*(row.samples for row in rows()), *extreme_clips())):
        config = FrontendConfig(clip_samples=samples.size)
        given.append(record(samples, CHUNK_LENGTHS[index % len(CHUNK_LENGTHS)], inputs))
        expected.append(frame_bytes(fixed_features_numpy(samples, config, inputs)))
    return b"".join(given), b"".join(expected)


def builds() -> Iterator[tuple[str, str | None, RunFn]]:
    """(name, why it can't run here or None, how it runs) of each."""
    for compiler in COMPILERS:
        for flags in FLAGS:
            reason = missing(compiler) or missing_runtime(compiler, flags)
            yield f"{compiler} {flags[-1]}", reason, _host(compiler, flags)
    for board, core in BOARDS.items():
        yield core, missing("cmake", "arm-none-eabi-gcc", EMULATOR), _board(board)
    yield "aarch64", missing("cmake", "aarch64-linux-gnu-gcc", "qemu-aarch64-static"), _run_aarch64


def _host(compiler: str, flags: tuple[str, ...]) -> RunFn:
    return lambda name, given, folder: run_program([compile_check(name, compiler, flags, folder)], given)


def _board(board: str) -> RunFn:
    return lambda name, given, folder: run_on_board(
        board, build_for_board(board, folder / "build") / name, given, folder
    )


def _run_aarch64(name: str, given: bytes, folder: Path) -> bytes:
    return run_program(["qemu-aarch64-static", build_for_aarch64(folder / "build") / name], given)
