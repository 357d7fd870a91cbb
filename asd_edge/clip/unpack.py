"""Unpacks a zip file into a folder: all of it into a temporary folder first, then file by file into place."""

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from asd_edge.errors import DownloadError


def unpack_zip(archive: Path, out_dir: Path, temporary: Path) -> None:
    """Put the files of `archive` into `out_dir`, beside what is there; `temporary` is on the same file system.

    Every member's CRC is checked before the first file reaches `out_dir`.
    Raises DownloadError for a file that is no sound zip file and for a member that would land outside `out_dir`.
    """
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                _check_stays_inside(archive, member)
            file.extractall(temporary)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise DownloadError(f"{archive}: not a sound zip file ({error}); remove it and download it again") from error
    for folder, _, names in os.walk(temporary):
        target = out_dir / Path(folder).relative_to(temporary)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            (Path(folder) / name).replace(target / name)
    shutil.rmtree(temporary)


def _check_stays_inside(archive: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or is_link:
        raise DownloadError(f"{archive}: its member {member.filename!r} would land outside the folder; don't trust it")
