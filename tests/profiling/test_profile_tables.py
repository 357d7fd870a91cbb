"""What a profile says in words: the verdict on mean and worst hop, marks of the columns, what is not in the figures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.table import Table

from asd_edge.cli.console import print_tables
from asd_edge.profiling.profile_record import (
    ESTIMATED,
    MEASURED,
    Accelerator,
    Cell,
    EstimateBeside,
    Figure,
    HeldAgainst,
    LayerProfile,
    Profile,
    profile_content,
)
from asd_edge.profiling.profile_tables import FIRMWARE_AUDIO_SAMPLES, layer_table, profile_lines
from asd_edge.profiling.write_profile import write_profile

DETECTOR_C = Path(__file__).parents[2] / "firmware/apps/detector/detector.c"
KEEPS_UP = Figure(0.6, ESTIMATED, "", 0.2, 0.9)
PLAIN = Profile(
    board="b",
    core="cortex-m7",
    part=None,
    clock_hz=280_000_000,
    model_sha256="",
    command="",
    runtime="",
    clip_seconds=10.0,
    layers=(LayerProfile("front end", "", 1, 0, 0, 0, 10.0, 20.0, 30.0),),
    parts=(),
    cycles_per_instruction=None,
    instructions=None,
    ram=None,
    flash=None,
    stack=None,
    clip_ms=None,
    mean_hop=None,
    worst_hop=None,
    real_time_factor=None,
    clip_energy=None,
    duty_cycle=None,
    battery_hours=None,
    cell=Cell(1000.0, 3.6),
    accelerator=None,
    ram_limit=None,
    flash_limit=None,
    hop_limit=32.0,
    queue_hops=8,
)


def said(**fields: object) -> str:
    return "\n".join(profile_lines(replace(PLAIN, **fields)))  # type: ignore[arg-type]


def test_a_worst_hop_above_the_limit_is_carried_by_a_queue_when_the_mean_keeps_up() -> None:
    printed = said(real_time_factor=KEEPS_UP, worst_hop=Figure(36.77, ESTIMATED, "", 11.79, 56.79))
    assert "in the mean it keeps up" in printed
    assert (
        "the worst hop may take 56.79 ms, longer than the 32 ms until the next one is in: a queue of 8 hops carries it "
        "when the mean keeps up; the firmware's audio buffer holds 4,096 samples = 8 hops, which is enough"
    ) in printed


@pytest.mark.parametrize(
    ("factor", "worst", "n_hops", "is_there", "is_absent"),
    [
        (KEEPS_UP, Figure(20.0, ESTIMATED, "", 10.0, 31.0), 8, "every hop is done before the next one", "queue"),
        (KEEPS_UP, Figure(20.0, ESTIMATED, "", 10.0, 33.0), 16, "16 hops carries it when the mean", "which is enough"),
        (KEEPS_UP, Figure(33.0, ESTIMATED, ""), 8, "the worst hop may take 33.00 ms", "every hop"),
        (KEEPS_UP, None, 8, "in the mean it keeps up", "hop is"),
        (
            Figure(0.9, ESTIMATED, "", 0.5, 1.5),
            Figure(40.0, ESTIMATED, "", 30.0, 60.0),
            8,
            "a queue of 8",
            "in the mean",
        ),
        (Figure(2.0, ESTIMATED, "", 1.5, 3.0), Figure(90.0, ESTIMATED, "", 60.0, 99.0), 8, "does not keep", "queue"),
    ],
)
def test_the_verdict_is_of_the_worst_hop_too(
    factor: Figure, worst: Figure | None, n_hops: int, is_there: str, is_absent: str
) -> None:
    printed = said(real_time_factor=factor, worst_hop=worst, queue_hops=n_hops)
    assert is_there in printed
    assert is_absent not in printed


def test_the_firmwares_audio_buffer_is_as_long_as_the_verdict_says() -> None:
    found = re.search(r"#define ROOM_SAMPLES (\d+)u", DETECTOR_C.read_text())
    assert found is not None
    assert int(found[1]) == FIRMWARE_AUDIO_SAMPLES


@pytest.mark.parametrize(
    ("name", "target", "n_left", "what"),
    [
        ("Edge TPU", "coral", 3, "the mapped part only"),
        ("ethos-u55-256", "ethos-u", 0, "all of the network"),
    ],
)
def test_an_accelerators_time_is_set_apart_from_the_cores_figures(
    name: str, target: str, n_left: int, what: str
) -> None:
    printed = said(accelerator=Accelerator(name, "", Figure(0.006, ESTIMATED, ""), None, 1, n_left, 0.004))
    assert f"network on {name}, {what}, ms per clip: 0.006" in printed
    assert "the figures above don't use it" in printed
    assert f"asd-edge export --target {target}" in printed


def test_the_columns_say_what_is_counted_and_what_is_estimated() -> None:
    headers = [" ".join(str(column.header).split()) for column in layer_table(PLAIN).columns]
    assert headers[-3:] == ["instructions (counted)", "cycles (estimated)", "ms (estimated)"]
    methods = json.loads(json.dumps(profile_content(PLAIN)))["layer_methods"]
    assert methods == {"instructions": "counted", "cycles": "estimated", "ms": "estimated"}


@pytest.mark.parametrize(("measured", "where"), [(250.0, "2.50, within"), (400.0, "4.00, outside")])
def test_a_measured_time_is_said_beside_what_the_counts_would_have_said(measured: float, where: str) -> None:
    beside = EstimateBeside(Figure(100.0, ESTIMATED, "by counts", 50.0, 300.0), measured / 100.0, measured <= 300.0)
    printed = said(clip_ms=Figure(measured, MEASURED, "by a clock"), estimate=beside)
    assert f"time per clip, ms: {measured}, measured: by a clock" in printed
    assert "the same by estimate, ms: 100.0 [50.0 to 300.0], estimated: by counts" in printed
    assert f"measured over estimated: {where} the estimate's band" in printed
    content = json.loads(json.dumps(profile_content(replace(PLAIN, estimate=beside))))["estimate"]
    assert content["measured_over_estimated"] == measured / 100.0


def test_a_measured_time_without_counts_says_why_there_are_none() -> None:
    printed = said(clip_ms=Figure(250.0, MEASURED, "by a clock"), not_counted="qemu-system-aarch64 not found")
    assert "instructions not counted, so no estimate beside the measured time: qemu-system-aarch64 not" in printed


def test_a_table_wider_than_the_console_loses_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [f"{n:,}.{n:06d}" for n in range(123_456, 123_456 + 30)]
    table = Table(*(f"rung {n}" for n in range(len(figures))))
    table.add_row(*figures)
    print_tables(table)
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert all(figure in printed for figure in figures)


def test_published_results_below_the_band_are_said_in_one_line() -> None:
    per_mac = {"ad": 1.09, "kws": 0.238, "vww": 0.521, "ic": 0.129}
    found = HeldAgainst("LEIP", "MLPerf", Figure(1.0, ESTIMATED, "", 0.333, 3.111), per_mac, ("kws", "ic"), ())
    printed = said(held_against=found)
    assert "cycles per MAC: 0.129 to 1.090 there, 1.000 [0.333 to 3.111] here; 2 of 4 lie below that band" in printed
    assert "all 4 lie within that band" in said(held_against=replace(found, below=()))


def test_a_profile_with_a_number_that_json_doesnt_have_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_profile(replace(PLAIN, clip_seconds=float("inf")), tmp_path)
    assert list(tmp_path.iterdir()) == []
