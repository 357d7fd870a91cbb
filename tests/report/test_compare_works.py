"""`asd-edge compare`: what changed between two work directories, on the clips that both scored, and its exit code."""

import json
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.errors import EvaluationError
from asd_edge.evaluate.figures import make_figures
from asd_edge.evaluate.scores_table import ScoreRow, scores_by_machine
from asd_edge.report.compare_works import compare_works
from tests.report.small_work import (
    MACHINES,
    RUNGS,
    plan_content,
    profile_content,
    score_rows,
    write_json,
    write_model,
    write_small_work,
)


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories whose int8 rungs are the more damaged the louder their name. Read only."""
    root = tmp_path_factory.mktemp("works")
    noises = {"quiet": 0.05, "loud": 3.0}
    works = {name: write_small_work(root / name, noise=noise) for name, noise in noises.items()}
    works["torch only"] = write_small_work(root / "torch", rungs=RUNGS[:1])
    works["few machines"] = write_small_work(root / "few", MACHINES[2:], n_clips=10)
    works["others"] = write_small_work(root / "others", ("slider/id_00", "slider/id_02"), n_clips=4)
    works["bare"] = write_model(root / "bare")
    write_json(works["quiet"] / "plan-generic.json", plan_content())
    write_json(works["loud"] / "plan-generic.json", plan_content(arena_bytes=200_000))
    for name, ram, clip_ms in (("quiet", 300_000, 500.0), ("loud", 330_000, 600.0)):
        clip = {"clip_ms": {"value": clip_ms, "method": "measured"}}
        write_json(works[name] / "profile-x.json", {**profile_content("x", ram), **clip})
    (works["loud"] / "model.tflite").write_bytes(b"smaller")
    return works


def test_directory_compared_with_itself_has_not_changed(works: dict[str, Path]) -> None:
    found = compare_works(works["quiet"], works["quiet"], 0.0)
    assert found.passed
    assert (found.difference.value, found.difference.low, found.difference.high) == (0.0, 0.0, 0.0)
    assert found.is_same_data
    assert all(change.is_same for change in found.files)
    assert all(value.a == value.b for value in found.values)


def test_figures_are_those_of_the_last_common_rung_with_paired_intervals(works: dict[str, Path]) -> None:
    found = compare_works(works["quiet"], works["loud"], 0.5)
    rows: list[ScoreRow] = []
    for name, noise in (("A", 0.05), ("B", 3.0)):
        of_rung = [row for row in score_rows(MACHINES, 24, RUNGS, noise) if row.rung == "reference"]
        rows += [ScoreRow(name, *(getattr(row, field) for field in list(row.__dict__)[1:])) for row in of_rung]
    assert found.rung == "reference"
    assert found.figures == make_figures(scores_by_machine(rows, ("A", "B")), ("A", "B"), seed=0)
    assert found.difference.low is not None
    assert found.clips_common == 2 * 24 * len(MACHINES)


def test_rung_that_only_one_has_is_not_compared(works: dict[str, Path]) -> None:
    found = compare_works(works["torch only"], works["loud"], 0.5)
    assert found.rung == "torch"
    assert found.difference.value == 0.0  # the first rung has no noise


def test_only_common_clips_are_compared(works: dict[str, Path]) -> None:
    found = compare_works(works["quiet"], works["few machines"], 0.5)
    assert found.clips_common == 2 * 10 * 4
    assert found.machines_left_out == MACHINES[:2]
    assert {(f.machine_type, f.machine_id) for f in found.figures.machines} == {
        tuple(m.split("/")) for m in MACHINES[2:]
    }


def test_sizes_memory_and_time_are_set_side_by_side(works: dict[str, Path]) -> None:
    found = compare_works(works["quiet"], works["loud"], 0.5)
    (tflite,) = [change for change in found.files if change.name == "model.tflite"]
    assert (tflite.bytes_a, tflite.bytes_b, tflite.is_same) == (1200, 7, False)
    values = {value.what: (value.a, value.b) for value in found.values}
    assert values["plan-generic.json: arena"] == (250_000, 200_000)
    assert values["x: RAM"] == (300_000, 330_000)
    assert values["x: worst hop"] == (36.0, 36.0)
    assert "x: energy per clip" not in values
    assert values["x: time per clip"] == (500.0, 600.0)


@pytest.mark.parametrize(
    ("pair", "limit", "code"),
    [
        (("quiet", "loud"), [], 1),
        (("quiet", "loud"), ["--max-auc-loss", "90"], 0),
        (("loud", "quiet"), ["--max-auc-loss", "0"], 0),  # a gain is no loss
        (("quiet", "quiet"), ["--max-auc-loss", "0"], 0),
    ],
)
def test_exit_code_tells_whether_the_loss_exceeds_the_limit(
    works: dict[str, Path], pair: tuple[str, str], limit: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(works[name]) for name in pair]
    assert run(["compare", *folders, *limit]) == code
    text = capsys.readouterr().out
    assert ("BEYOND" in text.splitlines()[-1]) == (code == 1)
    assert run(["compare", *folders, *limit, "--json"]) == code
    content = json.loads(capsys.readouterr().out)
    assert content["passed"] == (code == 0)
    assert content["figures"]["overall"][1]["auc_difference"]["low"] is not None


def test_loss_equal_to_the_limit_passes(works: dict[str, Path]) -> None:
    loss = -compare_works(works["quiet"], works["loud"], 0.0).difference.value
    assert loss > 0
    assert compare_works(works["quiet"], works["loud"], 100 * loss).passed
    assert not compare_works(works["quiet"], works["loud"], 100 * loss - 1e-6).passed


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("quiet", "bare"), "has no evaluation.json; run asd-edge evaluate"),
        (("others", "quiet"), "no machine whose normal and anomalous clips both scored"),
    ],
)
def test_what_can_t_be_compared_is_refused(works: dict[str, Path], pair: tuple[str, str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        compare_works(works[pair[0]], works[pair[1]], 0.5)


def test_directories_without_a_common_rung_are_refused(works: dict[str, Path], tmp_path: Path) -> None:
    int8_only = write_small_work(tmp_path / "int8", n_clips=4, rungs=("tflite",))
    with pytest.raises(EvaluationError, match="no rung was scored in both"):
        compare_works(works["torch only"], int8_only, 0.5)


@pytest.mark.parametrize("limit", ["-1", "nan", "inf", "much"])
def test_limit_that_is_no_number_of_points_is_refused(
    works: dict[str, Path], limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", str(works["quiet"]), str(works["quiet"]), "--max-auc-loss", limit]) == 2
    assert capsys.readouterr().err.count("\n") == 1
