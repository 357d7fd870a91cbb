"""Unpacking: what lands where, what is refused, and that a refusal leaves nothing behind."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from asd_edge.clip.unpack import unpack_zip
from asd_edge.errors import DownloadError


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.filename = name  # as it stands, where ZipInfo would tidy it up
            member.external_attr = (stat.S_IFLNK if data == b"a link" else stat.S_IFREG | 0o644) << 16
            file.writestr(member, data)
    return path


def test_files_are_put_beside_what_is_there(tmp_path: Path) -> None:
    out_dir = tmp_path / "out"
    (out_dir / "fan").mkdir(parents=True)
    (out_dir / "fan" / "mine").write_bytes(b"mine")
    (out_dir / "fan" / "a.wav").write_bytes(b"old")
    archive = write_zip(tmp_path / "x.zip", {"fan/a.wav": b"new", "fan/train/b.wav": b"b", "read me": b"text"})
    assert unpack_zip(archive, out_dir, out_dir / ".tmp") == (
        Path("fan/a.wav"),
        Path("fan/train/b.wav"),
        Path("read me"),
    )
    found = {path.relative_to(out_dir).as_posix(): path.read_bytes() for path in out_dir.rglob("*") if path.is_file()}
    assert found == {"fan/mine": b"mine", "fan/a.wav": b"new", "fan/train/b.wav": b"b", "read me": b"text"}
    assert not (out_dir / ".tmp").exists()


def test_what_an_interrupted_run_left_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / ".tmp" / "fan").mkdir(parents=True)
    (tmp_path / ".tmp" / "fan" / "half.wav").write_bytes(b"half")
    archive = write_zip(tmp_path / "x.zip", {"fan/a.wav": b"a"})
    assert unpack_zip(archive, tmp_path / "out", tmp_path / ".tmp") == (Path("fan/a.wav"),)
    assert [path.name for path in (tmp_path / "out").rglob("*.wav")] == ["a.wav"]


OUTSIDE = {
    "parent": "../a.wav",
    "parent inside": "fan/../../a.wav",
    "absolute": "/tmp/a.wav",
    "backslash parent": "..\\a.wav",
    "drive": "C:\\a.wav",
    "drive without a slash": "C:a.wav",
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_member_that_would_land_outside_is_refused_before_anything_is_written(tmp_path: Path, case: str) -> None:
    archive = write_zip(tmp_path / "x.zip", {"fan/good.wav": b"good", OUTSIDE[case]: b"evil"})
    with pytest.raises(DownloadError, match="would land outside the folder") as caught:
        unpack_zip(archive, tmp_path / "out", tmp_path / ".tmp")
    assert str(caught.value).startswith(f"{archive}: its member ")
    assert [*tmp_path.iterdir()] == [archive]


def test_link_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "x.zip", {"fan/link": b"a link"})
    with pytest.raises(DownloadError, match="fan/link"):
        unpack_zip(archive, tmp_path / "out", tmp_path / ".tmp")


def _zip_bytes() -> bytearray:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("fan/good.wav", b"good" * 100)
        file.writestr("fan/bad.wav", b"x" * 1000)
    return bytearray(content.getvalue())


def _flipped() -> bytes:
    content = _zip_bytes()
    content[content.index(b"x" * 100)] ^= 1
    return bytes(content)


def _encrypted() -> bytes:
    """The flag of a password in the second entry of the directory."""
    content = _zip_bytes()
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _unknown_method() -> bytes:
    content = _zip_bytes()
    content[content.rindex(b"PK\x01\x02") + 10] = 99
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip file", bytes(_zip_bytes()[:-10]), _flipped(), _encrypted(), _unknown_method()],
    ids=["empty", "text", "cut", "flipped bit", "password", "unknown method"],
)
def test_unsound_archive_is_refused_and_nothing_is_unpacked(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match=r"x\.zip: not a sound zip file .*; remove it and download it again"):
        unpack_zip(archive, tmp_path / "out", tmp_path / ".tmp")
    assert [*tmp_path.iterdir()] == [archive]
