"""Fetches the archives of DCASE 2020 Task 2 from Zenodo: resumes what broke off, checks the MD5, unpacks.

The archives, their records and MD5 are in dcase2020_archives.tsv. The data is CC BY-NC-SA 4.0 (Koizumi et al., DCASE
2020; from MIMII and ToyADMOS). What is under way and what is done is kept in `<out_dir>/.dcase2020`, so that a second
call goes on from there. It stands on requests rather than on pooch, which throws away what it has of a file when the
connection breaks: archives of this size would never arrive over a poor line.
"""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.unpack import unpack_zip
from asd_edge.errors import DownloadError

ZENODO_URL = "https://zenodo.org/records"
ARCHIVE_TABLE = Path(__file__).with_name("dcase2020_archives.tsv")
STATE_FOLDER = ".dcase2020"
TIMEOUT_S = 60.0  # without an answer or a byte
ATTEMPTS = 5  # in a row that brought nothing new
RETRY_DELAY_S = 1.0  # before the second attempt, doubled for each one that follows
RETRY_STATUS = (429, 500, 502, 503, 504)  # what a busy server answers; anything else won't change by waiting
CHUNK_BYTES = 1 << 14  # the most that a broken connection loses
CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<total>\d+|\*)")


@dataclass(frozen=True)
class Archive:
    """One zip file as published."""

    archive_set: str  # dev, additional_train or evaluation
    record: str  # of Zenodo
    file: str  # dev_data_fan.zip
    md5: str  # hex

    @property
    def machine_type(self) -> str:
        """The last word of the file's name: "fan"."""
        return self.file.removesuffix(".zip").rsplit("_", 1)[-1]


