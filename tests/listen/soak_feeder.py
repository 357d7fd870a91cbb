"""A machine's writer in the soak: stretches of hum, and between them one fault behind the other."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.listen.running_service import wait_until_read, write_all
from tests.listen.small_detector import RATE_HZ, fault, hum

SPEED = 20.0
BURST_SECONDS = 60.0  # at once: the queue holds a third of it
PIECE_SECONDS = 0.5
FAULTS = ("fault", "lost", "silence", "burst")


@dataclass
class Feeder:
    """One machine's writer. `n_samples`: what the service must have heard, at 16 kHz."""

    machine: str
    fifo: Path
    factor: int  # of its rate to 16 kHz
    seconds: float
    seed: int
    n_samples: int = 0
    n_lost: int = 0
    is_done: bool = False

    def run(self) -> None:
        """Rounds of every fault until the time is up; ends with the pipe read and closed."""
        stretch = self.seconds / (2 * len(FAULTS) * max(1, round(self.seconds / 600)))
        descriptor = os.open(self.fifo, os.O_WRONLY)
        while self.n_samples < self.seconds * RATE_HZ:
            for name in FAULTS:
                self._play(descriptor, "hum", stretch)
                if name == "lost":
                    wait_until_read(descriptor)
                    os.close(descriptor)
                    time.sleep(1.0)
                    self.n_lost += 1
                    descriptor = os.open(self.fifo, os.O_WRONLY)
                elif name == "burst":
                    self._write(descriptor, self._sound("hum", BURST_SECONDS))
                else:
                    self._play(descriptor, name, stretch)
        wait_until_read(descriptor)
        os.close(descriptor)
        self.is_done = True

    def _play(self, descriptor: int, name: str, seconds: float) -> None:
        start = time.monotonic()
        for index in range(round(seconds / PIECE_SECONDS)):
            self._write(descriptor, self._sound(name, PIECE_SECONDS))
            time.sleep(max(0.0, start + (index + 1) * PIECE_SECONDS / SPEED - time.monotonic()))

    def _sound(self, name: str, seconds: float) -> NDArray[np.int16]:
        n_samples = round(seconds * RATE_HZ)
        self.seed += 1
        if name == "silence":
            return np.full(n_samples * self.factor, 3, np.int16)
        return np.repeat((fault if name == "fault" else hum)(n_samples, self.seed), self.factor)

    def _write(self, descriptor: int, samples: NDArray[np.int16]) -> None:
        write_all(descriptor, samples)
        self.n_samples += samples.size // self.factor
