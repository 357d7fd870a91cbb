"""The signal matrix as bytes, and every build of the check programs: compilers, flags, boards, aarch64."""

from collections.abc import Callable, Iterator
from pathlib import Path

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
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = ("gcc", "clang")
FLAGS = (("-O0",), ("-O1",), ("-O2",), ("-O3",), SANITIZERS)

RunFn = Callable[[str, bytes, Path], bytes]  # (program, its input, an empty folder) -> its output


def matrix_bytes() -> tuple[bytes, bytes]:
    """Input of the check program, and the frames that the NumPy twin makes of it."""
    inputs, config = reference_inputs(), FrontendConfig()
    given, expected = [], []
    for index, row in enumerate(rows()):
        given.append(record(row.samples, CHUNK_LENGTHS[index % len(CHUNK_LENGTHS)], inputs))
        expected.append(frame_bytes(fixed_features_numpy(row.samples, config, inputs)))
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
