"""The whole service on files and pipes that stand in for the microphone: scores, alarms, silence, account."""

import itertools
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asd_edge.backends.score_clip import score_clip
from asd_edge.errors import ListenError
from asd_edge.listen.clock import Clock
from asd_edge.listen.detector_stream import DetectorStream
from asd_edge.native import run_decimator
from asd_edge.native_engine import aligned_bytes, score_samples
from tests.listen.running_service import run_here, wait_until_read, write_all, write_config
from tests.listen.small_detector import FAN, OTHER_FAN, PUMP, RATE_HZ, WINDOW, fault, hum, image_of, threshold_between
from tests.listen.told_events import Told, check_account, check_ids, of, read_events, states

AT_ONCE = {"minimum_seconds": 0, "hold_seconds": 0}


def listened(
    folder: Path, work: Path, samples: NDArray[np.int16], rate_hz: int = RATE_HZ, **settings: Any
) -> list[Told]:
    """What the service tells of a fan's file."""
    soundfile.write(folder / "sound.wav", samples, rate_hz, subtype="PCM_16")
    entry = {"machine": FAN, "source": {"kind": "wav", "path": "sound.wav"}, "model": str(work)}
    run_here(write_config(folder, [entry], **settings))
    events = read_events(folder / "events.jsonl")
    check_ids(events)
    return events


def scores(events: list[Told], kind: str) -> list[float]:
    return [event["score"] for event in of(events, "WindowScore") if event["kind"] == kind]


def test_windows_score_as_asd_edge_score_does(small_work: Path, tmp_path: Path) -> None:
    samples = np.concatenate([hum(3 * WINDOW, 1), fault(WINDOW, 2), hum(5000, 3)])
    events = listened(tmp_path, small_work, samples)
    expected = []
    for start in range(0, 4 * WINDOW, WINDOW):
        clip = tmp_path / "clip.wav"
        soundfile.write(clip, samples[start : start + WINDOW], RATE_HZ, subtype="PCM_16")
        expected.append(score_clip(clip, small_work, FAN).score)
    assert scores(events, "window") == expected
    sliding, _ = score_samples(image_of(small_work, "sliding"), samples, 0)
    assert scores(events, "sliding") == [score / 65536 for score in sliding]
    assert check_account(events, FAN, "window", samples.size)["refused"] == 1  # the last one isn't whole
    check_account(events, FAN, "sliding", samples.size)


def test_48_khz_is_brought_to_16_by_the_firmwares_filter(small_work: Path, tmp_path: Path) -> None:
    samples = hum(9 * WINDOW, 4)
    events = listened(tmp_path, small_work, samples, 3 * RATE_HZ, windows="window")
    expected, _ = score_samples(image_of(small_work, "window"), run_decimator(samples)[0], 0)
    assert scores(events, "window") == [score / 65536 for score in expected]
    assert [event["kind"] for event in of(events, "WindowScore")] == ["window"] * 3


def test_a_fault_raises_one_alarm_and_its_end_ends_it(small_work: Path, tmp_path: Path) -> None:
    samples = np.concatenate([hum(4 * WINDOW, 1), fault(3 * WINDOW, 2), hum(4 * WINDOW, 3)])
    events = listened(tmp_path, small_work, samples, alarm={"minimum_seconds": 0.5, "hold_seconds": 1})
    (started,), (ended,) = of(events, "AlarmStarted"), of(events, "AlarmEnded")
    assert started["alarm"] == ended["alarm"]
    assert ended["reason"] == "normal"
    sliding = [event for event in of(events, "WindowScore") if event["kind"] == "sliding"]
    until = [event["is_anomalous"] for event in sliding if event["sample_index"] <= started["sample_index"]]
    assert until[-10:] == [False, *[True] * 9]  # half a second is eight scores behind the first
    assert ended["peak_score"] == max(event["score"] for event in sliding)
    assert ended["seconds"] == (ended["sample_index"] - started["sample_index"]) / RATE_HZ
    assert started["threshold"] == threshold_between(small_work)


