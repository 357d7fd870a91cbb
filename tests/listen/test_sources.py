"""Sources: pipes whose writers come and go, standard input, and PortAudio on ALSA with a file for a microphone."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_edge.listen.audio_queue import Audio, AudioQueue, Break, Item
from asd_edge.listen.config import FifoSource, WavSource
from asd_edge.listen.hear_source import SourceThread
from asd_edge.listen.sources import SourceEndedError, SourceLostError, is_live, source_of
from asd_edge.native_engine import score_samples
from tests.listen.running_service import PATIENCE_SECONDS, ServiceProcess, write_config
from tests.listen.small_detector import FAN, RATE_HZ, WINDOW, hum, image_of
from tests.listen.told_events import check_account, read_events, states

PR_SET_MDWE = 65  # of prctl(2); a kernel before 6.3 doesn't know it, and the test is then one without it


def test_a_pipe_gives_its_channel_of_whole_frames_and_outlives_its_writers(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    source = source_of(FifoSource(kind="fifo", path=path, channels=3, channel=1), 100.0)
    data = np.arange(30, dtype="<i2").tobytes()  # frames of six bytes
    source.open()
    assert source.read(0.0) is None
    for pieces, expected in (
        ((data[:7], data[7:10], data[10:14]), [[1], [], [4]]),
        ((data[12:],), [[*range(7, 30, 3)]]),
    ):
        writer = os.open(path, os.O_WRONLY)
        for piece, samples in zip(pieces, expected, strict=True):
            os.write(writer, piece)
            found = source.read(1.0)
            assert found is not None
            assert found.tolist() == samples
        os.close(writer)  # half a frame of the first writer is left out
        for _ in range(2):
            with pytest.raises(SourceLostError, match="nobody writes"):
                source.read(1.0)
            source.open()
    source.close()


def test_a_live_pipe_that_stalls_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for live, is_lost in ((True, True), (False, False)):
        source = source_of(FifoSource(kind="fifo", path=path, live=live), 0.01)
        source.open()
        writer = os.open(path, os.O_WRONLY)
        if is_lost:
            with pytest.raises(SourceLostError, match=r"no sample for 0.01 s"):
                source.read(0.05)
        else:
            assert source.read(0.05) is None
        os.close(writer)
        source.close()


def test_half_a_frame_outlasts_a_stall(tmp_path: Path) -> None:
    """Or the channels behind it would change places."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    source = source_of(FifoSource(kind="fifo", path=path, channels=2, channel=1), 0.01)
    data = np.arange(8, dtype="<i2").tobytes()
    source.open()
    writer = os.open(path, os.O_WRONLY)
    for piece, samples in ((data[:7], [1]), (data[7:], [3, 5, 7])):
        os.write(writer, piece)
        found = source.read(1.0)
        assert found is not None
        assert found.tolist() == samples
        with pytest.raises(SourceLostError, match="no sample"):
            source.read(0.05)
        source.open()
    os.close(writer)
    source.close()


class _BreaksOnce:
    """A source whose driver raises what no source should, and then works."""

    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self._n_reads = 0

    def open(self) -> None: ...

    def read(self, seconds: float) -> np.ndarray:
        self._n_reads += 1
        if self._n_reads == 2:
            raise ZeroDivisionError("in the\ndriver")
        if self._n_reads == 4:
            raise SourceEndedError("its end")
        return np.full(10, self._n_reads, np.int16)

    def close(self) -> None: ...


def test_whatever_a_source_breaks_with_it_is_lost_and_tried_again() -> None:
    work = threading.Event()
    queue = AudioQueue(1000, 100, work)
    thread = SourceThread(_BreaksOnce(), queue, is_live=True)
    items: list[Item] = []
    while not items or items[-1] != Break("ended", 20, "its end"):
        assert work.wait(PATIENCE_SECONDS), "it doesn't come"
        work.clear()
        while (item := queue.pop()) is not None:
            items.append(item)
    thread.stop()
    breaks = [item for item in items if isinstance(item, Break)]
    assert breaks[:3] == [
        Break("running", 0, "16000 Hz"),
        Break("lost", 10, "ZeroDivisionError: in the driver"),
        Break("recovered", 10, "16000 Hz"),
    ]
    assert sum(item.samples.size for item in items if isinstance(item, Audio)) == 20


