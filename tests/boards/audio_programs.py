"""Input and output of audio_check and overrun_check, and what has to hold for anything that a consumer gets."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

END = 0xFFFFFFFF


@dataclass(frozen=True)
class Taken:
    """A look into the buffer."""

    is_new: bool
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class AudioRun:
    """All that the consumer got, in order."""

    taken: tuple[Taken, ...]
    n_windows_dropped: int
    most_samples: int


def setup_bytes(n_room: int, window_samples: int, n_windows: int = 0, busy_rounds: int = 0, period: int = 0) -> bytes:
    return struct.pack("<5I", n_room, window_samples, n_windows, busy_rounds, period)


def step_bytes(steps: Iterable[tuple[bool, int]]) -> bytes:
    """(push or take, samples) of each."""
    return b"".join(struct.pack("<2I", is_push, n_samples) for is_push, n_samples in steps)


def read_audio_run(content: bytes) -> AudioRun:
    taken: list[Taken] = []
    position = 0
    while True:
        is_new, n_samples = struct.unpack_from("<2I", content, position)
        position += 8
        if n_samples == END:
            return AudioRun(tuple(taken), *struct.unpack_from("<2I", content, position))
        taken.append(Taken(is_new == 1, np.frombuffer(content, "<i2", n_samples, position)))
        position += 2 * n_samples


def whole_windows(run: AudioRun, window_samples: int) -> list[int]:
    """Indices of the windows that the consumer got whole, each with its own samples.

    Asserts that every window begins at its boundary, that samples follow one another, and that only a window that
    was cut short is followed by a new one.
    """
    found: list[int] = []
    stretches: list[list[NDArray[np.int16]]] = [[]]
    for taken in run.taken:
        if taken.is_new:
            stretches.append([])
        stretches[-1].append(taken.samples)
    for parts in stretches:
        samples = np.concatenate([*parts, np.empty(0, np.int16)]).astype(np.int64) % 65536
        if samples.size == 0:
            continue
        assert samples[0] % window_samples == 0, "a window begins at its boundary"
        np.testing.assert_array_equal(samples, samples[0] + np.arange(samples.size))
        first = int(samples[0]) // window_samples
        found.extend(range(first, first + samples.size // window_samples))
    return found
