"""A service in this process, or as a process of its own with real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from asd_edge.listen.clock import Clock
from asd_edge.listen.events import Account
from asd_edge.listen.notify import Notifier
from asd_edge.listen.read_config import read_config
from asd_edge.listen.service import Requests, Service
from tests.listen.told_events import Told, read_events

PATIENCE_SECONDS = 60.0  # until a test gives up on what has to come


def write_config(folder: Path, machines: list[dict[str, Any]], **settings: Any) -> Path:
    """listen.yaml and, of its events, events.jsonl in the folder."""
    content = {"machines": machines, "outputs": {"jsonl": {"path": "events.jsonl"}}, **settings}
    path = folder / "listen.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run_here(config: Path, clock: Clock | None = None) -> tuple[Account, ...]:
    """Until every source has ended."""
    return Service(lambda: read_config(config), clock or Clock(), Notifier({}), Requests()).run()


class ServiceProcess:
    """`asd-edge listen run`, or another program that does the same, with its events in a file."""

    def __init__(self, config: Path, *command: str, **environment: str) -> None:
        self.events_path = config.parent / "events.jsonl"
        program = command or ("-c", "import sys; from asd_edge.cli import main; main()", "listen", "run", str(config))
        self.process = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def events(self) -> list[Told]:
        if not self.events_path.exists():
            return []
        lines = self.events_path.read_text().split("\n")[:-1]  # what follows the last end of line isn't whole
        return [json.loads(line) for line in lines]

    def wait_for(self, is_there: Callable[[list[Told]], bool]) -> list[Told]:
        """The events so far, once `is_there` is true of them."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            events = self.events()
            if is_there(events):
                return events
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "it doesn't come"
            time.sleep(0.02)

    def wait_for_state(self, state: str, count: int = 1) -> list[Told]:
        return self.wait_for(lambda events: sum(event.get("state") == state for event in events) >= count)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[list[Told], str]:
        """SIGTERM: all events and what stands on stderr; its exit code is 0."""
        self.send(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, errors
        return read_events(self.events_path), errors

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def write_all(descriptor: int, samples: NDArray[np.int16]) -> None:
    """Whole samples, little-endian."""
    data = memoryview(samples.astype("<i2").tobytes())
    while data:
        data = data[os.write(descriptor, data) :]


def wait_until_read(descriptor: int) -> None:
    """Until the other end of a pipe has taken everything."""
    import array
    import fcntl
    import termios

    n_bytes = array.array("i", [1])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while n_bytes[0]:
        fcntl.ioctl(descriptor, termios.FIONREAD, n_bytes)
        assert time.monotonic() < deadline, "nobody reads"
        time.sleep(0.005)
