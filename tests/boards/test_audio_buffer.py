"""The audio buffer between interrupt and main loop: whole windows or none, counted; sanitized and on the cores."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.emulate_board import build_firmware, missing_programs
from tests.boards.audio_programs import read_audio_run, setup_bytes, step_bytes, whole_windows
from tests.frontend.every_build import SANITIZERS
from tests.frontend.frontend_programs import (
    FIRMWARE,
    WARNINGS,
    missing,
    missing_runtime,
    run_on_board,
    run_program,
)

CLOCKS_HZ = {  # of QEMU's machines
    "mps2-an386": 25_000_000,
    "mps2-an500": 25_000_000,
    "mps2-an505": 20_000_000,
    "mps3-an547": 32_000_000,
    "netduinoplus2": 168_000_000,
}
SECONDS_PER_INSTRUCTION = 64e-9  # -icount shift=6
MOST_POSITION = 60_000  # samples count up in 16 bits


@pytest.fixture(scope="module")
def audio_check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = missing("gcc") or missing_runtime("gcc", SANITIZERS)
    if reason is not None:
        pytest.skip(reason)
    program = tmp_path_factory.mktemp("audio") / "audio_check"
    sources = [
        FIRMWARE / name for name in ("engine/asd_audio_buffer.c", "apps/board/audio_check.c", "boards/host/port.c")
    ]
    command = ["gcc", "-std=c99", *WARNINGS, *SANITIZERS, f"-I{FIRMWARE / 'include'}", *map(str, sources)]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def test_nothing_is_lost_where_the_consumer_keeps_up(audio_check: Path) -> None:
    steps = [(is_push, n) for _ in range(150) for is_push, n in ((True, 100), (False, 70), (False, 70), (False, 70))]
    run = read_audio_run(run_program([audio_check], setup_bytes(128, 1000) + step_bytes(steps)))
    assert whole_windows(run, 1000) == list(range(15))
    assert (run.n_windows_dropped, run.most_samples) == (0, 100)
    assert not any(taken.is_new for taken in run.taken)


def test_a_full_buffer_drops_the_rest_of_the_window_and_the_next_one_starts_clean(audio_check: Path) -> None:
    drain = [(False, 256)] * 4
    steps = [(True, 100), *drain, *[(True, 100)] * 4, *drain, *[(True, 100)] * 5, *drain, (True, 100), *drain]
    run = read_audio_run(run_program([audio_check], setup_bytes(256, 1000) + step_bytes(steps)))
    assert [(taken.is_new, taken.samples.size) for taken in run.taken] == [(False, 100), (True, 0), (False, 100)]
    assert run.taken[-1].samples[0] == 1000
    assert run.n_windows_dropped == 1


def test_what_a_lost_window_left_in_the_buffer_is_left_out(audio_check: Path) -> None:
    """Samples before the lost window are still handed out, those of it are not."""
    steps = [(True, 150), *[(True, 100)] * 2, *[(False, 256)] * 4]
    run = read_audio_run(run_program([audio_check], setup_bytes(256, 100) + step_bytes(steps)))
    assert [(taken.is_new, taken.samples.size) for taken in run.taken] == [(False, 200), (True, 0)]
    assert run.n_windows_dropped == 2


@pytest.mark.parametrize("seed", range(40))
def test_every_window_arrives_whole_or_is_counted(audio_check: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_room, window_samples = int(2 ** rng.integers(0, 10)), int(rng.integers(1, 700))
    n_windows = max(1, min(60, MOST_POSITION // window_samples))
    left, steps = n_windows * window_samples, []
    slowness = float(rng.uniform(0.2, 0.8))
    while left > 0:
        n = min(left, int(rng.integers(1, 2 * n_room + 2)))
        if rng.random() < slowness:
            steps.append((True, n))
            left -= n
        else:
            steps.append((False, int(rng.integers(1, n_room + 1))))
    steps += [(False, n_room)] * 6
    run = read_audio_run(run_program([audio_check], setup_bytes(n_room, window_samples) + step_bytes(steps)))
    windows = whole_windows(run, window_samples)
    assert len(set(windows)) == len(windows)
    assert len(windows) + run.n_windows_dropped == n_windows
    assert run.most_samples <= n_room


@pytest.mark.parametrize(("n_room", "window_samples"), [(0, 100), (100, 100), (2**31, 100), (64, 0)])
def test_a_size_that_no_ring_can_have_is_refused(audio_check: Path, n_room: int, window_samples: int) -> None:
    given = setup_bytes(n_room, window_samples)
    assert subprocess.run([audio_check], input=given, capture_output=True).returncode == 1


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("firmware")


@pytest.mark.parametrize("board", CLOCKS_HZ)
def test_on_a_core_a_slow_consumer_loses_whole_windows(board: str, firmware: Path, tmp_path: Path) -> None:
    """Every 20,000 instructions an interrupt brings 64 samples, for which the slow consumer needs about 26,000."""
    if (reason := missing_programs(board)) is not None:
        pytest.skip(reason)
    program = build_firmware(board, firmware / board, ["overrun_check"]) / "overrun_check"
    period = round(20_000 * SECONDS_PER_INSTRUCTION * CLOCKS_HZ[board])
    results = {}
    for name, busy_rounds in (("fast", 1), ("slow", 4300)):
        run = read_audio_run(run_on_board(board, program, setup_bytes(512, 1024, 40, busy_rounds, period), tmp_path))
        windows = whole_windows(run, 1024)
        assert len(windows) + run.n_windows_dropped == 40
        results[name] = windows
    assert results["fast"] == list(range(40))
    assert 10 < len(results["slow"]) < 35
