"""The boards of a report: what was measured on this machine or a Pi, limits, the accelerator, what the host said."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from asd_edge.boards import load_boards
from asd_edge.frontend.config import FrontendConfig
from asd_edge.profiling.profile_board import profile_board
from asd_edge.profiling.profile_record import Accelerator, Cell, Figure, HostRun, HostState
from asd_edge.profiling.profile_record import profile_content as content_of
from asd_edge.report.board_section import board_section
from asd_edge.report.section import Charts, Table
from asd_edge.report.work_contents import load_work
from tests.backends.tiny_detector import TINY
from tests.boards.untrained_work import write_untrained_work
from tests.report.small_work import profile_content, write_json, write_model

CELL = Cell(1000.0, 3.6)
CLIP_MS = Figure(500.0, "measured", "median", 450.0, 600.0)
COOL = HostState((1_800_000_000, 1_500_000_000), 51.24, 0)
HOT = HostState((600_000_000,), 85.0, 0x50005)


@pytest.fixture(scope="module")
def here(tiny_clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What profile writes about this machine."""
    folder = tmp_path_factory.mktemp("here") / "work"
    work = write_untrained_work(folder, tiny_clips, TINY, FrontendConfig(clip_samples=32_000))
    return content_of(profile_board(load_boards()["host"], work, CELL, "asd-edge profile --board host"))


def on_a_pi(before: HostState = COOL, after: HostState = COOL) -> dict[str, Any]:
    """Of a board of 6 W with an Edge TPU that SSH reached, where a clip of 10 s took half a second."""
    rtf = CLIP_MS.times(1e-4, "time per clip over its length")
    network = Figure(120.0, "measured", "median", 110.0, 130.0)
    accelerator = Accelerator("Edge TPU", "list", replace(network, method="estimated"), 4096, 20, 2, 0.99)
    figures = {
        "clip_ms": CLIP_MS,
        "real_time_factor": rtf,
        "duty_cycle": rtf,
        "clip_energy": Figure(3000.0, "estimated", "power", 2700.0, 3600.0),
        "battery_hours": Figure(1.14, "estimated", "power", 1.02, 1.21),
    }
    return {
        **profile_content("rpi4"),
        "clip_seconds": 10.0,
        **{name: asdict(value) for name, value in figures.items()},
        "cell": asdict(CELL),
        "accelerator": asdict(accelerator),
        "host_run": asdict(HostRun("pi@pi.local", "aarch64", CLIP_MS, "LiteRT 2", network, before, after)),
    }


def tables_of(work: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Table title -> first cell -> column -> cell."""
    tables = [part for part in board_section(load_work(work)).parts if isinstance(part, Table)]
    return {t.title: {row[0]: dict(zip(t.columns, row, strict=True)) for row in t.rows} for t in tables}


def figure(content: dict[str, Any], name: str, form: str, after: str = "") -> str:
    found = content[name]
    return f"{found['value']:{form}} [{found['low']:{form}}, {found['high']:{form}}]{after}, {found['method']}"


def test_time_measured_on_this_machine_is_shown(here: dict[str, Any], tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_json(work / "profile-host.json", here)
    row = tables_of(work)["Time and energy; [band]"]["host"]
    seconds = here["clip_seconds"]
    assert row["clip, ms"] == figure(here, "clip_ms", ",.2f", f" of {1000 * seconds:,.0f}")
    assert row["real-time factor"] == figure(here, "real_time_factor", ".3f")
    assert row["duty cycle"] == figure(here, "duty_cycle", ".3f")
    assert (row["mean hop, ms"], row["battery, hours"]) == ("–", "–"), "not known of this machine"


def test_battery_accelerator_and_network_of_a_pi_are_shown(tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_json(work / "profile-rpi4.json", on_a_pi())
    tables = tables_of(work)
    row = tables["Time and energy; [band]"]["rpi4"]
    assert row["clip, ms"] == "500.00 [450.00, 600.00] of 10,000, measured"
    assert row["clip, mJ"] == "3,000.00 [2,700.00, 3,600.00], estimated"
    assert row["battery, hours"] == "1.1 [1.0, 1.2] from 1,000 mAh at 3.6 V, estimated"
    accelerator = tables["Accelerators"]["rpi4"]
    assert list(accelerator.values())[1:] == [
        "Edge TPU", "20 of 22", "99.0 %", "120.00 [110.00, 130.00], estimated", "4,096",
    ]  # fmt: skip
    measured = tables["Measured over SSH"]["pi@pi.local"]
    assert measured["network, ms"] == "120.00 [110.00, 130.00], measured"
    assert measured["network in"] == "LiteRT 2"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (COOL, ("1500 to 1800 MHz", "51.2 °C", "no")),
        (HOT, ("600 MHz", "85.0 °C", "since it started (0x50005)")),
        (HostState((), None, None), ("–", "–", "–")),
    ],
)
def test_what_the_host_said_of_its_heat_is_shown(state: HostState, words: tuple[str, ...], tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_json(work / "profile-rpi4.json", on_a_pi(before=COOL, after=state))
    row = tables_of(work)["Measured over SSH"]["pi@pi.local"]
    assert (row["clocks after"], row["temperature after"], row["held back"]) == words
    assert row["temperature before"] == "51.2 °C"


def test_limits_stand_beside_the_figures_and_in_the_chart(tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_json(work / "profile-m.json", profile_content("m"))
    write_json(work / "profile-rpi4.json", on_a_pi())
    tables = tables_of(work)
    assert tables["Memory"]["m"]["RAM, bytes"] == "300,000 of 655,360, measured"
    assert tables["Time and energy; [band]"]["m"]["worst hop, ms"] == "36.00 [30.00, 42.00] of 32, estimated"
    (chart,) = [part for part in board_section(load_work(work)).parts if isinstance(part, Charts)]
    (svg,) = chart.svgs
    for words in ("m, mean hop", "67.2 %", "m, worst hop", "rpi4, clip", "5.0 %"):
        assert f">{words}<" in svg


def test_a_profile_without_any_of_it_is_still_read(tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_json(work / "profile-m.json", profile_content("m"))
    tables = tables_of(work)
    assert set(tables) == {"Memory", "Time and energy; [band]"}
    assert tables["Time and energy; [band]"]["m"]["clip, ms"] == "–"
