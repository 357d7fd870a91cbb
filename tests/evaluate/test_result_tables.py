"""What the terminal shows: the numbers of a hand-made evaluation, in whole lines, with the verdict in words."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from asd_edge.evaluate.bootstrap import MachineScores
from asd_edge.evaluate.evaluation import DataUsed, Evaluation, RungRun, Thresholds
from asd_edge.evaluate.figures import make_figures
from asd_edge.evaluate.result_tables import machine_table, overall_table, result_tables, sqnr_table
from asd_edge.evaluate.score_agreement import ScoreAgreement
from asd_edge.evaluate.summary_lines import summary_lines
from asd_edge.evaluate.thresholds import machine_threshold
from asd_edge.evaluate.verdict import parity_verdict

RUNGS = ("torch", "tflite")
# Two normal and two anomalous clips; on tflite one of the four pairs turns round and one ties.
SCORES = {
    ("fan", "id_00"): MachineScores(np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[2.5, 4.0], [2.0, 3.0]])),
    ("fan", "id_02"): MachineScores(np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[0.0, 4.0], [0.0, 4.5]])),
}


def _evaluation(scores: dict[tuple[str, str], MachineScores] = SCORES) -> Evaluation:
    figures = make_figures(scores, RUNGS, seed=0)
    groups = [(None, None), ("fan", None), ("fan", "id_00"), ("fan", "id_02")]
    n_clips = sum(machine.normal.shape[1] + machine.anomaly.shape[1] for machine in scores.values())
    runs = (
        RungRun("torch", "torch 2.9", "float", n_clips, n_clips, 12.34, None, None),
        RungRun("tflite", "ai-edge-litert 2.3", "fixed", n_clips, n_clips, 5.0, 8, 3),
    )
    threshold = machine_threshold([1.0, 2.0])
    return Evaluation(
        score_kind="arcface",
        data=DataUsed("clips", "00", n_clips, n_clips),
        files={},
        rungs=runs,
        features_milliseconds_per_clip=1.0,
        seed=0,
        figures=figures,
        agreement=tuple(
            ScoreAgreement("tflite", *group, n_clips, 1.0, "fan/test/a.wav", 0.99871, 0.98765) for group in groups
        ),
        verdict=parity_verdict(figures.overall),
        thresholds=Thresholds(2, 5, {"tflite": {"fan/id_00": threshold}}, ("fan/id_02",), None),
        sqnr_clips=0,
        sqnr_db=None,
        rows=(),
    )


def _lines(*tables: object, width: int = 200) -> list[list[str]]:
    """The words of each printed line."""
    text = io.StringIO()
    Console(file=text, width=width).print(*tables)
    return [line.split() for line in text.getvalue().splitlines()]


def test_each_machine_stands_in_one_line_per_rung() -> None:
    lines = _lines(machine_table(_evaluation()))
    assert ["fan/id_00", "torch", "100.00", "100.00", "-", "-", "0", "-", "-", "-", "4/4"] in lines
    # AUC: pairs (2>1), (2<3), (3>1), (3=3) give 2.5 of 4; changed: one turned (1), one tied (1/2)
    (tflite,) = [line for line in lines if line[:2] == ["tflite", "62.50"]]
    assert tflite[3:7] == ["-37.50", "37.50", "%", "1"]
    assert tflite[-4:] == ["1", "0.9987,", "0.9877", "4/4"]
    (fan,) = [line for line in lines if line[:3] == ["fan,", "2", "IDs"]]
    assert fan[3:7] == ["torch", "75.00", "86.84", "50.00"]


def test_the_overall_table_has_a_column_per_rung() -> None:
    rows = {" ".join(line[:-2]): line[-2:] for line in _lines(overall_table(_evaluation())) if len(line) > 2}
    assert rows["AUC, %"] == ["75.00", "56.25"]
    assert ["-", "-18.75"] in [line[-2:] for line in _lines(overall_table(_evaluation())) if "difference" in line]
    lines = _lines(overall_table(_evaluation()))
    assert ["pairs", "tied", "0", "of", "8", "1", "of", "8"] in lines
    assert ["clips", "scored", "of", "available", "8", "of", "8", "8", "of", "8"] in lines
    assert ["pairs", "whose", "order", "changed", "-", "18.75", "%"] in lines
    assert ["cosine", "of", "outputs,", "mean,", "min", "-", "0.9987,", "0.9877"] in lines
    assert ["runtime", "torch", "2.9", "ai-edge-litert", "2.3"] in lines


def test_intervals_are_printed_where_there_are_twenty_clips_of_each_class() -> None:
    generator = np.random.default_rng(1)
    normal, anomaly = generator.normal(0, 1, (1, 20)), generator.normal(1, 1, (1, 20))
    noise = 0.3 * generator.normal(size=20)
    machine = MachineScores(np.vstack([normal, normal + noise]), np.vstack([anomaly, anomaly - noise]))
    found = _evaluation(dict.fromkeys(SCORES, machine))
    (overall,) = found.figures.overall[1:]
    assert overall.auc_difference is not None
    assert overall.auc_difference.low is not None
    assert overall.auc_difference.high is not None
    low, high = 100 * overall.auc_difference.low, 100 * overall.auc_difference.high
    (line, *_) = [line for line in _lines(overall_table(found)) if "difference" in line and "-" in line]
    assert line[-2:] == [f"[{low:+.2f},", f"{high:+.2f}]"]
    text = "\n".join(summary_lines(found, Path("work")))
    assert "no interval" not in text
    assert f"95 % interval [{low:+.2f}, {high:+.2f}] NOT within +-0.5 pp" in text


@pytest.mark.parametrize(("fraction", "shown"), [(-0.00001, "+0.00"), (0.0, "+0.00"), (-0.0049, "-0.49")])
def test_a_difference_that_rounds_to_nothing_has_no_minus(fraction: float, shown: str) -> None:
    found = _evaluation()
    overall = tuple(
        replace(group, auc_difference=replace(group.auc_difference, value=fraction)) if group.auc_difference else group
        for group in found.figures.overall
    )
    lines = _lines(overall_table(replace(found, figures=replace(found.figures, overall=overall))))
    assert next(line for line in lines if "difference" in line)[-1] == shown


def test_no_table_is_wider_than_the_command_line_prints() -> None:
    from asd_edge.cli.console import WIDEST_TABLE

    assert _lines(*result_tables(_evaluation())) == _lines(*result_tables(_evaluation()), width=WIDEST_TABLE + 100)


def test_the_lines_below_say_what_a_reader_has_to_know() -> None:
    lines = list(summary_lines(_evaluation(), Path("work")))
    assert lines == [
        "no interval where an ID has fewer than 20 clips of a class; "
        "there the pairs that changed their order are the measure",
        "tflite (ai-edge-litert 2.3): its int8 output differs from reference's by at most 3 LSB, within the stated 8",
        "work/thresholds.json: 1 machine IDs on tflite, from 2 of the 5 validation clips of the checkpoint",
        "no threshold, none of its validation clips is in the data: fan/id_02",
        "work/evaluation.json: every figure; work/scores.csv: every score",
        "tflite: 18.75 % of the normal-anomaly pairs changed their order against torch, ABOVE the 2 % allowed",
        "parity with torch: NOT kept",
    ]


def test_a_tolerance_that_is_exceeded_is_said_loudly() -> None:
    found = _evaluation()
    beyond = replace(found, rungs=(found.rungs[0], replace(found.rungs[1], largest_difference_lsb=9)))
    assert any("9 LSB, BEYOND the stated 8" in line for line in summary_lines(beyond, Path("work")))


def test_a_single_rung_has_nothing_to_be_judged_by() -> None:
    found = _evaluation()
    alone = make_figures({key: MachineScores(m.normal[:1], m.anomaly[:1]) for key, m in SCORES.items()}, RUNGS[:1], 0)
    single = replace(found, figures=alone, verdict=parity_verdict(alone.overall), rungs=found.rungs[:1])
    none = Thresholds(0, 5, {}, ("fan/id_00",), "no int8 rung was scored")
    lines = list(summary_lines(replace(single, thresholds=none), Path("work")))
    assert lines[-1] == "parity: not judged, torch is the only rung"
    assert "no thresholds: no int8 rung was scored" in lines


def test_sqnr_shows_every_layer_where_asked() -> None:
    found = replace(_evaluation(), sqnr_clips=3, sqnr_db={"log_mel": 51.234, "embedding": float("inf")})
    assert len(result_tables(found)) == 3
    lines = _lines(sqnr_table({"log_mel": 51.234, "embedding": float("inf")}, 3))
    assert ["log_mel", "51.2"] in lines
    assert ["embedding", "inf"] in lines