def test_the_alarm_is_told_within_1_2_seconds_of_audio_after_the_score_crossed(
    small_work: Path, tmp_path: Path
) -> None:
    """However slow this computer is: the queue that is allowed here holds one second."""
    samples = np.concatenate([hum(3 * WINDOW, 1), fault(2 * WINDOW, 2)])
    events = listened(tmp_path, small_work, samples, alarm=AT_ONCE, queue_seconds=1)
    threshold = threshold_between(small_work)
    stream = DetectorStream(aligned_bytes(image_of(small_work, "sliding")), 0)
    crossed = next(
        start + 64
        for start in range(0, samples.size, 64)
        if any((outcome.score or 0) > threshold for outcome in stream.push(samples[start : start + 64]))
    )
    started, *_ = of(events, "AlarmStarted")
    assert 0 <= (started["heard_samples"] - crossed) / RATE_HZ <= 1.2


def test_an_alarm_that_lasts_ends_with_the_service(small_work: Path, tmp_path: Path) -> None:
    events = listened(tmp_path, small_work, fault(4 * WINDOW, 2), alarm=AT_ONCE)
    assert [event["reason"] for event in of(events, "AlarmEnded")] == ["stopped"]


def test_a_dead_microphone_is_silent_and_not_normal(small_work: Path, tmp_path: Path) -> None:
    """Three seconds of a constant: from the first one on, when they count as silence, no window that touches them has a
    score, and an alarm outlasts them.
    """
    silence = np.full(3 * RATE_HZ, 7, np.int16)
    samples = np.concatenate([fault(3 * WINDOW, 2), silence, fault(2 * WINDOW, 3)])
    events = listened(tmp_path, small_work, samples, alarm=AT_ONCE)
    assert states(events) == ["running", "silent", "recovered", "ended"]
    for event in of(events, "WindowScore"):
        start, end = event["sample_index"], event["sample_index"] + event["n_samples"]
        assert end < 3 * WINDOW + RATE_HZ or start >= 3 * WINDOW + silence.size - 512, "a score of what wasn't heard"
    assert {event["reason"] for event in of(events, "WindowRefused")} == {"silent", "the source was ended"}
    assert len(of(events, "AlarmStarted")) == len(of(events, "AlarmEnded")) == 1
    check_account(events, FAN, "window", samples.size)
    check_account(events, FAN, "sliding", samples.size)


@pytest.mark.parametrize("queue_seconds", [2, 1])  # a window has 1.024 s
def test_an_overrun_drops_whole_windows_and_counts_them(queue_seconds: float, small_work: Path, tmp_path: Path) -> None:
    """Sixty seconds at once into a live pipe whose queue holds a window or so."""
    fifo = tmp_path / "microphone"
    os.mkfifo(fifo)
    samples = hum(60 * RATE_HZ, 5)
    source = {"kind": "fifo", "path": "microphone"}
    entry = {"machine": FAN, "source": source, "model": str(small_work)}
    config = write_config(tmp_path, [entry], windows="window", queue_seconds=queue_seconds)
    from asd_edge.listen.notify import Notifier
    from asd_edge.listen.read_config import read_config
    from asd_edge.listen.service import Requests, Service

    requests = Requests()
    service = Service(lambda: read_config(config), Clock(), Notifier({}), requests)
    thread = threading.Thread(target=service.run)
    thread.start()
    writer = os.open(fifo, os.O_WRONLY)
    write_all(writer, samples)
    wait_until_read(writer)
    requests.stop = True
    thread.join()
    os.close(writer)
    events = read_events(tmp_path / "events.jsonl")
    account = check_account(events, FAN, "window", samples.size)
    assert account["dropped"] > 0
    assert account["scored"] > 0
    for event in of(events, "WindowScore"):
        start = event["sample_index"]
        assert start % WINDOW == 0
        alone, _ = score_samples(image_of(small_work, "window"), samples[start : start + WINDOW], 0)
        assert [event["score"]] == [score / 65536 for score in alone]


