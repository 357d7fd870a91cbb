"""Where events and audio go: what an output of the service has to be."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from asd_edge.listen.events import Event


class Sink(Protocol):
    """All methods are called from one thread, and none may wait for a network or a slow disk.

    An OSError or AsdEdgeError of publish or hear is reported as `output-degraded`; scoring goes on, and the sink gets
    every event after it as before.
    """

    def publish(self, event: Event) -> None:
        """Take the next event; they come in the order of their IDs, none left out."""

    def problem(self) -> str | None:
        """What is wrong at present in one clause, for instance "no broker at mqtt:8883"; None: nothing.

        Asked about once a second.
        """

    def close(self) -> None:
        """No more events will come. Return within five seconds."""


class AudioSink(Protocol):
    """A sink that also wants the audio."""

    def hear(self, machine: str, samples: NDArray[np.int16], sample_index: int) -> None:
        """(n,) int16 at 16 kHz from sample_index on, a copy of the sink's own to keep; called before the events that
        these samples cause. What was dropped is missing: the next index is larger then."""
