"""The same bytes over the whole matrix from every compiler, optimization, sanitizer and core that can run here."""

from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def matrix() -> tuple[bytes, bytes]:
    """Input of the check program, and the frames that the twin makes of it."""
    inputs, config = reference_inputs(), FrontendConfig()
    given, expected = [], []
    for index, row in enumerate(rows()):
        given.append(record(row.samples, CHUNK_LENGTHS[index % len(CHUNK_LENGTHS)], inputs))
        expected.append(frame_bytes(fixed_features_numpy(row.samples, config, inputs)))
    return b"".join(given), b"".join(expected)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [("-O0",), ("-O1",), ("-O2",), ("-O3",), SANITIZERS], ids=lambda flags: flags[-1])
def test_host_gives_the_same_bytes(
    compiler: str, flags: tuple[str, ...], matrix: tuple[bytes, bytes], tmp_path: Path
) -> None:
    if reason := missing(compiler) or missing_runtime(compiler, flags):
        pytest.skip(reason)
    given, expected = matrix
    assert run_program([compile_check(compiler, flags, tmp_path)], given) == expected


@pytest.mark.parametrize("board", BOARDS, ids=BOARDS.values())
def test_emulated_board_gives_the_same_bytes(board: str, matrix: tuple[bytes, bytes], tmp_path: Path) -> None:
    if reason := missing("cmake", "arm-none-eabi-gcc", EMULATOR):
        pytest.skip(reason)
    given, expected = matrix
    image = build_for_board(board, tmp_path / "build") / "frontend_check"
    assert run_on_board(board, image, given, tmp_path) == expected


def test_aarch64_gives_the_same_bytes(matrix: tuple[bytes, bytes], tmp_path: Path) -> None:
    if reason := missing("cmake", "aarch64-linux-gnu-gcc", "qemu-aarch64-static"):
        pytest.skip(reason)
    given, expected = matrix
    program = build_for_aarch64(tmp_path / "build") / "frontend_check"
    assert run_program(["qemu-aarch64-static", program], given) == expected
