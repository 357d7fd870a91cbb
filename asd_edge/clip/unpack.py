"""Unpacks a zip file into a folder: all of it into a temporary folder first, then file by file into place."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import DownloadError


def unpack_zip(
    archive: Path, out_dir: Path, temporary: Path, on_progress: ProgressFn = ignore_progress
) -> tuple[Path, ...]:
    """Put the files of `archive` into `out_dir`, beside what is there; their paths below `out_dir`, sorted.

    `temporary` is a folder to make on the same file system; it is gone afterwards. Every member's CRC is checked before
    the first file reaches `out_dir`. `on_progress` gets unpacked bytes.
    Raises DownloadError for a file that is no sound zip file and for a member that would land outside `out_dir`.
    """
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        _extract(archive, temporary, on_progress)
        files = sorted(path.relative_to(temporary) for path in temporary.rglob("*") if path.is_file())
        for file in files:
            target = out_dir / file
            target.parent.mkdir(parents=True, exist_ok=True)
            (temporary / file).replace(target)
        return tuple(files)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(archive: Path, folder: Path, on_progress: ProgressFn) -> None:
    try:
        with zipfile.ZipFile(archive) as file:
            members = file.infolist()
            for member in members:
                _check_stays_inside(archive, member)
            done_bytes, total_bytes = 0, sum(member.file_size for member in members)
            for member in members:
                file.extract(member, folder)
                done_bytes += member.file_size
                on_progress(done_bytes, total_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: a method or a password
        raise DownloadError(f"{archive}: not a sound zip file ({error}); remove it and download it again") from error


def _check_stays_inside(archive: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    has_drive = ":" in path.as_posix().split("/")[0]
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or has_drive or is_link:
        raise DownloadError(f"{archive}: its member {member.filename!r} would land outside the folder; don't trust it")