def test_two_machines_are_two_accounts(small_work: Path, tmp_path: Path) -> None:
    entries = []
    for machine, seed in ((FAN, 1), (OTHER_FAN, 2)):
        path = tmp_path / f"{seed}.wav"
        soundfile.write(path, hum(2 * WINDOW * seed, seed), RATE_HZ, subtype="PCM_16")
        source = {"kind": "wav", "path": path.name}
        entries.append({"machine": machine, "source": source, "model": str(small_work), "threshold": 1000})
    run_here(write_config(tmp_path, entries))
    events = read_events(tmp_path / "events.jsonl")
    check_ids(events)
    for machine, n_samples in ((FAN, 2 * WINDOW), (OTHER_FAN, 4 * WINDOW)):
        assert check_account(events, machine, "window", n_samples)["scored"] == n_samples // WINDOW
        check_account(events, machine, "sliding", n_samples)


def test_a_wall_clock_that_is_set_is_reported(small_work: Path, tmp_path: Path) -> None:
    """Each look at this clock is two seconds later than the one before, and the tenth sets it an hour back."""
    ticks = itertools.count()

    def monotonic() -> float:
        return 2.0 * next(ticks)

    def wall() -> float:
        now = monotonic()
        return now if now < 20 else now - 3600

    soundfile.write(tmp_path / "sound.wav", hum(2 * WINDOW, 1), RATE_HZ, subtype="PCM_16")
    entry = {"machine": FAN, "source": {"kind": "wav", "path": "sound.wav"}, "model": str(small_work)}
    run_here(write_config(tmp_path, [entry]), Clock(wall, monotonic))
    jumps = [event for event in read_events(tmp_path / "events.jsonl") if event.get("state") == "clock-jump"]
    assert sum("-36" in event["detail"] for event in jumps) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"machine": "fan/id_99"}, "knows no machine 'fan/id_99'; choose fan/id_00, fan/id_02, pump/id_00"),
        ({"model": "nowhere"}, "nowhere: isn't there"),
        ({"source": {"kind": "wav", "path": "nowhere.wav"}}, "nowhere.wav: can't be read"),
        ({"source": {"kind": "wav", "path": "odd.wav"}}, "has 22050 Hz; convert it to 16000 or 48000 Hz"),
        ({"source": {"kind": "wav", "path": "sound.wav", "channel": 3}}, "has no channel 3"),
        ({"source": {"kind": "fifo", "path": "sound.wav"}}, "is no FIFO"),
    ],
)
def test_what_cant_be_listened_to_is_one_line(
    change: dict[str, Any], words: str, small_work: Path, tmp_path: Path
) -> None:
    for name, rate_hz in (("sound.wav", RATE_HZ), ("odd.wav", 22_050)):
        soundfile.write(tmp_path / name, hum(WINDOW, 1), rate_hz, subtype="PCM_16")
    entry = {"machine": PUMP, "source": {"kind": "wav", "path": "sound.wav"}, "model": str(small_work)}
    from asd_edge.errors import AsdEdgeError

    with pytest.raises(AsdEdgeError, match=words.replace("(", r"\(")):
        run_here(write_config(tmp_path, [{**entry, **change}]))
    assert not (tmp_path / "events.jsonl").exists()


def test_one_image_gives_one_kind_of_score(small_work: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "sound.wav", hum(WINDOW, 1), RATE_HZ, subtype="PCM_16")
    image = str(small_work / "model-generic.asdm")
    entry = {"machine": FAN, "source": {"kind": "wav", "path": "sound.wav"}, "model": image}
    with pytest.raises(ListenError, match="not both"):
        run_here(write_config(tmp_path, [entry]))
    with pytest.raises(ListenError, match="set windows: window"):
        run_here(write_config(tmp_path, [entry], windows="sliding"))
    run_here(write_config(tmp_path, [entry], windows="window"))
    assert len(scores(read_events(tmp_path / "events.jsonl"), "window")) == 1
