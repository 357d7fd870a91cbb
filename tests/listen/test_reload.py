"""A reload that fails, in whatever way, stops nothing; one that works closes the account of what it ends."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asd_edge.listen.clock import Clock
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.notify import Notifier
from asd_edge.listen.read_config import read_config
from asd_edge.listen.service import Requests, Service
from tests.listen.running_service import PATIENCE_SECONDS, wait_until_read, write_all, write_config
from tests.listen.small_detector import FAN, WINDOW, hum
from tests.listen.told_events import Told, check_account, check_ids, of, read_events


def n_window_scores(events: list[Told]) -> int:
    return sum(event["kind"] == "window" for event in of(events, "WindowScore"))


class RunningService:
    """A service in a thread of this process, that hears a fan on a pipe; `load` may be changed before a reload."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work
        os.mkfifo(folder / "microphone")
        self.configure()
        self.load: Callable[[], ListenConfig] = self.read
        self.requests = Requests()
        self.service = Service(lambda: self.load(), Clock(), Notifier({}), self.requests)
        self._thread = threading.Thread(target=self.service.run)
        self._thread.start()
        self._writer = os.open(folder / "microphone", os.O_WRONLY)
        self.n_samples = 0

    def configure(self, **settings: Any) -> None:
        """The file, anew: window scores, if nothing else is said."""
        entry = {"machine": FAN, "source": {"kind": "fifo", "path": "microphone"}, "threshold": 1000}
        write_config(self.folder, [{**entry, "model": str(self.work)}], **{"windows": "window", **settings})

    def read(self) -> ListenConfig:
        return read_config(self.folder / "listen.yaml")

    def reload(self, told: str) -> None:
        """Until an event says so."""
        self.requests.reload = True
        self.wait_for(lambda events: any(event.get("state") == told for event in events))

    def write(self, n_windows: int, seed: int) -> None:
        """Until the service has read them."""
        write_all(self._writer, hum(n_windows * WINDOW, seed))
        wait_until_read(self._writer)
        self.n_samples += n_windows * WINDOW

    def play(self, n_windows: int, seed: int) -> None:
        """Until each has its score."""
        n_expected = n_window_scores(self.events()) + n_windows
        self.write(n_windows, seed)
        self.wait_for(lambda events: n_window_scores(events) == n_expected)

    def events(self) -> list[Told]:
        path = self.folder / "events.jsonl"
        return read_events(path) if path.exists() else []

    def wait_for(self, is_there: Callable[[list[Told]], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_there(self.events()):
            assert self._thread.is_alive(), "the service ended"
            assert time.monotonic() < deadline, "it doesn't come"
            time.sleep(0.02)

    def end(self) -> list[Told]:
        assert self._thread.is_alive(), "the service ended"
        self.stop()
        return self.events()

    def stop(self) -> None:
        self.requests.stop = True
        self._thread.join(PATIENCE_SECONDS)
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1


@pytest.fixture
def running(small_work: Path, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, Path(shutil.copytree(small_work, tmp_path / "work")))
    yield made
    made.stop()


def no_configuration() -> ListenConfig:
    raise RuntimeError("the disk\nis gone")


def a_model_that_is_a_folder(running: RunningService) -> None:
    (running.work / "model.tflite").unlink()
    (running.work / "model.tflite").mkdir()


def a_configuration_that_cant_be_loaded(running: RunningService) -> None:
    running.load = no_configuration


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_model_that_is_a_folder, "model.tflite: can't be read (Is a directory)"),
        (a_configuration_that_cant_be_loaded, "RuntimeError: the disk is gone"),
    ],
)
def test_whatever_a_reload_fails_with_is_told_and_the_old_configuration_stays(
    spoil: Callable[[RunningService], None], words: str, running: RunningService
) -> None:
    running.play(1, 1)
    spoil(running)
    running.reload("reload-refused")
    running.play(1, 2)
    events = running.end()
    (refused,) = [event["detail"] for event in events if event.get("state") == "reload-refused"]
    assert words in refused
    assert refused.endswith("; the old configuration stays")
    assert not [event for event in events if event.get("state") == "reloaded"]
    check_ids(events)
    assert check_account(events, FAN, "window", running.n_samples)["scored"] == 2


def test_outputs_that_cant_be_opened_again_stop_no_score_and_are_tried_again(running: RunningService) -> None:
    """The new ones name a port that is taken, and where the old ones recorded there is a file now."""
    running.configure(outputs={"jsonl": {"path": "events.jsonl"}, "recordings": {"folder": "recordings"}})
    running.reload("reloaded")
    (running.folder / "recordings").rmdir()
    (running.folder / "recordings").write_text("in the way")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running.configure(dashboard={"port": taken.getsockname()[1]})
        running.requests.reload = True
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not running.service.untold_because:
            assert time.monotonic() < deadline, "it doesn't come"
            time.sleep(0.02)
    running.write(1, 1)
    while running.service.accounts()[0].scored < 1:
        assert time.monotonic() < deadline, "it isn't scored"
        time.sleep(0.02)
    (running.folder / "recordings").unlink()
    running.wait_for(lambda events: any(event.get("state") == "output-restored" for event in events))
    running.play(1, 2)
    events = running.end()
    (restored,) = [event["detail"] for event in events if event.get("state") == "output-restored"]
    assert "recordings" in restored
    assert [event["sample_index"] for event in of(events, "WindowScore")] == [WINDOW]
    assert events[-1]["accounts"][0]["scored"] == 2  # what was lost shows in the events' numbers
    assert running.service.problems == []


def test_the_account_of_a_kind_that_isnt_asked_for_any_more_is_closed(running: RunningService) -> None:
    running.configure(windows="both")
    running.reload("reloaded")
    running.play(2, 1)
    running.configure(windows="window")
    running.requests.reload = True
    running.wait_for(lambda events: sum(event.get("state") == "reloaded" for event in events) == 2)
    running.play(3, 2)
    events = running.end()
    check_account(events, FAN, "window", running.n_samples)
    assert check_account(events, FAN, "sliding", 2 * WINDOW)["scored"] > 0
