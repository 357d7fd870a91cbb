"""scores.csv: read back exactly, refused by line, lined up by clip."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.errors import EvaluationError, WorkDirectoryError
from asd_edge.evaluate.scores_table import COLUMNS, ScoreRow, read_scores, scores_by_machine, write_scores


def _row(rung: str, clip: str, label: str, score: float, machine_id: str = "id_00") -> ScoreRow:
    return ScoreRow(rung, clip, "fan", machine_id, label, score, None)


def test_scores_read_back_are_the_same_floats(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = tuple(
        ScoreRow("torch", f"fan/test/a, b {i}.wav", "fan", "id_00", "normal", score, 1e-300 if i % 2 else None)
        for i, score in enumerate([*generator.normal(size=20).tolist(), 1e-320, -0.1, 3.0])
    )
    write_scores(rows, tmp_path / "scores.csv")
    assert read_scores(tmp_path / "scores.csv") == rows
    assert (tmp_path / "scores.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_an_unwritable_output_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        write_scores([_row("torch", "a", "normal", 1.0)], tmp_path / "file" / "scores.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("a,b\n", "first line"),
        (",".join(COLUMNS) + "\ntorch,a,fan,id_00,normal,one,\n", "line 2"),
        (",".join(COLUMNS) + "\ntorch,a,fan,id_00,normal,1.0\n", "line 2"),
        (",".join(COLUMNS) + "\ntorch,a,fan,id_00,odd,1.0,\n", "line 2: label 'odd'"),
    ],
)
def test_a_table_of_another_shape_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(EvaluationError, match=said):
        read_scores(tmp_path / "scores.csv")


def test_clips_are_lined_up_by_name_whatever_the_order_of_rows() -> None:
    rows = [
        _row("tflite", "b", "normal", 12.0),
        _row("torch", "a", "normal", 1.0),
        _row("torch", "x", "anomaly", 3.0),
        _row("tflite", "a", "normal", 11.0),
        _row("torch", "b", "normal", 2.0),
        _row("tflite", "x", "anomaly", 13.0),
    ]
    machine = scores_by_machine(rows, ("torch", "tflite"))["fan", "id_00"]
    np.testing.assert_array_equal(machine.normal, [[1.0, 2.0], [11.0, 12.0]])
    np.testing.assert_array_equal(machine.anomaly, [[3.0], [13.0]])


@pytest.mark.parametrize(("present", "missing"), [("normal", "anomaly"), ("anomaly", "normal")])
def test_an_id_with_one_class_only_is_refused_by_name(present: str, missing: str) -> None:
    rows = [_row("torch", label, label, 1.0) for label in ("normal", "anomaly")]
    rows.append(_row("torch", "alone", present, 1.0, machine_id="id_06"))
    with pytest.raises(EvaluationError, match=f"fan/id_06: no {missing} test clip"):
        scores_by_machine(rows, ("torch",))


def test_a_clip_without_a_score_on_a_rung_is_refused_by_name() -> None:
    rows = [_row("torch", "n", "normal", 1.0), _row("torch", "a", "anomaly", 1.0), _row("onnx", "n", "normal", 1.0)]
    with pytest.raises(EvaluationError, match="a: no score on rung onnx"):
        scores_by_machine(rows, ("torch", "onnx"))
