"""Cycles per instruction: recomputed from the committed measurements, with the error that leaving one out shows."""

from math import exp, log

import pytest

from asd_edge.boards import Board, load_boards
from asd_edge.profiling.board_cycles import cycles_of
from asd_edge.profiling.board_tables import stale_cycles
from asd_edge.profiling.cycle_model import (
    ISSUE_WIDTH,
    calibrate,
    engine_ratios,
    leave_one_out_errors,
    measured_cycles_per_instruction,
)
from asd_edge.profiling.published import TASKS, load_published

BOARDS = load_boards()


def board(name: str, core: str, part: str | None = None) -> Board:
    return Board.model_validate({"name": name, "kernels": "generic", "core": core, "part": part})


def test_the_constants_of_every_board_are_those_of_the_published_measurements() -> None:
    given = [board for board in BOARDS.values() if board.facts.cycles_per_instruction.value is not None]
    assert len(given) >= 14
    assert [board.name for board in given if stale_cycles(board) is not None] == []


@pytest.mark.parametrize("name", ["nucleo-l4r5zi", "nucleo-u575zi-q", "nucleo-h7a3zi-q"])
def test_a_boards_active_power_is_that_of_its_newest_published_energies(name: str) -> None:
    newest = [row for row in load_published().of(name) if row.energy_uj][-1]
    assert BOARDS[name].facts.active_power_mw.value == pytest.approx(newest.power_mw, abs=0.005)
    powers = [newest.energy_uj[task] * newest.per_s[task] / 1000.0 for task in TASKS]
    assert max(powers) / min(powers) < 1.2, "one power, whatever the network"


def test_cycles_per_instruction_are_the_measured_cycles_over_the_counted_instructions() -> None:
    by_task = dict(zip(TASKS, measured_cycles_per_instruction(load_published()), strict=True))
    assert by_task["ad"] == pytest.approx(120e6 / 99.487 / 583_390)
    assert by_task["vww"] == pytest.approx(120e6 / 1.665 / 24_103_240)


def test_leaving_one_out_predicts_it_by_the_geometric_mean_of_the_others() -> None:
    errors = leave_one_out_errors((1.0, 2.0, 4.0))
    expected = (8.0**0.5 / 1.0 - 1, 4.0**0.5 / 2.0 - 1, 2.0**0.5 / 4.0 - 1)
    assert errors == pytest.approx(expected)


def test_the_upper_end_covers_each_measurement_that_the_others_predict_too_low() -> None:
    values = measured_cycles_per_instruction(load_published())
    found = calibrate(BOARDS["nucleo-l4r5zi"])
    others = [exp((sum(map(log, values)) - log(value)) / 3) for value in values]
    worst = max(value / other for value, other in zip(values, others, strict=True))
    assert found.cycles.high == pytest.approx(found.cycles.value * worst, abs=2e-3)
    assert found.cycles.low == 1.0, "a Cortex-M4 begins one instruction per cycle at most"
    assert (found.n_measurements, found.cycles.method) == (4, "calibrated")


@pytest.mark.parametrize(("name", "n_results"), [("nucleo-u575zi-q", 20), ("nucleo-h7a3zi-q", 12), ("nrf5340-dk", 4)])
def test_a_board_that_ran_the_same_engines_is_calibrated_by_their_ratio(name: str, n_results: int) -> None:
    ratios = engine_ratios(name, load_published())
    found = calibrate(BOARDS[name])
    assert (len(ratios), found.n_measurements, found.cycles.method) == (n_results, n_results, "by ratio")
    mean = exp(sum(map(log, ratios)) / n_results)
    direct = calibrate(BOARDS["nucleo-l4r5zi"]).cycles
    assert found.cycles.value == pytest.approx(mean * direct.value, rel=1e-3)
    assert found.cycles.low == pytest.approx(min(ratios) * direct.low, abs=1e-3)


def test_a_board_that_nobody_measured_is_uncalibrated_with_a_band_from_its_issue_width() -> None:
    found = calibrate(board("nobodys", "cortex-m55")).cycles
    assert (found.method, found.low) == ("uncalibrated", 1.0 / ISSUE_WIDTH["cortex-m55"])
    assert found.high == calibrate(BOARDS["nucleo-l4r5zi"]).cycles.high
    assert found.value == pytest.approx((found.low * found.high) ** 0.5, abs=1e-3)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33", "cortex-m7"])
def test_a_board_that_nobody_measured_takes_after_those_with_its_core(core: str) -> None:
    each = {name: calibrate(of) for name, of in BOARDS.items() if of.core == core}
    measured = {name: found for name, found in each.items() if found.method in ("calibrated", "by ratio")}
    found = calibrate(board("nobodys", core))
    assert (found.method, set(found.same_core)) == ("by core", set(measured))
    values = [of.cycles.value for of in measured.values()]
    assert found.cycles.value == pytest.approx(exp(sum(map(log, values)) / len(values)), abs=1e-3)
    assert found.cycles.low == min(of.cycles.low for of in measured.values())
    assert found.cycles.high == max(of.cycles.high for of in measured.values())
    bands = [(of.cycles.low, of.cycles.high) for of in [*each.values(), found]]
    assert all(low <= value <= high for low, high in bands for value in values), "a core is in the bands of its like"


def test_a_calibration_is_of_a_board_whose_core_and_part_are_those_that_were_measured() -> None:
    for name, measured in load_published().boards.items():
        assert (measured.core, measured.part) == (BOARDS[name].core, BOARDS[name].part)
    name, part = "nucleo-l4r5zi", BOARDS["nucleo-l4r5zi"].part
    assert calibrate(board(name, "cortex-m4", part)).method == "calibrated"
    assert calibrate(board(name, "cortex-m4", "STM32F405")).method == "by core"
    assert calibrate(board(name, "cortex-m33", part)).method == "by core"
    assert calibrate(board(name, "cortex-m55", part)).method == "uncalibrated"
    words = cycles_of(board(name, "cortex-m33"))
    assert words is not None
    assert words.how.startswith("by core: ")
    assert "nucleo-u575zi-q, nrf5340-dk: 24 results" in words.how


def test_what_a_users_file_says_comes_first_and_a_core_that_is_not_known_has_none() -> None:
    own = {"value": 1.5, "low": 1.4, "high": 1.6, "method": "calibrated"}
    mine = Board(name="mine", kernels="dsp", core="cortex-m4", cycles_per_instruction=own)  # type: ignore[call-arg]
    found = cycles_of(mine)
    assert found is not None
    assert (found.value, found.low, found.high) == (1.5, 1.4, 1.6)
    assert "boards file" in found.how
    unknown = Board(name="mine", kernels="generic", core="hazard3")  # type: ignore[call-arg]
    assert cycles_of(unknown) is None
