"""Atomic writes: all of a file or none, whatever goes wrong in between."""

import os
from pathlib import Path

import pytest

from asd_edge.clip.atomic_write import atomic_path, write_bytes_atomically, write_text_atomically
from asd_edge.errors import DatasetError, WorkDirectoryError


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_arrives_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "scores.csv"
    write_text_atomically(path, "Prüfung\n")
    assert path.read_bytes() == "Prüfung\n".encode()
    write_bytes_atomically(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert entries(path.parent) == ["scores.csv"]


def test_until_the_block_ends_a_reader_sees_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".tflite"
        assert temporary.read_bytes() == b""
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [DatasetError("bad"), ValueError("a bug"), KeyboardInterrupt()])
def test_error_in_the_block_passes_through_and_leaves_the_old_file_alone(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["clip.wav"]


def test_full_disk_is_said_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with pytest.raises(WorkDirectoryError, match=r"clip\.wav: can't be written \(No space left"), atomic_path(path):
        raise OSError(28, "No space left on device")
    assert entries(tmp_path) == []


def test_file_that_the_block_removed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with pytest.raises(WorkDirectoryError, match="can't be written"), atomic_path(path) as temporary:
        temporary.unlink()


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert path.read_bytes() == b"first"  # the outer one ends last
    assert entries(tmp_path) == ["clip.wav"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_those_of_any_new_file(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_bytes_atomically(tmp_path / "clip.wav", b"")
        assert (tmp_path / "clip.wav").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def test_folder_in_the_file_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").mkdir()
    with pytest.raises(WorkDirectoryError, match=r"can't be written .*Is a directory"):
        write_bytes_atomically(tmp_path / "clip.wav", b"")
    assert entries(tmp_path) == ["clip.wav"]


def test_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    with pytest.raises(WorkDirectoryError, match=r"work/scores\.csv: can't be written .*; choose a writable output"):
        write_text_atomically(tmp_path / "work" / "scores.csv", "")


@pytest.mark.usefixtures("permissions")
def test_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir(mode=0o500)
    with pytest.raises(WorkDirectoryError, match="Permission denied"):
        write_text_atomically(tmp_path / "work" / "scores.csv", "")
