"""Fetches the archives of DCASE 2020 Task 2 from Zenodo: resumes what broke off, checks the MD5, unpacks.

The archives, their records and MD5 are in dcase2020_archives.tsv. The data is CC BY-NC-SA 4.0 (Koizumi et al., DCASE
2020; from MIMII and ToyADMOS). What is under way and what is done is kept in `<out_dir>/.dcase2020`, so that a second
call goes on from there.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.unpack import unpack_zip
from asd_edge.errors import DownloadError

ZENODO_URL = "https://zenodo.org/records"
ARCHIVE_TABLE = Path(__file__).with_name("dcase2020_archives.tsv")
STATE_FOLDER = ".dcase2020"
TIMEOUT_S = 60.0
ATTEMPTS = 5  # in a row without a byte of progress
RETRY_DELAY_S = 1.0  # before the second attempt, doubled for each one that follows
CHUNK_BYTES = 1 << 18


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
    rows = [line.split("\t") for line in table.read_text().splitlines() if line and not line.startswith("#")]
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
        raise DownloadError(f"{archive_set}: no such set of archives; choose one of {', '.join(known_sets)}")
    of_set = [archive for archive in archives if archive.archive_set == archive_set]
    known_types = [archive.machine_type for archive in of_set]
    for machine_type in machine_types:
        if machine_type not in known_types:
            raise DownloadError(f"{machine_type}: no such machine type; choose among {', '.join(known_types)}")
    return tuple(archive for archive in of_set if not machine_types or archive.machine_type in machine_types)


def download_archives(
    archive_set: str,
    out_dir: Path,
    base_url: str = ZENODO_URL,
    on_progress: ProgressFn = ignore_progress,
    machine_types: Sequence[str] = (),
    keep_archives: bool = False,
    table: Path = ARCHIVE_TABLE,
) -> tuple[Path, ...]:
    """Fetch and unpack a set into `out_dir`, one archive after the other; the folders of its machine types.

    `on_progress` gets bytes and starts anew with each archive. Raises DownloadError as `download_archive` does.
    """
    archives = list_archives(archive_set, machine_types, table)
    for archive in archives:
        download_archive(archive, out_dir, base_url, on_progress, keep_archives)
    return tuple(out_dir / archive.machine_type for archive in archives)


def download_archive(
    archive: Archive,
    out_dir: Path,
    base_url: str = ZENODO_URL,
    on_progress: ProgressFn = ignore_progress,
    keep_archive: bool = False,
) -> None:
    """Fetch one archive from `<base_url>/<record>/files/<file>?download=1`, check its MD5 and unpack it into `out_dir`.

    Does nothing if that was done before. An archive that the user has put into `<out_dir>/.dcase2020` is not fetched.
    `on_progress` gets the bytes of the archive.
    Raises DownloadError when the server refuses or keeps breaking off (what arrived stays for the next call), when the
    MD5 differs (the file is removed), and when the archive is no sound zip file or `out_dir` can't be written.
    """
    state = out_dir / STATE_FOLDER
    local, done = state / archive.file, state / f"{archive.file}.{archive.md5}.unpacked"
    try:
        if done.exists():
            return
        state.mkdir(parents=True, exist_ok=True)
        if not local.exists():
            url = f"{base_url.rstrip('/')}/{archive.record}/files/{archive.file}?download=1"
            partial = state / f"{archive.file}.part"
            _fetch(url, partial, on_progress)
            _check_md5(partial, archive)
            partial.replace(local)
        else:
            _check_md5(local, archive)
        unpack_zip(local, out_dir, state / f"{archive.file}.unpacking")
        done.touch()
        if not keep_archive:
            local.unlink()
    except OSError as error:
        raise DownloadError(
            f"{error.filename or out_dir}: can't be written ({error.strerror or error}); "
            "free space or choose another folder, then call again"
        ) from error


def _check_md5(path: Path, archive: Archive) -> None:
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != archive.md5:
        path.unlink()
        raise DownloadError(
            f"{archive.file}: its MD5 is {md5} and should be {archive.md5}; it was removed: download it again"
        )


def _fetch(url: str, partial: Path, on_progress: ProgressFn) -> None:
    """Fill `partial` up to the length that the server names; gives up after ATTEMPTS in a row brought nothing."""
    failures = 0
    reason = ""
    while failures < ATTEMPTS:
        had = partial.stat().st_size if partial.exists() else 0
        try:
            if _fetch_rest(url, partial, on_progress):
                return
            reason = "it ended early"
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            reason = type(error).__name__
        except requests.RequestException as error:
            raise DownloadError(f"{url}: can't be fetched ({error}); check the address") from error
        has = partial.stat().st_size if partial.exists() else 0
        failures = 0 if has > had else failures + 1
        if 0 < failures < ATTEMPTS:
            time.sleep(RETRY_DELAY_S * 2 ** (failures - 1))
    raise DownloadError(f"{url}: the connection keeps breaking off ({reason}); call again to go on where it stopped")


def _fetch_rest(url: str, partial: Path, on_progress: ProgressFn) -> bool:
    """One request for what `partial` still lacks; whether it is whole now.

    A server that answers a range (RFC 9110, 14) with the whole file (200) makes it start anew.
    """
    offset = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == requests.codes.requested_range_not_satisfiable and offset:
            if content_range == f"bytes */{offset}":
                return True
            partial.unlink()
            return False
        if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise DownloadError(
                f"{url}: the server answered {response.status_code} {response.reason}; "
                "check the address, or try again later"
            )
        if response.status_code == requests.codes.ok or not content_range.startswith(f"bytes {offset}-"):
            offset = 0
        length = response.headers.get("Content-Length")
        total = offset + int(length) if length is not None else None
        with partial.open("ab" if offset else "wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                on_progress(file.tell(), total or file.tell())
            return total is None or file.tell() == total