def read_archive_table(table: Path = ARCHIVE_TABLE) -> tuple[Archive, ...]:
    """The rows of a table with the columns set, zenodo_record, file, md5; lines with # and the header are skipped."""
    rows = [
        line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    return tuple(Archive(*row) for row in rows[1:])


def list_archives(
    archive_set: str, machine_types: Sequence[str] = (), table: Path = ARCHIVE_TABLE
) -> tuple[Archive, ...]:
    """The archives of a set (dev, additional_train, evaluation), of all machine types or of those named.

    Raises DownloadError for a set or a machine type that the table doesn't hold.
    """
    archives = read_archive_table(table)
    known_sets = sorted({archive.archive_set for archive in archives})
    if archive_set not in known_sets:
        raise DownloadError(f"{archive_set}: no such set of archives; choose from {', '.join(known_sets)}")
    of_set = [archive for archive in archives if archive.archive_set == archive_set]
    known_types = [archive.machine_type for archive in of_set]
    for machine_type in machine_types:
        if machine_type not in known_types:
            raise DownloadError(f"{machine_type}: no such machine type; choose from {', '.join(known_types)}")
    return tuple(archive for archive in of_set if not machine_types or archive.machine_type in machine_types)


def fetch_archive(
    archive: Archive, out_dir: Path, base_url: str = ZENODO_URL, on_progress: ProgressFn = ignore_progress
) -> None:
    """Fetch `<base_url>/<record>/files/<file>?download=1` into `<out_dir>/.dcase2020`, from where it last stopped.

    Does nothing if the archive lies there (fetched or put there by the user) or was unpacked. `on_progress` gets the
    bytes of the archive. Raises DownloadError when the server refuses or keeps breaking off (what arrived stays for the
    next call) and when `out_dir` can't be written.
    """
    local = out_dir / STATE_FOLDER / archive.file
    if local.exists() or is_unpacked(archive, out_dir):
        return
    partial = local.with_name(f"{archive.file}.part")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        _fetch(f"{base_url.rstrip('/')}/{archive.record}/files/{archive.file}?download=1", partial, on_progress)
        partial.replace(local)
    except OSError as error:
        raise _cannot_write(out_dir, error) from error


def unpack_archive(
    archive: Archive, out_dir: Path, on_progress: ProgressFn = ignore_progress, keep_archive: bool = False
) -> None:
    """Check the MD5 of a fetched archive, unpack it into `out_dir`, and remove it unless it is to be kept.

    Does nothing if all its files are there. `on_progress` gets unpacked bytes.
    Raises DownloadError when the MD5 differs (the archive is removed), and when the archive is no sound zip file or
    `out_dir` can't be written.
    """
    if is_unpacked(archive, out_dir):
        return
    local = out_dir / STATE_FOLDER / archive.file
    try:
        _check_md5(local, archive)
        files = unpack_zip(local, out_dir, local.with_name(f"{archive.file}.unpacking"), on_progress)
        write_text_atomically(_list_of_files(archive, out_dir), "".join(f"{file.as_posix()}\n" for file in files))
        if not keep_archive:
            local.unlink()
    except OSError as error:
        raise _cannot_write(out_dir, error) from error


def is_unpacked(archive: Archive, out_dir: Path) -> bool:
    """Whether every file of the archive, as published with this MD5, has been unpacked into `out_dir` and is there."""
    list_of_files = _list_of_files(archive, out_dir)
    if not list_of_files.is_file():
        return False
    return all((out_dir / file).is_file() for file in list_of_files.read_text(encoding="utf-8").splitlines())


def _list_of_files(archive: Archive, out_dir: Path) -> Path:
    """Where `unpack_archive` notes what it has unpacked."""
    return out_dir / STATE_FOLDER / f"{archive.file}.{archive.md5}.unpacked"


def _cannot_write(out_dir: Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"{error.filename or out_dir}: can't be written ({error.strerror or error}); "
        "free space or choose another folder, then call again"
    )


def _check_md5(path: Path, archive: Archive) -> None:
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != archive.md5:
        path.unlink()
        raise DownloadError(
            f"{archive.file}: its MD5 is {md5} and should be {archive.md5}; it was removed: call again to fetch it anew"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(url: str, partial: Path, on_progress: ProgressFn) -> None:
    """Fill `partial` up to the length that the server names; gives up after ATTEMPTS in a row brought nothing new."""
    failures, reason, most_bytes = 0, "", _size(partial)
    while failures < ATTEMPTS:
        try:
            reason = _fetch_rest(url, partial, on_progress)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            reason = f"the connection failed: {type(error).__name__}"
        except requests.RequestException as error:
            raise DownloadError(f"{url}: can't be fetched ({error}); check the address") from error
        if not reason:
            return
        has_bytes = _size(partial)
        failures = 0 if has_bytes > most_bytes else failures + 1
        most_bytes = max(most_bytes, has_bytes)
        if 0 < failures < ATTEMPTS:
            time.sleep(RETRY_DELAY_S * 2 ** (failures - 1))
    raise DownloadError(
        f"{url}: gave up after {ATTEMPTS} attempts ({reason}); check the network and call again: "
        f"the {_size(partial)} bytes that arrived are kept"
    )


def _fetch_rest(url: str, partial: Path, on_progress: ProgressFn) -> str:
    """One request for what `partial` still lacks; why it isn't whole yet, or "" when it is.

    Ranges follow RFC 9110, 14. A server that answers one with the whole file (200) makes it start anew.
    """
    offset = _size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        status, content_range = response.status_code, response.headers.get("Content-Range", "")
        answer = f"the server answered {status} {response.reason}"
        if status == requests.codes.requested_range_not_satisfiable and offset:
            if content_range == f"bytes */{offset}":
                return ""
            partial.unlink()
            return answer
        if status in RETRY_STATUS:
            return answer
        if status not in (requests.codes.ok, requests.codes.partial_content):
            raise DownloadError(f"{url}: {answer}; check the address, or try again later")
        length = response.headers.get("Content-Length")
        total = int(length) if length is not None else None
        if status == requests.codes.ok:
            offset = 0
        else:
            match = CONTENT_RANGE.fullmatch(content_range)
            if match is None or int(match["first"]) != offset:
                partial.unlink(missing_ok=True)
                return f"{answer} with the range {content_range!r}"
            total = int(match["total"]) if match["total"] != "*" else None
        with partial.open("ab" if offset else "wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                on_progress(file.tell(), total or file.tell())
            return "" if total is None or file.tell() == total else f"it ended after {file.tell()} of {total} bytes"
