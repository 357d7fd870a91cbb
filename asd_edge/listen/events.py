"""What the service tells: each event a frozen record with an ID, one line of JSON.

An ID is `<run>-<n>`: `run` is a UUID of this start of the service, `n` counts its events from 1 without a gap. So
whoever has the events of a run can tell whether one is missing or came twice.

Samples are those at 16 kHz, counted per machine from the start of the service over everything that was heard, what was
dropped or refused included. Of one machine and one kind the stretches [sample_index, sample_index + n_advance) of
WindowScore, WindowDropped and WindowRefused follow one another without gap or overlap: every window is accounted for.
"""

import itertools
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["window", "sliding"]
SourceWord = Literal["running", "silent", "lost", "recovered", "ended"]
ServiceWord = Literal[
    "started", "running", "reloaded", "reload-refused", "clock-jump", "output-degraded", "output-restored", "stopped"
]


@dataclass(frozen=True)
class _Event:
    """`time_utc`: ISO 8601, of the wall clock as it was then."""

    id: str
    time_utc: str

    def as_json(self) -> dict[str, Any]:
        """The fields, and the class's name as "event"."""
        return {"event": type(self).__name__, **asdict(self)}

    def as_line(self) -> str:
        """One line of JSON without its end of line."""
        return json.dumps(self.as_json(), separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class WindowScore(_Event):
    """The score of the n_samples from sample_index on; the next window of this kind begins n_advance later.

    Log-odds, or dB^2. `is_anomalous`: score > threshold; an alarm wants more than that.
    """

    machine: str
    kind: Kind
    sample_index: int
    n_samples: int
    n_advance: int
    heard_samples: int  # that had come from the source when this was told
    score: float
    threshold: float
    is_anomalous: bool


@dataclass(frozen=True)
class WindowDropped(_Event):
    """Audio came faster than it could be scored: n_windows, which begin within n_advance samples, were left out."""

    machine: str
    kind: Kind
    sample_index: int
    n_advance: int
    n_windows: int
    reason: str


@dataclass(frozen=True)
class WindowRefused(_Event):
    """n_windows, which begin within n_advance samples, can't have a score that means anything; `reason` says why."""

    machine: str
    kind: Kind
    sample_index: int
    n_advance: int
    n_windows: int
    reason: str


@dataclass(frozen=True)
class AlarmStarted(_Event):
    """`alarm`: this alarm's name, which its end repeats; `sample_index`: where the window that raised it begins."""

    machine: str
    alarm: str
    kind: Kind
    sample_index: int
    n_samples: int
    heard_samples: int
    score: float
    peak_score: float  # since the score crossed the threshold
    threshold: float


@dataclass(frozen=True)
class AlarmEnded(_Event):
    """`reason`: "normal", the scores came down, or "stopped", the service or the machine's source came to its end."""

    machine: str
    alarm: str
    kind: Kind
    sample_index: int
    peak_score: float
    seconds: float  # of audio from the window that raised it to the one that ended it
    reason: Literal["normal", "stopped"]


@dataclass(frozen=True)
class SourceState(_Event):
    """What a machine's microphone does. Only `running` and `recovered` mean that it hears the machine."""

    machine: str
    state: SourceWord
    sample_index: int
    detail: str


@dataclass(frozen=True)
class Account:
    """Windows of one machine and kind: begun = scored + dropped + refused + under_way."""

    machine: str
    kind: Kind
    begun: int
    scored: int
    dropped: int
    refused: int
    under_way: int
    heard_samples: int

    def in_words(self) -> str:
        """One line for people."""
        return (
            f"{self.machine} {self.kind}: {self.begun} windows begun, {self.scored} scored, {self.dropped} dropped, "
            f"{self.refused} refused, {self.under_way} under way; {self.heard_samples} samples heard"
        )


@dataclass(frozen=True)
class ServiceState(_Event):
    """The service itself. `running` comes regularly, `stopped` is the last event of a run."""

    state: ServiceWord
    detail: str
    accounts: tuple[Account, ...]


Event = WindowScore | WindowDropped | WindowRefused | AlarmStarted | AlarmEnded | SourceState | ServiceState


class EventIds:
    """The IDs of one run, in order. For one thread."""

    def __init__(self, run: str | None = None) -> None:
        self.run = run or str(uuid.uuid4())
        self._numbers = itertools.count(1)

    def next(self) -> str:
        return f"{self.run}-{next(self._numbers)}"


def utc(wall_seconds: float) -> str:
    """Seconds since 1970 -> ISO 8601 with microseconds and a Z."""
    return datetime.fromtimestamp(wall_seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
