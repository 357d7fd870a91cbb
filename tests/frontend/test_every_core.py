"""The same bytes, matrix and clips at the rails, from every compiler, optimization, sanitizer and core found here."""

import struct
from pathlib import Path

import numpy as np
import pytest

from asd_edge.frontend.condition_pcm import SAMPLE_BYTES, Conditioning, PcmFormat, condition_pcm
from asd_edge.frontend.decimate import decimate
from tests.frontend.every_build import RunFn, builds, matrix_bytes


@pytest.fixture(scope="module")
def matrix() -> tuple[bytes, bytes]:
    """Input of the check program, and the frames that the twin makes of it."""
    return matrix_bytes()


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


@pytest.mark.parametrize(
    ("reason", "run"), [(reason, run) for _, reason, run in builds()], ids=[name for name, *_ in builds()]
)
def test_every_build_gives_the_same_bytes(
    reason: str | None, run: RunFn, matrix: tuple[bytes, bytes], recordings: tuple[bytes, bytes], tmp_path: Path
) -> None:
    if reason is not None:
        pytest.skip(reason)
    for name, (given, expected) in (("frontend_check", matrix), ("microphone_check", recordings)):
        assert run(name, given, tmp_path) == expected
