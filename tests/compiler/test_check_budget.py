"""The RAM that a plan is said to need: the audio that waits behind heavy hops, and sizes of the C side's structs."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.boards import board_named
from asd_edge.compiler.check_budget import DETECTOR_BYTES, HOP_BYTES, Budget, budget_of, check_core
from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan import FRONTEND_SCRATCH_BYTES, STATE_BYTES
from asd_edge.compiler.plan_report import PlanReport, plan_report
from asd_edge.compiler.read_image import read_image
from asd_edge.compiler.schedule import greatest_lag
from asd_edge.errors import CompilerError
from asd_edge.native import LIBRARY
from asd_edge.native_engine import detector_bytes
from tests.compiler.toy_graphs import residual_tower
from tests.frontend.frontend_programs import FIRMWARE, missing

# ticks of a period -> hops by which a core that does their mean per hop falls behind
LAGS = {
    "even": ([5, 5, 5, 5], 0.0),
    "nothing to do": ([0, 0], 0.0),
    "one heavy hop": ([0, 0, 0, 4], 3.0),
    "heavy hops in a row": ([4, 4, 0, 0, 0, 0, 4, 4], 4.0),  # mean 2: each adds 1, over the period's end
    "heavy hops apart": ([4, 0, 4, 0], 1.0),
    "a pause too short to catch up": ([6, 0, 6, 0, 0, 0], 3.0),
}


@pytest.mark.parametrize("case", LAGS)
def test_the_lag_adds_up_over_heavy_hops(case: str) -> None:
    ticks, lag = LAGS[case]
    assert greatest_lag(np.array(ticks)) == pytest.approx(lag)
    assert greatest_lag(np.roll(ticks, 1)) == pytest.approx(lag)


def report_with(lag: float) -> PlanReport:
    report = plan_report(read_image(compile_graph(residual_tower()).content))
    return replace(report, kind="arcface", lag_hops=lag)


@pytest.mark.parametrize(("lag", "n_hops"), [(0.0, 2), (0.1, 4), (2.0, 4), (2.1, 8), (5.56, 8), (6.5, 16)])
def test_the_audio_buffer_is_a_power_of_two_that_holds_the_lag_and_two_hops(lag: float, n_hops: int) -> None:
    budget = budget_of(report_with(lag))
    assert budget == Budget(budget.arena, DETECTOR_BYTES, n_hops * HOP_BYTES, budget.stack)


def test_an_evenly_loaded_stream_lags_by_nothing_and_the_report_says_what_it_lags() -> None:
    assert report_with(0.0).lag_hops == 0.0
    compiled = compile_graph(residual_tower())
    assert plan_report(read_image(compiled.content)).lag_hops > 1.0  # all of the last layer falls on one hop


@pytest.mark.skipif(not LIBRARY.exists(), reason="libasd_host.so wasn't built")
def test_the_detector_fits_what_the_budget_has_for_it_even_with_64_bit_pointers() -> None:
    assert detector_bytes() <= DETECTOR_BYTES


@pytest.mark.parametrize(
    "compiler", [("gcc",), ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb")], ids=lambda c: c[0]
)
def test_the_structs_have_the_planned_sizes(compiler: tuple[str, ...], tmp_path: Path) -> None:
    if reason := missing(compiler[0]):
        pytest.skip(reason)
    claims = (
        f"sizeof(asd_frontend_scratch) == {FRONTEND_SCRATCH_BYTES}u",
        f"sizeof(asd_tensor_state) == {STATE_BYTES}u && sizeof(asd_step_state) == {STATE_BYTES}u",
        f"sizeof(asd_model) + sizeof(asd_detector) <= {DETECTOR_BYTES}u",
    )
    lines = [f"extern char claim_{index}[({claim}) ? 1 : -1];" for index, claim in enumerate(claims)]
    (tmp_path / "sizes.c").write_text("\n".join(['#include "asd/asd_detector.h"', *lines, ""]))
    command = [*compiler, "-std=c99", f"-I{FIRMWARE / 'include'}", "-fsyntax-only", str(tmp_path / "sizes.c")]
    subprocess.run(command, check=True)


@pytest.mark.parametrize(
    ("board", "core", "is_fit"),
    [
        ("mps2-an386", Core.DSP, True),
        ("mps2-an386", Core.GENERIC, True),
        ("mps2-an386", Core.MVE, False),
        ("mps3-an547", Core.MVE, True),
        ("mps3-an547", Core.DSP, False),
        ("virt-aarch64", Core.DSP, False),
        ("host", Core.DSP, True),
        ("host", Core.MVE, True),
    ],
)
def test_a_board_runs_plain_kernels_and_its_own_and_a_host_all(board: str, core: Core, is_fit: bool) -> None:
    if is_fit:
        check_core(core, board_named(board))
        return
    with pytest.raises(CompilerError, match=f"{board} .*{core.name.lower()}"):
        check_core(core, board_named(board))
