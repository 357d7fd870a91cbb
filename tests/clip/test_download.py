"""Downloads against a real server on 127.0.0.1 that breaks off, refuses, ignores ranges and serves other bytes."""

import hashlib
import io
import random
import re
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd_edge.clip import download
from asd_edge.clip.download import (
    ARCHIVE_TABLE,
    CHUNK_BYTES,
    STATE_FOLDER,
    Archive,
    fetch_archive,
    is_unpacked,
    list_archives,
    read_archive_table,
    unpack_archive,
)
from asd_edge.clip.layouts import find_clips
from asd_edge.errors import DownloadError
from tests.clip.zenodo_server import FakeZenodo, serve

MEMBERS = {
    "fan/train/normal_id_00_00000000.wav": random.Random(1).randbytes(500_000),
    "fan/train/normal_id_00_00000001.wav": random.Random(2).randbytes(400_000),
    "fan/test/anomaly_id_00_00000000.wav": b"short",
}
FIRST_FILE = "fan/train/normal_id_00_00000000.wav"


def zip_of(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return content.getvalue()


CONTENT = zip_of(MEMBERS)
HALF = len(CONTENT) // 2 // CHUNK_BYTES * CHUNK_BYTES  # what arrived of a block is lost with the connection
ARCHIVE = Archive("dev", "3678171", "dev_data_fan.zip", hashlib.md5(CONTENT).hexdigest())
PATH = "/3678171/files/dev_data_fan.zip?download=1"


@pytest.fixture
def zenodo(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeZenodo]:
    monkeypatch.setattr(download, "RETRY_DELAY_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = FakeZenodo(files={PATH: CONTENT})
    with serve(server):
        yield server


def fetched(out_dir: Path) -> Path:
    return out_dir / STATE_FOLDER / ARCHIVE.file


def part(out_dir: Path) -> Path:
    return out_dir / STATE_FOLDER / f"{ARCHIVE.file}.part"


def ranges(zenodo: FakeZenodo) -> list[str | None]:
    assert {path for path, _ in zenodo.requests} <= {PATH}
    return [asked for _, asked in zenodo.requests]


def holds_the_members(out_dir: Path) -> bool:
    found = {path.relative_to(out_dir).as_posix(): path.read_bytes() for path in out_dir.glob("fan/*/*")}
    return found == MEMBERS


def test_archive_is_fetched_checked_and_unpacked_into_the_layout(tmp_path: Path, zenodo: FakeZenodo) -> None:
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT
    unpack_archive(ARCHIVE, tmp_path)
    assert holds_the_members(tmp_path)
    assert [clip.machine for clip in find_clips(tmp_path)] == ["fan/id_00"] * 3
    assert [path.name for path in (tmp_path / STATE_FOLDER).iterdir()] == [f"{ARCHIVE.file}.{ARCHIVE.md5}.unpacked"]
    assert ranges(zenodo) == [None]


def test_slash_at_the_end_of_the_base_address_changes_nothing(tmp_path: Path, zenodo: FakeZenodo) -> None:
    fetch_archive(ARCHIVE, tmp_path, zenodo.url + "/")
    assert ranges(zenodo) == [None]


def test_connection_dropped_halfway_is_resumed_from_the_block_it_reached(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.drops = [HALF + 1, 2 * CHUNK_BYTES, CHUNK_BYTES - 1]
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT
    assert ranges(zenodo) == [None, f"bytes={HALF}-", *[f"bytes={HALF + 2 * CHUNK_BYTES}-"] * 2]


def test_drops_that_each_bring_something_are_endured_beyond_the_attempts(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.drops = [CHUNK_BYTES] * (3 * download.ATTEMPTS)
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT


def test_next_call_goes_on_where_an_interruption_stopped_it(tmp_path: Path, zenodo: FakeZenodo) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url, interrupt)
    kept = part(tmp_path).stat().st_size
    assert 0 < kept < len(CONTENT)
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert ranges(zenodo) == [None, f"bytes={kept}-"]
    assert fetched(tmp_path).read_bytes() == CONTENT


def test_progress_rises_to_the_length_of_the_archive_across_drops(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.drops = [HALF, HALF // 2]
    seen: list[tuple[int, int]] = []
    fetch_archive(ARCHIVE, tmp_path, zenodo.url, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert {total for _, total in seen} == {len(CONTENT)}
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    unpacked: list[tuple[int, int]] = []
    unpack_archive(ARCHIVE, tmp_path, lambda done, total: unpacked.append((done, total)))
    assert unpacked == [(500_000, 900_005), (900_000, 900_005), (900_005, 900_005)]


def test_server_without_ranges_starts_anew(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.knows_ranges, zenodo.drops = False, [HALF]
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert ranges(zenodo) == [None, f"bytes={HALF}-"]
    assert fetched(tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("drops", [[HALF] * 20, [HALF, HALF - CHUNK_BYTES] * 20])
def test_server_that_never_brings_more_is_given_up_and_the_part_kept(
    tmp_path: Path, zenodo: FakeZenodo, drops: list[int]
) -> None:
    zenodo.knows_ranges, zenodo.drops = False, drops
    with pytest.raises(DownloadError, match=r"fan\.zip.*: gave up after 5 attempts .* bytes that arrived are kept"):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert len(zenodo.requests) == 1 + download.ATTEMPTS
    assert part(tmp_path).stat().st_size in (HALF, HALF - CHUNK_BYTES)
    assert not fetched(tmp_path).exists()


@pytest.mark.parametrize("names_length", [True, False])
def test_length_of_the_answer_is_optional(tmp_path: Path, zenodo: FakeZenodo, names_length: bool) -> None:
    zenodo.names_length = names_length
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT


def test_ranges_answered_piece_by_piece_add_up(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.drops, zenodo.largest_range = [HALF], 100_000
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT


def test_answer_with_another_range_is_thrown_away(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.drops, zenodo.shift_ranges = [HALF], 10
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT
    assert ranges(zenodo) == [None, f"bytes={HALF}-", None]


def test_part_that_was_whole_already_is_taken(tmp_path: Path, zenodo: FakeZenodo) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT)
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert ranges(zenodo) == [f"bytes={len(CONTENT)}-"]
    assert fetched(tmp_path).read_bytes() == CONTENT


def test_part_longer_than_the_archive_is_fetched_anew(tmp_path: Path, zenodo: FakeZenodo) -> None:
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT + b"more")
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert ranges(zenodo) == [f"bytes={len(CONTENT) + 4}-", None]
    assert fetched(tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refusal_is_final_and_named(tmp_path: Path, zenodo: FakeZenodo, status: int) -> None:
    zenodo.statuses = [status]
    with pytest.raises(DownloadError, match=f"fan.zip.*: the server answered {status} .*; check the address"):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert len(zenodo.requests) == 1


def test_busy_server_is_asked_again(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.statuses = [503, 429, 0]
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert fetched(tmp_path).read_bytes() == CONTENT
    zenodo.statuses = [503] * 20
    with pytest.raises(DownloadError, match=r"gave up after 5 attempts .the server answered 503"):
        fetch_archive(ARCHIVE, tmp_path / "again", zenodo.url)


def test_pauses_between_attempts_double(tmp_path: Path, zenodo: FakeZenodo, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(download, "RETRY_DELAY_S", 1.0)
    monkeypatch.setattr(time, "sleep", pauses.append)
    zenodo.statuses = [503] * 20
    with pytest.raises(DownloadError):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_no_server_at_all_is_said_in_one_line(tmp_path: Path, zenodo: FakeZenodo) -> None:
    with serve(other := FakeZenodo()):
        pass
    with pytest.raises(DownloadError, match=r"the connection failed: ConnectionError.*check the network") as caught:
        fetch_archive(ARCHIVE, tmp_path, other.url)
    assert "\n" not in str(caught.value)


def test_address_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"can't be fetched .*; check the address"):
        fetch_archive(ARCHIVE, tmp_path, "ftp://127.0.0.1")


def test_wrong_md5_is_refused_and_the_archive_removed(tmp_path: Path, zenodo: FakeZenodo) -> None:
    zenodo.files[PATH] = zip_of({"fan/train/normal_id_00_00000000.wav": b"other"})
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    with pytest.raises(DownloadError, match=f"its MD5 is [0-9a-f]{{32}} and should be {ARCHIVE.md5}; it was removed"):
        unpack_archive(ARCHIVE, tmp_path)
    assert [*tmp_path.rglob("*")] == [tmp_path / STATE_FOLDER]
    zenodo.files[PATH] = CONTENT
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    unpack_archive(ARCHIVE, tmp_path)
    assert holds_the_members(tmp_path)


def test_archive_that_the_user_put_there_is_not_fetched(tmp_path: Path, zenodo: FakeZenodo) -> None:
    fetched(tmp_path).parent.mkdir()
    fetched(tmp_path).write_bytes(CONTENT)
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    unpack_archive(ARCHIVE, tmp_path)
    assert holds_the_members(tmp_path)
    assert zenodo.requests == []


def test_unpacked_archive_is_neither_fetched_nor_unpacked_again(tmp_path: Path, zenodo: FakeZenodo) -> None:
    for _ in range(2):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url)
        unpack_archive(ARCHIVE, tmp_path)
        assert is_unpacked(ARCHIVE, tmp_path)
        assert not fetched(tmp_path).exists()
    assert len(zenodo.requests) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_removed_clip_is_restored_from_the_kept_archive_or_fetched(
    tmp_path: Path, zenodo: FakeZenodo, keep: bool
) -> None:
    for _ in range(2):
        fetch_archive(ARCHIVE, tmp_path, zenodo.url)
        unpack_archive(ARCHIVE, tmp_path, keep_archive=keep)
        assert fetched(tmp_path).exists() == keep
        assert holds_the_members(tmp_path)
        (tmp_path / FIRST_FILE).unlink()
        assert not is_unpacked(ARCHIVE, tmp_path)
    assert len(zenodo.requests) == (1 if keep else 2)


def test_output_that_is_a_file_is_refused(tmp_path: Path, zenodo: FakeZenodo) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"can't be written .*; free space or choose another folder"):
        fetch_archive(ARCHIVE, tmp_path / "file", zenodo.url)


def test_clip_s_place_taken_by_a_folder_is_said(tmp_path: Path, zenodo: FakeZenodo) -> None:
    (tmp_path / FIRST_FILE).mkdir(parents=True)
    fetch_archive(ARCHIVE, tmp_path, zenodo.url)
    with pytest.raises(DownloadError, match="can't be written"):
        unpack_archive(ARCHIVE, tmp_path)
    assert not is_unpacked(ARCHIVE, tmp_path)


def test_table_has_the_published_archives() -> None:
    """Six machine types in each of the three records; the hash stands for every name and MD5 in the table."""
    archives = read_archive_table()
    assert Counter((archive.archive_set, archive.record) for archive in archives) == {
        ("dev", "3678171"): 6,
        ("additional_train", "3727685"): 6,
        ("evaluation", "3841772"): 6,
    }
    assert len({archive.md5 for archive in archives}) == 18
    assert all(re.fullmatch("[0-9a-f]{32}", archive.md5) for archive in archives)
    facts = "".join(f"{a.archive_set} {a.record} {a.file} {a.md5}\n" for a in archives)
    assert (
        hashlib.sha256(facts.encode()).hexdigest() == "9b7b5f0a6f5be4d92b9c449a9799be3ef7ecc344ea0cfedef995546d6ab0b48a"
    )
    assert ARCHIVE_TABLE.read_text(encoding="utf-8").startswith("# DCASE 2020 Task 2 archives on Zenodo")


@pytest.mark.parametrize("archive_set", ["dev", "additional_train", "evaluation"])
def test_a_set_is_all_types_or_those_named_in_the_table_s_order(archive_set: str) -> None:
    everything = [archive.machine_type for archive in list_archives(archive_set)]
    assert everything == ["fan", "pump", "slider", "ToyCar", "ToyConveyor", "valve"]
    assert [archive.machine_type for archive in list_archives(archive_set, ("valve", "fan"))] == ["fan", "valve"]


@pytest.mark.parametrize(
    ("archive_set", "types", "reason"),
    [
        ("test", (), "test: no such set of archives; choose from additional_train, dev, evaluation"),
        ("dev", ("fan", "gearbox"), "gearbox: no such machine type; choose from fan, pump, slider, ToyCar"),
    ],
)
def test_unknown_set_or_type_is_refused(archive_set: str, types: tuple[str, ...], reason: str) -> None:
    with pytest.raises(DownloadError, match=reason):
        list_archives(archive_set, types)
