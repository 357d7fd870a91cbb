"""The partial file of an interrupted evaluation: read back exactly, tied to its model, safe against a cut-off line."""

from pathlib import Path

import pytest

from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.partial_scores import FILE_NAME, PartialScores

LINE = {"features_milliseconds": 1.5, "rungs": {"torch": {"score": -0.1 - 1e-17, "cosine": None}}}


def test_lines_read_back_are_the_same(tmp_path: Path) -> None:
    first = PartialScores(tmp_path, "key")
    assert first.get("clip 1") is None
    first.add("clip 1", LINE)
    first.add("clip 2", {"rungs": {}})
    again = PartialScores(tmp_path, "key")
    assert again.get("clip 1") == LINE
    assert again.get("clip 2") == {"rungs": {}}


def test_scores_of_another_model_are_not_taken(tmp_path: Path) -> None:
    PartialScores(tmp_path, "old model").add("clip 1", LINE)
    new = PartialScores(tmp_path, "new model")
    assert new.get("clip 1") is None
    new.add("clip 2", LINE)
    assert PartialScores(tmp_path, "old model").get("clip 1") is None
    assert PartialScores(tmp_path, "new model").get("clip 1") is None
    assert PartialScores(tmp_path, "new model").get("clip 2") == LINE


def test_nothing_is_written_before_the_first_clip_is_scored(tmp_path: Path) -> None:
    PartialScores(tmp_path, "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_bytes", [1, 10, 60])
def test_a_line_that_was_cut_off_is_dropped_and_the_others_kept(tmp_path: Path, n_bytes: int) -> None:
    partial = PartialScores(tmp_path, "key")
    partial.add("clip 1", LINE)
    partial.add("clip 2", LINE)
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[: -n_bytes - 1])
    again = PartialScores(tmp_path, "key")
    assert (again.get("clip 1"), again.get("clip 2")) == (LINE, None)
    again.add("clip 2", {"rungs": {}})
    assert PartialScores(tmp_path, "key").get("clip 2") == {"rungs": {}}


@pytest.mark.parametrize("content", ["", "\n", "no json\n", '{"key": "key"', "\x00\x01"])
def test_a_file_of_something_else_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    PartialScores(tmp_path, "key").add("clip 1", LINE)
    assert PartialScores(tmp_path, "key").get("clip 1") == LINE


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    partial = PartialScores(tmp_path, "key")
    partial.add("clip 1", LINE)
    partial.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_work_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        PartialScores(tmp_path / "work", "key").add("clip 1", LINE)
