"""The audio around an alarm on disk: the very samples, within the quota, whatever the disk does."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asd_edge.errors import ListenError
from asd_edge.listen.config import OutputsConfig
from asd_edge.listen.events import EventIds, utc
from asd_edge.listen.recorder import Recorder, recording_of
from asd_edge.listen.recording_config import RecordingConfig
from asd_edge.listen.recording_file import recordings_in
from tests.file_permissions import permissions_hold
from tests.listen.broker import wait_for
from tests.listen.some_events import alarm_ended, alarm_started, score

RATE_HZ, CHUNK, WINDOW = 16_000, 8000, 160_000
Samples = NDArray[np.int16]


def sound(seconds: float, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).integers(-2000, 2000, round(seconds * RATE_HZ)).astype(np.int16)


def config_of(folder: Path, quota_mb: int = 10, longest_seconds: float = 60.0) -> RecordingConfig:
    return RecordingConfig(
        folder=folder, quota_mb=quota_mb, before_seconds=1.5, after_seconds=2.25, longest_seconds=longest_seconds
    )


def hear(recorder: Recorder, samples: Samples, start: int, stop: int, machine: str = "fan/id_00") -> None:
    for index in range(start, stop, CHUNK):
        recorder.hear(machine, samples[index : min(index + CHUNK, stop)].copy(), index)


def record_alarm(recorder: Recorder, samples: Samples, ids: EventIds, alarm: str, machine: str = "fan/id_00") -> None:
    """Heard for 14 s, then an alarm by the window from 3 s on, which ends 2 s later, then the rest."""
    hear(recorder, samples, 0, 14 * RATE_HZ, machine)
    recorder.publish(alarm_started(ids, machine, alarm, 3 * RATE_HZ))
    hear(recorder, samples, 14 * RATE_HZ, 16 * RATE_HZ, machine)
    recorder.publish(alarm_ended(ids, machine, alarm, 6 * RATE_HZ))
    hear(recorder, samples, 16 * RATE_HZ, len(samples), machine)


def read(path: Path) -> Samples:
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    found: Samples = samples
    return found


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


def test_nothing_is_recorded_unless_it_is_asked_for() -> None:
    assert OutputsConfig().recordings is None


def test_a_recording_holds_the_very_samples_from_before_the_window_to_after_the_end(tmp_path: Path) -> None:
    samples = sound(24)
    recorder = Recorder(config_of(tmp_path))
    record_alarm(recorder, samples, EventIds("run"), "run-7")
    recorder.close()
    (path,) = recordings_in(tmp_path)
    np.testing.assert_array_equal(read(path), samples[round(1.5 * RATE_HZ) : round(18.25 * RATE_HZ)])
    assert path.name == "20231114T221320Z_fan-id_00_run-7.flac"
    assert path.stat().st_mode & 0o077 == 0
    assert recording_of(tmp_path, alarm_started(EventIds("run"), alarm="run-7")) == path
    assert recording_of(tmp_path, alarm_started(EventIds("run"), alarm="run-8")) is None
    assert "machine fan/id_00, alarm run-7, from sample 24000" in soundfile.SoundFile(path).comment
    assert recorder.problem() is None
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_an_alarm_at_the_beginning_is_recorded_from_the_first_sample_on(tmp_path: Path) -> None:
    samples = sound(12)
    recorder = Recorder(config_of(tmp_path))
    hear(recorder, samples, 0, WINDOW)
    recorder.publish(alarm_started(EventIds("run")))
    hear(recorder, samples, WINDOW, len(samples))
    recorder.close()
    np.testing.assert_array_equal(read(recordings_in(tmp_path)[0]), samples)


def test_what_was_not_heard_is_silence_of_the_same_length(tmp_path: Path) -> None:
    samples = sound(20)
    recorder = Recorder(config_of(tmp_path))
    hear(recorder, samples, 0, 11 * RATE_HZ)
    recorder.publish(alarm_started(EventIds("run")))
    hear(recorder, samples, 14 * RATE_HZ, len(samples))
    recorder.close()
    expected = samples.copy()
    expected[11 * RATE_HZ : 14 * RATE_HZ] = 0
    np.testing.assert_array_equal(read(recordings_in(tmp_path)[0]), expected)


@pytest.mark.parametrize("gap", [(0.25, 1.25), (2.0, 5.0), (11.0, 13.5)])
def test_what_was_not_heard_before_the_alarm_is_silence_too(tmp_path: Path, gap: tuple[float, float]) -> None:
    samples, (first, stop) = sound(20), (round(second * RATE_HZ) for second in gap)
    recorder = Recorder(config_of(tmp_path))
    hear(recorder, samples, 0, first)
    hear(recorder, samples, stop, 14 * RATE_HZ)
    recorder.publish(alarm_started(EventIds("run"), sample_index=2 * RATE_HZ))
    hear(recorder, samples, 14 * RATE_HZ, len(samples))
    recorder.close()
    expected = samples.copy()
    expected[first:stop] = 0
    np.testing.assert_array_equal(read(recordings_in(tmp_path)[0]), expected[RATE_HZ // 2 :])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_died_is_told(tmp_path: Path) -> None:
    recorder = Recorder(config_of(tmp_path))
    recorder.hear("fan/id_00", np.zeros(WINDOW, np.complex64), 0)  # no source hears such
    recorder.publish(alarm_started(EventIds("run")))
    wait_for(lambda: "its thread recordings has died (" in str(recorder.problem()), "the death")
    recorder.close()
    assert recorder.problem() is not None


def test_machines_are_recorded_apart_and_a_new_alarm_begins_a_new_file(tmp_path: Path) -> None:
    ids, fan, pump = EventIds("run"), sound(30, 1), sound(30, 2)
    recorder = Recorder(config_of(tmp_path))
    record_alarm(recorder, fan[: 17 * RATE_HZ], ids, "a")
    hear(recorder, pump, 0, 17 * RATE_HZ, "pump/id_00")
    recorder.publish(alarm_started(ids, "pump/id_00", "b", 6 * RATE_HZ))
    recorder.publish(alarm_started(ids, "fan/id_00", "c", 7 * RATE_HZ))  # while "a" still has 1.25 s to come
    hear(recorder, fan, 17 * RATE_HZ, 20 * RATE_HZ)
    hear(recorder, pump, 17 * RATE_HZ, 20 * RATE_HZ, "pump/id_00")
    recorder.close()
    spans = {"a": (fan, 1.5, 17.0), "b": (pump, 4.5, 20.0), "c": (fan, 5.5, 20.0)}
    found = {path.stem[-1]: path for path in recordings_in(tmp_path)}
    assert found.keys() == spans.keys()
    for alarm, path in found.items():
        heard, start, stop = spans[alarm]
        np.testing.assert_array_equal(read(path), heard[round(start * RATE_HZ) : round(stop * RATE_HZ)])


def test_a_long_alarm_is_recorded_up_to_the_limit(tmp_path: Path) -> None:
    samples = sound(30)
    recorder = Recorder(config_of(tmp_path, longest_seconds=13.0))
    hear(recorder, samples, 0, 11 * RATE_HZ)
    recorder.publish(alarm_started(EventIds("run")))
    hear(recorder, samples, 11 * RATE_HZ, len(samples))
    recorder.close()
    np.testing.assert_array_equal(read(recordings_in(tmp_path)[0]), samples[: 13 * RATE_HZ])


def test_the_oldest_recordings_make_room_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.flac").write_bytes(b"\0" * 2_000_000)
    samples = sound(20)
    recorder = Recorder(config_of(tmp_path, quota_mb=1))
    for day in range(1, 6):
        machine = f"fan/id_0{day}"
        hear(recorder, samples, 0, 14 * RATE_HZ, machine)
        started = alarm_started(EventIds("run"), machine, f"run-{day}", 3 * RATE_HZ)
        recorder.publish(replace(started, time_utc=utc(1_700_000_000.0 + 86_400 * day)))
        recorder.publish(alarm_ended(EventIds("run"), machine, f"run-{day}"))
        hear(recorder, samples, 14 * RATE_HZ, 18 * RATE_HZ, machine)
    recorder.close()
    kept = recordings_in(tmp_path)
    assert 1 < len(kept) < 5
    assert [path.stem[-5:] for path in kept] == [f"run-{day}" for day in range(6 - len(kept), 6)]
    assert sum(path.stat().st_size for path in kept) <= 1_000_000
    assert (tmp_path / "notes.flac").exists()


def test_a_recording_that_is_larger_than_the_quota_ends_there(tmp_path: Path) -> None:
    samples = sound(60)
    recorder = Recorder(config_of(tmp_path, quota_mb=1))
    hear(recorder, samples, 0, 11 * RATE_HZ)
    recorder.publish(alarm_started(EventIds("run")))
    hear(recorder, samples, 11 * RATE_HZ, len(samples))
    recorder.close()
    (path,) = recordings_in(tmp_path)
    assert path.stat().st_size <= 1_000_000
    found = read(path)
    assert len(found) > 20 * RATE_HZ
    np.testing.assert_array_equal(found, samples[: len(found)])


@pytest.mark.parametrize("n_bytes", [0, 100, 100_000])
def test_a_full_disk_costs_that_recording_and_is_told(tmp_path: Path, n_bytes: int) -> None:
    ids, samples = EventIds("run"), sound(20)
    recorder = Recorder(config_of(tmp_path))
    with longest_file(n_bytes):
        record_alarm(recorder, samples, ids, "a")
        wait_for(lambda: recorder.problem() is not None and recorder._waiting.empty(), "the failure")
    assert f"{tmp_path}: a recording was lost" in str(recorder.problem())
    assert list(tmp_path.iterdir()) == []
    record_alarm(recorder, samples, ids, "b")
    recorder.close()
    assert recorder.problem() is None
    assert [path.stem[-1] for path in recordings_in(tmp_path)] == ["b"]


def test_what_is_kept_in_memory_has_a_bound(tmp_path: Path) -> None:
    ids, samples = EventIds("run"), sound(1)
    recorder = Recorder(config_of(tmp_path))
    for second in range(100):
        recorder.hear("fan/id_00", samples, second * RATE_HZ)
        recorder.publish(score(ids))
    held = sum(part.size for _, part in recorder._machines["fan/id_00"].recent)
    assert held <= WINDOW + (1.5 + 2 + 1) * RATE_HZ
    recorder.close()


def test_a_start_removes_what_a_killed_run_left_half_done(tmp_path: Path) -> None:
    (tmp_path / "20231114T221320Z_fan_a.flac.part").write_bytes(b"half")
    (tmp_path / "20231114T221320Z_fan_a.flac").write_bytes(b"whole")
    Recorder(config_of(tmp_path)).close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".flac"]


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with permissions_hold(), pytest.raises(ListenError, match="can't hold recordings"):
        Recorder(config_of(tmp_path))
    tmp_path.chmod(0o700)
