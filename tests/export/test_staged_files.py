"""staged_files: all files appear together, or the work directory stays as it was."""

from pathlib import Path

import pytest

from asd_edge.errors import WorkDirectoryError
from asd_edge.export.staged_files import staged_files

OWNED = ("a", "b", "c")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write_a(work: Path) -> None:
    with staged_files(work, OWNED) as staging:
        (staging / "a").write_text("new")


def fail_halfway(work: Path, error: type[BaseException]) -> None:
    with staged_files(work, OWNED) as staging:
        (staging / "a").write_text("new")
        raise error


def test_files_replace_old_ones_and_owned_leftovers_go(tmp_path: Path) -> None:
    for name in ("a", "b", "other"):
        (tmp_path / name).write_text("old")
    with staged_files(tmp_path, OWNED) as staging:
        (staging / "a").write_text("new")
        (staging / "extra").write_text("new")
        assert contents(tmp_path / staging.name) == {"a": "new", "extra": "new"}
        assert (tmp_path / "a").read_text() == "old"
    assert contents(tmp_path) == {"a": "new", "extra": "new", "other": "old"}


def test_missing_directory_is_made(tmp_path: Path) -> None:
    with staged_files(tmp_path / "x" / "y", OWNED) as staging:
        (staging / "a").write_text("new")
    assert contents(tmp_path / "x" / "y") == {"a": "new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_directory_as_it_was(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(error):
        fail_halfway(tmp_path, error)
    assert contents(tmp_path) == {"a": "old"}


def test_failure_leaves_no_directory_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fail_halfway(tmp_path / "work", RuntimeError)
    assert not (tmp_path / "work").exists()


def test_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    for work in (tmp_path / "work", tmp_path / "work" / "below"):
        with pytest.raises(WorkDirectoryError, match=r"can't be written .*choose a writable output"):
            staged_files(work, OWNED).__enter__()
    assert (tmp_path / "work").read_text() == "a file"


@pytest.mark.usefixtures("permissions")
def test_directory_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkDirectoryError, match="Permission denied"):
        staged_files(tmp_path, OWNED).__enter__()


def test_name_taken_by_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(WorkDirectoryError, match="free space or choose another output"):
        write_a(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
