"""How much of a network an accelerator takes: Vela's own report, and the list of what Google's compiler maps."""

from dataclasses import replace
from pathlib import Path

import pytest

from asd_edge.boards import Board, load_boards
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.targets.ethos_u import find_vela
from asd_edge.profiling.accelerators import PUBLISHED_MACS_PER_S, estimate_accelerator, op_macs

DS_CNN = Path(__file__).parents[1] / "golden/foreign/ds_cnn.tflite"


def board_with(accelerator: str, clock_hz: int | None = None) -> Board:
    fields = {"name": "b", "kernels": "generic", "core": "cortex-a53", "accelerator": accelerator}
    return Board.model_validate({**fields, "accelerator_clock_hz": clock_hz})


@pytest.mark.parametrize("name", ["nucleo-l4r5zi", "mps3-an547"])
def test_a_board_without_accelerator_has_no_estimate(name: str) -> None:
    assert estimate_accelerator(load_boards()[name], DS_CNN) is None


def test_the_edge_tpus_time_lies_between_peak_and_published_rate() -> None:
    graph = read_tflite(DS_CNN)
    found = estimate_accelerator(load_boards()["coral-usb"], DS_CNN)
    assert found is not None
    assert found.ops_mapped + found.ops_left == len(graph.ops)
    mapped, total = (sum(op_macs(graph, op) for op in graph.ops[:end]) for end in (found.ops_mapped, None))
    assert found.macs_mapped == pytest.approx(mapped / total)
    assert found.network_ms is not None
    assert found.network_ms.high == pytest.approx(1000.0 * mapped / PUBLISHED_MACS_PER_S)
    assert found.network_ms.low == pytest.approx(1000.0 * mapped / 2e12)


def test_an_accelerator_that_asd_edge_doesnt_know_is_named() -> None:
    found = estimate_accelerator(board_with("hexagon"), DS_CNN)
    assert found is not None
    assert (found.network_ms, found.macs_mapped) == (None, 0.0)
    assert "no model of it" in found.how


@pytest.mark.skipif(find_vela() is None, reason="ethos-u-vela is not installed")
def test_velas_report_is_the_same_every_time_and_its_cycles_are_taken_at_the_boards_clock() -> None:
    board = load_boards()["corstone-300"]
    found, half = (estimate_accelerator(of, DS_CNN) for of in (board, board_with("ethos-u55-256", 250_000_000)))
    assert half is not None
    assert half.network_ms is not None
    assert found is not None
    assert found.network_ms is not None
    assert replace(half, network_ms=found.network_ms) == found
    assert found.network_ms.value > 0.0
    assert half.network_ms.value == pytest.approx(2.0 * found.network_ms.value)
    assert "at 500 MHz; band: none known" in found.network_ms.how
    assert (found.ops_left, found.macs_mapped) == (0, 1.0)
    assert found.sram_bytes is not None
