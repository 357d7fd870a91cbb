"""Published results of a board that calibrate nothing are held against its estimate, and outliers are named."""

import pytest

from asd_edge.boards import load_boards
from asd_edge.profiling.board_cycles import cycles_of
from asd_edge.profiling.held_against import held_against
from asd_edge.profiling.layer_profiles import NETWORK
from asd_edge.profiling.profile_record import LayerProfile

BOARDS = load_boards()


def network(instructions_per_mac: float | None) -> list[LayerProfile]:
    instructions = None if instructions_per_mac is None else 1e6 * instructions_per_mac
    return [LayerProfile(NETWORK, "", 1, 1_000_000, 0, 0, instructions, None, None)]


def test_the_published_pi_4_rows_are_compared_per_multiply_accumulate() -> None:
    found = held_against(BOARDS["rpi4"], network(1.0), cycles_of(BOARDS["rpi4"]))
    assert found is not None
    assert found.published == pytest.approx(
        {
            "ad": 1.5e9 / 5205.837 / 264_192,
            "kws": 1.5e9 / 2372.647 / 2_656_768,
            "vww": 1.5e9 / 384.719 / 7_489_664,
            "ic": 1.5e9 / 931.485 / 12_501_632,
        }
    )
    assert (found.estimate.low, found.estimate.high) == (0.333, 3.111)
    assert (found.below, found.above) == (("kws", "ic"), ())


def test_rows_above_the_band_are_named_too() -> None:
    found = held_against(BOARDS["rpi4"], network(0.1), cycles_of(BOARDS["rpi4"]))
    assert found is not None
    assert (found.below, found.above) == ((), ("ad", "vww"))


@pytest.mark.parametrize(("name", "per_mac"), [("nucleo-l4r5zi", 1.0), ("rpi5", 1.0), ("rpi4", None)])
def test_nothing_is_held_against_what_calibrates_nor_where_nothing_was_published_or_counted(
    name: str, per_mac: float | None
) -> None:
    assert held_against(BOARDS[name], network(per_mac), cycles_of(BOARDS[name])) is None
