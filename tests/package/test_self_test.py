"""The self-test's clip is the same in C and Python, and its outcome is that of the firmware's engine."""

import hashlib
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.host_rung import generic_image
from asd_edge.native_engine import score_samples
from asd_edge.package.self_test import run_self_test, self_test_samples
from tests.engine.engine_programs import FOLDERS, SANITIZERS, sources
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

N_SAMPLES = 160_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("self_test") / "self_test_check"
    paths = [FIRMWARE / "apps/update/self_test_check.c", FIRMWARE / "boards/host/port.c", *sources()]
    paths += [*sorted((FIRMWARE / "frontend").glob("*.c")), *sorted((FIRMWARE / "update").glob("asd_s*.c"))]
    includes = [f"-I{FIRMWARE / folder}" for folder in (*FOLDERS, "update")]
    definitions = ("-DASD_WITH_DSP", "-DASD_WITH_MVE")
    command = ["gcc", "-std=c99", *WARNINGS, *SANITIZERS, *definitions, *includes, *map(str, paths), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


@pytest.mark.parametrize("seed", [0, 1, 2024, 2**32 - 1])
def test_c_and_python_make_the_same_clip(program: Path, seed: int) -> None:
    given = struct.pack("<II", seed, N_SAMPLES)
    done = subprocess.run([program], input=given, capture_output=True, check=True)
    samples = self_test_samples(seed, N_SAMPLES)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, "<i2"), samples)
    assert np.abs(samples.astype(int)).max() <= 26_624
    assert samples.std() > 1000, "loud enough to reach every part of the front end"


def test_clips_of_two_seeds_differ() -> None:
    assert (self_test_samples(1, 1000) != self_test_samples(2, 1000)).mean() > 0.9


def test_the_outcome_is_the_engines(small_work: Path) -> None:
    image, n_samples = generic_image(small_work), N_SAMPLES
    found = run_self_test(image, n_samples, 1, 5)
    scores, outputs = score_samples(image, self_test_samples(5, n_samples), 1)
    assert (found.seed, found.n_samples, found.score_q16) == (5, n_samples, scores[0])
    assert found.output_sha256 == hashlib.sha256(outputs.tobytes()).digest()
    assert run_self_test(image, n_samples, 1, 6) != found
