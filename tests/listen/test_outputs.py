"""Lines of JSON through a full disk, a file of bounded size, and an output that fails beside one that works."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from asd_edge.errors import ListenError
from asd_edge.listen.config import JsonLinesConfig
from asd_edge.listen.events import Event, EventIds
from asd_edge.listen.json_lines import JsonLines
from asd_edge.listen.outputs import Change, Outputs
from tests.listen.small_disk import enlarge, small_disk, why_no_small_disk
from tests.listen.some_events import score
from tests.listen.told_events import check_ids, read_events


def test_a_full_disk_delays_lines_and_loses_none(tmp_path: Path) -> None:
    if (reason := why_no_small_disk()) is not None:
        pytest.skip(reason)
    try:
        with small_disk(tmp_path / "disk", 16) as disk:
            path, ids = disk / "events.jsonl", EventIds()
            outputs = Outputs({"jsonl": JsonLines(JsonLinesConfig(path=path))}, {})
            for _ in range(100):
                outputs.publish(score(ids))
            assert path.stat().st_size == 16_384  # the last line is half there
            (change,) = outputs.changes()
            assert change.problem is not None
            assert "No space left on device" in change.problem
            assert outputs.changes() == []
            enlarge(disk, 1024)
            assert outputs.changes() == [Change("jsonl", None)]
            outputs.publish(score(ids))
            assert outputs.close() == []
            events = read_events(path)
            assert len(events) == 101
            check_ids(events)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no tmpfs can be mounted here: {error}")


def test_a_file_at_its_bound_becomes_the_old_one(tmp_path: Path) -> None:
    path, ids = tmp_path / "events.jsonl", EventIds()
    lines = JsonLines(JsonLinesConfig(path=path, most_bytes=100_000))
    for _ in range(600):
        lines.publish(score(ids))
    lines.close()
    old = path.with_name("events.jsonl.1")
    assert 100_000 <= old.stat().st_size < 100_500
    check_ids(read_events(old) + read_events(path))


@contextmanager
def longest_file(n_bytes: int) -> Iterator[None]:
    """Stands for a disk with so much room: no file may become longer."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)


def test_lines_that_wait_at_the_end_are_tried_once_more_and_then_counted_as_lost(tmp_path: Path) -> None:
    first, second, ids = tmp_path / "first.jsonl", tmp_path / "second.jsonl", EventIds()
    with longest_file(1000):
        ends = [Outputs({"jsonl": JsonLines(JsonLinesConfig(path=path))}, {}) for path in (first, second)]
        for outputs in ends:
            for _ in range(10):
                outputs.publish(score(ids))
            ((_, told),) = [(change.name, change.problem) for change in outputs.changes()]
            assert "lines wait" in str(told)
        (change,) = ends[0].close()
    n_whole = first.read_text().count("\n")
    assert change.problem == f"{first}: can't be written (File too large); {10 - n_whole} lines lost since the start"
    assert ends[1].close() == []
    assert len(read_events(second)) == 10


def test_a_named_pipe_waits_for_a_reader_and_nobody_waits_for_it(tmp_path: Path) -> None:
    path, ids = tmp_path / "events", EventIds()
    os.mkfifo(path)
    lines = JsonLines(JsonLinesConfig(path=path))
    lines.publish(score(ids))
    assert lines.problem() == f"{path}: can't be written (nobody reads it); 1 lines wait"
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    lines.publish(score(ids))
    assert lines.problem() is None
    assert os.read(reader, 1 << 16).count(b"\n") == 2
    lines.close()
    os.close(reader)


_WRITER = """
import sys
from asd_edge.errors import ListenError
from asd_edge.listen.config import JsonLinesConfig
from asd_edge.listen.events import EventIds
from asd_edge.listen.json_lines import JsonLines
from tests.listen.some_events import score
lines, ids = JsonLines(JsonLinesConfig()), EventIds()
for _ in range(20_500):
    lines.publish(score(ids))
print(lines.problem(), file=sys.stderr)
try:
    lines.close()
except ListenError as error:
    print(error, file=sys.stderr)
"""


def test_standard_output_that_nobody_reads_stops_nothing() -> None:
    """Regression: a write waited for a reader, deaf to SIGTERM."""
    read_end, write_end = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _WRITER], stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=120
        )
        os.set_blocking(read_end, False)
        n_taken = os.read(read_end, 1 << 20).count(b"\n")
    finally:
        os.close(read_end)
        os.close(write_end)
    n_dropped = 20_500 - n_taken - 20_000
    assert n_dropped > 0
    assert done.stderr.splitlines() == [
        "standard output: can't be written (nobody reads it); 20000 lines wait, "
        f"{n_dropped} lines lost since the start",
        f"standard output: can't be written (nobody reads it); {n_dropped + 20_000} lines lost since the start",
    ]


def test_a_reader_of_standard_output_gets_every_line() -> None:
    """Far more than a pipe holds, at once."""
    done = subprocess.run(
        [sys.executable, "-c", _WRITER.replace("20_500", "5_000")], capture_output=True, text=True, timeout=120
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == 5000
    check_ids(events)


class Failing:
    """A sink whose disk, network or peer is gone while `is_down`."""

    def __init__(self) -> None:
        self.is_down = True
        self.words: str | None = None

    def publish(self, event: Event) -> None:
        if self.is_down:
            raise ListenError("gone")

    def hear(self, machine: str, samples: np.ndarray, sample_index: int) -> None:
        if self.is_down:
            raise OSError("gone too")

    def problem(self) -> str | None:
        return self.words

    def close(self) -> None:
        raise OSError("not even that")


def test_an_output_that_fails_is_told_once_and_stops_no_other(tmp_path: Path) -> None:
    failing, ids = Failing(), EventIds()
    lines = JsonLines(JsonLinesConfig(path=tmp_path / "events.jsonl"))
    outputs = Outputs({"bad": failing, "jsonl": lines}, {"bad": failing})
    outputs.publish(score(ids))
    outputs.hear("fan/id_00", np.zeros(5, np.int16), 0)
    outputs.publish(score(ids))
    assert outputs.changes() == [Change("bad", "gone")]
    outputs.publish(score(ids))
    assert outputs.changes() == []
    failing.is_down = False
    outputs.publish(score(ids))
    assert outputs.changes() == [Change("bad", None)]
    assert outputs.close() == [Change("bad", "not even that")]
    assert len(read_events(tmp_path / "events.jsonl")) == 4


def test_other_words_are_news_and_other_figures_are_not() -> None:
    failing = Failing()
    outputs = Outputs({"bad": failing}, {})
    told = []
    for words in ("no broker; 5 wait", "no broker; 6 wait", "no broker; 7 wait; 2 lost", "9 lost", None, None):
        failing.words = words
        told.append([change.problem for change in outputs.changes()])
    assert told == [["no broker; 5 wait"], [], ["no broker; 7 wait; 2 lost"], ["9 lost"], [None], []]
