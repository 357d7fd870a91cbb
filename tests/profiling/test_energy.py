"""Energy, duty cycle and battery life follow from time and power, and their bands from those."""

import pytest

from asd_edge.boards import Fact
from asd_edge.profiling.energy import battery_hours, clip_energy, duty_cycle
from asd_edge.profiling.profile_record import ESTIMATED, Cell, Figure

CELL = Cell(1000.0, 3.6)  # 3.6 Wh
POWER = Fact[float](value=40.0, document="sheet", page=3)
RTF = Figure(0.5, ESTIMATED, "", 0.25, 2.0)


def test_energy_is_busy_time_times_active_power() -> None:
    found = clip_energy(Figure(5000.0, ESTIMATED, "", 2500.0, 20_000.0), POWER)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((200.0, 100.0, 800.0))
    assert clip_energy(None, POWER) is None
    assert clip_energy(RTF, Fact[float]()) is None


def test_energy_says_whose_power_it_takes_and_that_the_band_is_the_times_alone() -> None:
    found, unnamed = (clip_energy(RTF, power) for power in (POWER, Fact[float](value=40.0)))
    assert found is not None
    assert found.how == "busy time x 40 mW (from sheet, 3); the band is the time's alone, the power has none"
    assert unnamed is not None
    assert "(from no document)" in unnamed.how


def test_a_board_that_cant_keep_up_is_busy_all_the_time() -> None:
    found = duty_cycle(RTF)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0.25, 1.0)
    assert duty_cycle(Figure(3.0, ESTIMATED, "")) == Figure(1.0, ESTIMATED, "busy time over time of audio, at most 1")


def test_battery_life_is_the_cells_energy_over_the_mean_power() -> None:
    found = battery_hours(duty_cycle(RTF), 40.0, 10.0, CELL)
    assert found is not None
    assert found.value == pytest.approx(3600.0 / (0.5 * 40.0 + 0.5 * 10.0))
    assert found.high == pytest.approx(3600.0 / (0.25 * 40.0 + 0.75 * 10.0)), "the shortest time busy lasts longest"
    assert found.low == pytest.approx(3600.0 / 40.0)
    assert "the band is the time's alone" in found.how


def test_without_the_power_asleep_battery_life_is_at_least_that_of_a_board_that_never_sleeps() -> None:
    found = battery_hours(duty_cycle(RTF), 40.0, None, CELL)
    assert found is not None
    assert found.value == found.low == pytest.approx(3600.0 / 40.0)
    assert found.high == pytest.approx(3600.0 / (0.25 * 40.0))
    assert "power asleep unknown" in found.how
    assert battery_hours(duty_cycle(RTF), None, 1.0, CELL) is None