def test_a_file_gives_one_channel_and_ends(tmp_path: Path) -> None:
    stereo = np.stack([hum(20_000, 1), hum(20_000, 2)], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, RATE_HZ, subtype="PCM_16")
    config = WavSource(kind="wav", path=tmp_path / "a.flac", channel=1)
    assert not is_live(config)
    source = source_of(config, 1.0)
    for start in range(0, 20_000, 4000):
        np.testing.assert_array_equal(source.read(1.0), stereo[start : start + 4000, 1])
    with pytest.raises(SourceEndedError, match="at its end"):
        source.read(1.0)


def test_standard_input_is_a_source_that_ends(small_work: Path, tmp_path: Path) -> None:
    entry = {"machine": FAN, "source": {"kind": "stdin", "live": False}, "model": str(small_work)}
    config = write_config(tmp_path, [entry], windows="window", queue_seconds=1)
    command = [sys.executable, "-c", "from asd_edge.cli import main; main()", "listen", "run", str(config)]
    samples = hum(5 * WINDOW, 1)
    subprocess.run(command, input=samples.astype("<i2").tobytes(), check=True, capture_output=True)
    events = read_events(tmp_path / "events.jsonl")
    assert check_account(events, FAN, "window", samples.size)["scored"] == 5
    assert states(events) == ["running", "ended"]


def test_portaudio_hears_what_alsa_gives(small_work: Path, tmp_path: Path) -> None:
    """ALSA's `file` plugin stands in for the microphone: the rest is the real sounddevice, PortAudio and ALSA.

    The process may not have memory that is written and run, as under the unit's MemoryDenyWriteExecute.
    """
    pytest.importorskip("sounddevice", reason="no sounddevice: pip install 'asd-edge[listen]'", exc_type=ImportError)
    if not Path("/usr/share/alsa/alsa.conf").exists():
        pytest.skip("no ALSA configuration (Debian: libasound2-data)")
    samples = hum(4 * WINDOW, 3)
    (tmp_path / "machine.raw").write_bytes(samples.astype("<i2").tobytes())
    (tmp_path / "asound.conf").write_text(
        "</usr/share/alsa/alsa.conf>\n"
        f'pcm.machine {{ type file; slave.pcm null; file /dev/null; infile "{tmp_path}/machine.raw"; format raw }}\n'
    )
    entry = {"machine": FAN, "source": {"kind": "alsa", "device": "machine"}, "model": str(small_work)}
    config = write_config(tmp_path, [entry], windows="window")
    environment = {"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    program = (
        f"import ctypes; ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0); from asd_edge.cli import main; main()"
    )
    service = ServiceProcess(config, "-c", program, "listen", "run", str(config), **environment)
    try:
        service.wait_for(lambda events: sum(e["event"] == "WindowScore" for e in events) >= 2)
        events, _ = service.end()
    finally:
        service.kill()
    assert states(events)[0] == "running"
    expected, _ = score_samples(image_of(small_work, "window"), samples[:WINDOW], 0)
    assert next(e["score"] for e in events if e["event"] == "WindowScore") == expected[0] / 65536
    check_account(events, FAN, "window", events[-1]["accounts"][0]["heard_samples"])


def test_a_microphone_that_isnt_plugged_in_is_lost_and_waited_for(small_work: Path, tmp_path: Path) -> None:
    pytest.importorskip("sounddevice", reason="no sounddevice: pip install 'asd-edge[listen]'", exc_type=ImportError)
    entry = {"machine": FAN, "source": {"kind": "alsa", "device": "unplugged"}, "model": str(small_work)}
    service = ServiceProcess(write_config(tmp_path, [entry], windows="window"))
    try:
        service.wait_for_state("lost")
        events, _ = service.end()
    finally:
        service.kill()
    assert states(events) == ["lost"]
