"""Messages on disk, cut at any byte, damaged, killed, without room: none is lost untold, none invented."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from asd_edge.errors import ListenError
from asd_edge.listen.spool import Spool
from asd_edge.listen.spool_record import Message

MEGABYTE = 1 << 20
N_KEPT = 64


def payload(number: int) -> bytes:
    return f'{{"id":"run-{number}"}}'.encode()


def filled(folder: Path, n_messages: int, most_bytes: int = MEGABYTE) -> list[Path]:
    """Segments with messages 1 to n_messages."""
    spool = Spool(folder, most_bytes)
    for number in range(1, n_messages + 1):
        spool.append(f"topic/{number % 3}", payload(number))
    spool.close()
    return sorted(folder.glob("*.segment"))


def waiting(spool: Spool) -> list[Message]:
    found, sequence = [], spool.acknowledged
    while (message := spool.next_after(sequence)) is not None:
        found.append(message)
        sequence = message.sequence
    return found


def numbers(spool: Spool) -> list[int]:
    """Of the messages that wait, each as it was written."""
    found = waiting(spool)
    assert all(m.payload == payload(m.sequence) and m.topic == f"topic/{m.sequence % 3}" for m in found)
    return [message.sequence for message in found]


@contextmanager
def opened(folder: Path, most_bytes: int = MEGABYTE) -> Iterator[Spool]:
    spool = Spool(folder, most_bytes)
    try:
        yield spool
    finally:
        spool.close()


def test_messages_come_out_as_they_went_in_over_a_restart(tmp_path: Path) -> None:
    filled(tmp_path, 5)
    with opened(tmp_path) as spool:
        assert numbers(spool) == [1, 2, 3, 4, 5]
        spool.append("topic/0", payload(6))
        assert numbers(spool) == [1, 2, 3, 4, 5, 6]
        spool.acknowledge(4, 2)
    with opened(tmp_path) as spool:
        assert numbers(spool) == [5, 6]
        assert spool.n_waiting == 2
        assert spool.next_after(2) == Message(3, "topic/0", payload(3))  # kept to be sent again


@pytest.mark.parametrize(("tail", "step"), [(b"", 1), (b"\0" * 64, 9), (b"ASDr" + b"\xff" * 20, 9)])
def test_a_cut_at_any_byte_loses_no_finished_message_and_invents_none(tmp_path: Path, tail: bytes, step: int) -> None:
    (segment,) = filled(tmp_path, 6)
    content = segment.read_bytes()
    ends = [content.find(payload(number)) + len(payload(number)) for number in range(1, 7)]
    assert ends[-1] == len(content)
    for length in range(ends[3], len(content) + 1, step):
        for path in tmp_path.glob("*.segment"):
            path.unlink()
        segment.write_bytes(content[:length] + tail)
        finished = [number for number, end in enumerate(ends, 1) if end <= length]
        with opened(tmp_path) as spool:
            assert numbers(spool) == finished
            spool.append(f"topic/{(len(finished) + 1) % 3}", payload(len(finished) + 1))
            assert numbers(spool) == [*finished, len(finished) + 1]
            assert (spool.losses.n_dropped, spool.losses.n_damaged) == (0, 0)


def test_a_file_with_no_finished_message_is_written_anew(tmp_path: Path) -> None:
    (segment,) = filled(tmp_path, 1)
    segment.write_bytes(segment.read_bytes()[:-1])
    with opened(tmp_path) as spool:
        assert numbers(spool) == []
        spool.append("topic/1", payload(1))
        assert numbers(spool) == [1]


def test_a_damaged_message_costs_itself_alone_and_is_counted(tmp_path: Path) -> None:
    (segment,) = filled(tmp_path, 5)
    content = segment.read_bytes()
    length = len(content) // 5
    rng = np.random.default_rng(1)
    for at in rng.choice(np.arange(length, 4 * length), 30, replace=False):
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        segment.write_bytes(damaged)
        with opened(tmp_path) as spool:
            hit = 1 + int(at) // length
            assert numbers(spool) == [number for number in range(1, 6) if number != hit]
            assert numbers(spool) == [number for number in range(1, 6) if number != hit]
            assert spool.losses.n_damaged == 1


@pytest.mark.parametrize("content", [b"", b"7", b"7 1\n", b"\0\0\0\0"])
def test_without_a_whole_position_all_that_is_kept_waits_again(tmp_path: Path, content: bytes) -> None:
    filled(tmp_path, 3)
    (tmp_path / "position").write_bytes(content)
    with opened(tmp_path) as spool:
        assert numbers(spool) == [1, 2, 3]


def test_a_full_spool_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    n_messages = 4000
    filled(tmp_path, n_messages, most_bytes=MEGABYTE // 8)
    with opened(tmp_path, MEGABYTE // 8) as spool:
        left = numbers(spool)
        assert left == list(range(left[0], n_messages + 1))
        assert 1 < left[0] < n_messages // 2
        assert sum(path.stat().st_size for path in tmp_path.glob("*.segment")) <= MEGABYTE // 8
        for number in range(n_messages + 1, n_messages + 2001):
            spool.append(f"topic/{number % 3}", payload(number))
        after = numbers(spool)
        assert after == list(range(after[0], n_messages + 2001))
        assert (spool.losses.n_dropped, spool.losses.n_damaged) == (after[0] - left[0], 0)


def test_what_was_acknowledged_before_it_went_was_not_dropped(tmp_path: Path) -> None:
    with opened(tmp_path, MEGABYTE // 8) as spool:
        for number in range(1, 6001):
            spool.append(f"topic/{number % 3}", payload(number))
            message = spool.next_after(number - 1)
            assert message is not None
            assert message.sequence == number
            spool.acknowledge(number, number - N_KEPT)
        assert numbers(spool) == []
        assert len(list(tmp_path.glob("*.segment"))) == 1
        assert (spool.losses.n_dropped, spool.losses.n_damaged) == (0, 0)
        assert spool.next_after(6000 - N_KEPT - 1) == Message(
            6000 - N_KEPT, f"topic/{(6000 - N_KEPT) % 3}", payload(6000 - N_KEPT)
        )


def test_what_is_taken_back_waits_again_over_a_restart(tmp_path: Path) -> None:
    filled(tmp_path, 9)
    with opened(tmp_path) as spool:
        assert numbers(spool) == list(range(1, 10))
        spool.acknowledge(9, 3)
        spool.take_back(9)
        assert spool.n_waiting == 0
        spool.take_back(3)
        assert spool.n_waiting == 6
    with opened(tmp_path) as spool:
        assert numbers(spool) == list(range(4, 10))
        assert (spool.losses.n_dropped, spool.losses.n_damaged) == (0, 0)


def test_what_may_be_taken_back_stays_and_nothing_else_does(tmp_path: Path) -> None:
    segments = filled(tmp_path, 3000, most_bytes=MEGABYTE // 4)
    firsts = [int(path.stem) for path in segments]
    assert len(firsts) > 3
    with opened(tmp_path, MEGABYTE // 4) as spool:
        spool.acknowledge(3000, firsts[2] - 2)
        assert sorted(tmp_path.glob("*.segment")) == segments[1:]
        spool.acknowledge(3000, firsts[2] - 1)
        assert sorted(tmp_path.glob("*.segment")) == segments[2:]
        spool.take_back(0)
        assert numbers(spool) == list(range(firsts[2], 3001))


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_file_that_is_gone_costs_its_messages_alone_and_is_counted(tmp_path: Path, which: int) -> None:
    n_messages = 3000
    segments = filled(tmp_path, n_messages, most_bytes=MEGABYTE // 4)
    bounds = [*(int(path.stem) for path in segments), n_messages + 1]
    first, stop = list(pairwise(bounds))[which]
    with opened(tmp_path, MEGABYTE // 4) as spool:
        segments[which].unlink()
        left = [number for number in range(1, n_messages + 1) if not first <= number < stop]
        assert numbers(spool) == left
        assert numbers(spool) == left
        spool.append(f"topic/{(n_messages + 1) % 3}", payload(n_messages + 1))
        assert numbers(spool) == [*left, n_messages + 1]
        assert (spool.losses.n_dropped, spool.losses.n_damaged) == (0, stop - first)


def test_a_file_that_is_gone_while_it_is_written_is_followed_by_another(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append("topic/1", payload(1))
        next(tmp_path.glob("*.segment")).unlink()
        spool.append("topic/2", payload(2))
        assert numbers(spool) == []
        spool.append("topic/0", payload(3))
        assert numbers(spool) == [3]
        assert spool.losses.n_damaged == 2


def test_many_restarts_stay_within_the_bound(tmp_path: Path) -> None:
    for number in range(1, 40):
        with opened(tmp_path, MEGABYTE // 8) as spool:
            spool.append(f"topic/{number % 3}", payload(number))
    assert len(list(tmp_path.glob("*.segment"))) <= MEGABYTE // 8 // 4096


def test_a_folder_serves_one_process(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ListenError, match="another process uses it"):
        Spool(tmp_path, MEGABYTE)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    with pytest.raises(ListenError, match="can't hold waiting messages"):
        Spool(tmp_path / "spool", MEGABYTE)


def test_messages_outlive_a_disk_that_takes_none_for_a_while(tmp_path: Path) -> None:
    """The limit on a file's length stands for the full disk: write() fails in the middle of a record."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with opened(tmp_path) as spool:
        spool.append("topic/1", payload(1))
        size = next(tmp_path.glob("*.segment")).stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, limits[1]))
            spool.append("topic/2", payload(2))
            assert spool.failure
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            for number in range(3, 10):
                spool.append(f"topic/{number % 3}", payload(number))
            assert spool.failure
            assert numbers(spool) == list(range(1, 10))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, previous)
        spool.append("topic/1", payload(10))
        assert not spool.failure
        assert numbers(spool) == list(range(1, 11))
    with opened(tmp_path) as spool:
        assert numbers(spool) == list(range(1, 11))
        assert (spool.losses.n_dropped, spool.losses.n_damaged) == (0, 0)


def test_what_the_disk_never_takes_is_dropped_oldest_first_and_counted(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with opened(tmp_path) as spool:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            for number in range(1, 1001):
                spool.append(f"topic/{number % 3}", payload(number))
            left = numbers(spool)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, previous)
        assert left == list(range(left[0], 1001))
        assert spool.losses.n_dropped == left[0] - 1 > 0
        assert spool.losses.n_damaged == 0


_WRITER = """
import sys
from pathlib import Path
from asd_edge.listen.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 20)
for number in range(1, 1_000_000):
    spool.append(f"topic/{number % 3}", f'{{"id":"run-{number}"}}'.encode())
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    for _ in range(500):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    told = 500 + len(writer.stdout.read().split())
    writer.wait()
    writer.stdout.close()
    with opened(tmp_path) as spool:
        found = numbers(spool)
    assert found in (list(range(1, told + 1)), list(range(1, told + 2)))
