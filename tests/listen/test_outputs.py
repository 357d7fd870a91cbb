"""Lines of JSON through a full disk, a file of bounded size, and an output that fails beside one that works."""

import subprocess
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


class Failing:
    """A sink whose disk, network or peer is gone while `is_down`."""

    def __init__(self) -> None:
        self.is_down = True

    def publish(self, event: Event) -> None:
        if self.is_down:
            raise ListenError("gone")

    def hear(self, machine: str, samples: np.ndarray, sample_index: int) -> None:
        if self.is_down:
            raise OSError("gone too")

    def problem(self) -> str | None:
        return None

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
