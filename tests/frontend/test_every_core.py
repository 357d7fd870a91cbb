"""The same bytes over the whole matrix from every compiler, optimization, sanitizer and core that can run here."""

import struct
from pathlib import Path

import numpy as np
import pytest

from asd_edge.frontend.condition_pcm import SAMPLE_BYTES, Conditioning, PcmFormat, condition_pcm
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.decimate import decimate
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


N_MICROPHONE_SAMPLES = 2000  # what microphone_check takes per recording


@pytest.fixture(scope="module")
def recordings() -> tuple[bytes, bytes]:
    """Input of the microphone check, and what the twins make of it; loud enough to saturate in both places."""
    rng = np.random.default_rng(48_000)
    given, expected = [], []
    for pcm_format in PcmFormat:
        for gain, offset, offset_shift in (
            (1 << 16, 0, 0),
            (2**30 - 1, -(2**31), 24),
            (3 << 15, 2**31 - 1, 1),
            (0, 5, 9),
        ):
            data = rng.integers(0, 256, N_MICROPHONE_SAMPLES * SAMPLE_BYTES[pcm_format]).astype(np.uint8).tobytes()
            samples, n_conditioned = condition_pcm(data, Conditioning(pcm_format, gain, offset, offset_shift))
            decimated, n_decimated = decimate(samples)
            given.append(struct.pack("<3iI", pcm_format, gain, offset, offset_shift) + data)
            counts = struct.pack("<2I", n_conditioned, n_decimated)
            expected.append(samples.astype("<i2").tobytes() + decimated.astype("<i2").tobytes() + counts)
    return b"".join(given), b"".join(expected)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [("-O0",), ("-O1",), ("-O2",), ("-O3",), SANITIZERS], ids=lambda flags: flags[-1])
def test_host_gives_the_same_bytes(
    compiler: str,
    flags: tuple[str, ...],
    matrix: tuple[bytes, bytes],
    recordings: tuple[bytes, bytes],
    tmp_path: Path,
) -> None:
    if reason := missing(compiler) or missing_runtime(compiler, flags):
        pytest.skip(reason)
    for name, (given, expected) in (("frontend_check", matrix), ("microphone_check", recordings)):
        assert run_program([compile_check(name, compiler, flags, tmp_path)], given) == expected


@pytest.mark.parametrize("board", BOARDS, ids=BOARDS.values())
def test_emulated_board_gives_the_same_bytes(
    board: str, matrix: tuple[bytes, bytes], recordings: tuple[bytes, bytes], tmp_path: Path
) -> None:
    if reason := missing("cmake", "arm-none-eabi-gcc", EMULATOR):
        pytest.skip(reason)
    images = build_for_board(board, tmp_path / "build")
    for name, (given, expected) in (("frontend_check", matrix), ("microphone_check", recordings)):
        assert run_on_board(board, images / name, given, tmp_path) == expected


def test_aarch64_gives_the_same_bytes(
    matrix: tuple[bytes, bytes], recordings: tuple[bytes, bytes], tmp_path: Path
) -> None:
    if reason := missing("cmake", "aarch64-linux-gnu-gcc", "qemu-aarch64-static"):
        pytest.skip(reason)
    programs = build_for_aarch64(tmp_path / "build")
    for name, (given, expected) in (("frontend_check", matrix), ("microphone_check", recordings)):
        assert run_program(["qemu-aarch64-static", programs / name], given) == expected
