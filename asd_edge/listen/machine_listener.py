"""One machine: what its queue gives -> scores, refusals and alarms, every window accounted for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asd_edge.listen.alarm import AlarmState, interrupt_alarm, step_alarm
from asd_edge.listen.audio_queue import Audio, Break, Gap, Item
from asd_edge.listen.config import RATE_HZ, AlarmConfig, SilenceConfig
from asd_edge.listen.detector_stream import DetectorStream, Outcome
from asd_edge.listen.events import (
    Account,
    AlarmEnded,
    AlarmStarted,
    Event,
    EventIds,
    Kind,
    SourceState,
    SourceWord,
    WindowDropped,
    WindowRefused,
    WindowScore,
    utc,
)
from asd_edge.listen.model_images import LoadedImage
from asd_edge.listen.silence import BLOCK, SilenceTracker
from asd_edge.listen.window_ledger import Stretch, WindowLedger

SILENT, OVERRUN, RELOADED, STOPPED = "silent", "audio came faster than it was scored", "reloaded", "stopped"


@dataclass(frozen=True)
class Telling:
    """Where events get their IDs and times from, and where they and the audio go."""

    ids: EventIds
    wall: Callable[[], float]
    publish: Callable[[Event], None]
    hear: Callable[[str, NDArray[np.int16], int], None]

    def stamp(self) -> tuple[str, str]:
        """The first two fields of the next event."""
        return self.ids.next(), utc(self.wall())


@dataclass(frozen=True)
class Judgement:
    """How a machine's audio is judged. `images`: one per kind, the one whose scores raise alarms last."""

    images: tuple[LoadedImage, ...]
    threshold: float
    alarm: AlarmConfig
    silence: SilenceConfig


class _Scored:
    """One kind of window of the machine."""

    def __init__(self, image: LoadedImage, ledger: WindowLedger, machine: str) -> None:
        self.image, self.ledger = image, ledger
        self.stream = DetectorStream(image.content, image.labels.index(machine))


class MachineListener:
    """Takes a queue's items in order. `heard` tells how many samples the source gave so far."""

    def __init__(self, machine: str, judgement: Judgement, heard: Callable[[], int], telling: Telling) -> None:
        self._machine, self._heard, self._telling = machine, heard, telling
        self._index = 0  # of the next sample
        self._ledgers: dict[Kind, WindowLedger] = {}
        self._alarm, self._alarm_id, self._alarm_start = AlarmState(), "", 0
        self._judgement = judgement
        self._begin()

    def take(self, item: Item) -> None:
        """The next item of the queue."""
        match item:
            case Audio():
                self._hear(item)
            case Gap():
                self._end_segment(item.until, OVERRUN, is_drop=True)
            case Break():
                self._end_segment(item.index, f"the source was {item.state}", is_drop=False)
                self._tell_source(item.state, item.detail)

    def judge_by(self, judgement: Judgement) -> None:
        """From here on; where only the alarm's settings differ the stream goes on."""
        is_same_stream = replace(self._judgement, alarm=judgement.alarm) == judgement
        if not is_same_stream:
            self._end_segment(self._index, RELOADED, is_drop=False)
        self._judgement = judgement
        if not is_same_stream:
            self._begin()

    def stop(self) -> None:
        """The machine isn't listened to any more; what its queue still holds counts as dropped."""
        self._end_segment(self._index, STOPPED, is_drop=False)
        self._end_segment(self._heard(), STOPPED, is_drop=True)
        if self._alarm.is_alarm:
            self._end_alarm("stopped", self._index)
        self._alarm = AlarmState()

    def accounts(self) -> tuple[Account, ...]:
        """Of every kind that was ever asked for; what came when a kind wasn't any more is none of its account's."""
        heard, judged = self._heard(), {scored.image.kind for scored in self._scored}
        return tuple(
            ledger.account(heard if kind in judged else ledger.next_index) for kind, ledger in self._ledgers.items()
        )

    def _begin(self) -> None:
        self._silence = SilenceTracker(self._judgement.silence)
        self._scored = [_Scored(image, self._ledger_of(image), self._machine) for image in self._judgement.images]

    def _ledger_of(self, image: LoadedImage) -> WindowLedger:
        ledger = self._ledgers.setdefault(image.kind, WindowLedger(self._machine, image.kind))
        ledger.begin(self._index, image.advance_samples)
        return ledger

    def _hear(self, audio: Audio) -> None:
        self._telling.hear(self._machine, audio.samples, audio.index)
        for start in range(0, audio.samples.size, BLOCK):
            block = audio.samples[start : start + BLOCK]
            was_silent = self._silence.is_silent
            self._silence.hear(block, audio.index + start)
            self._index = audio.index + start + block.size
            if self._silence.is_silent and not was_silent:
                self._tell_source("silent", "no sound: is the microphone dead?")
            elif was_silent and not self._silence.is_silent:
                self._tell_source("recovered", "there is sound again")
            for scored in self._scored:
                for outcome in scored.stream.push(block):
                    self._take_outcome(scored, outcome)
        self._silence.forget_before(min(scored.ledger.next_index for scored in self._scored))

    def _end_segment(self, index: int, reason: str, is_drop: bool) -> None:
        """The stream breaks off: the scores that are under way, then what gets none before sample `index`."""
        for scored in self._scored:
            for outcome in scored.stream.finish():
                self._take_outcome(scored, outcome)
            stretch = scored.ledger.drop_until(index) if is_drop else scored.ledger.refuse_until(index)
            if stretch is not None:
                self._leave_out(scored, stretch, reason, is_drop)
            scored.stream.restart()
        self._index = index
        self._silence.interrupt()

    def _take_outcome(self, scored: _Scored, outcome: Outcome) -> None:
        start = scored.ledger.next_index
        if outcome.score is None:
            self._leave_out(scored, scored.ledger.refuse(), outcome.reason, is_drop=False)
        elif self._silence.touches(start, start + scored.image.window_samples):
            self._leave_out(scored, scored.ledger.refuse(), SILENT, is_drop=False)
        else:
            self._take_score(scored, scored.ledger.score(), outcome.score)

    def _leave_out(self, scored: _Scored, stretch: Stretch, reason: str, is_drop: bool) -> None:
        event = WindowDropped if is_drop else WindowRefused
        where = stretch.index, stretch.n_samples, stretch.n_windows
        self._telling.publish(event(*self._telling.stamp(), self._machine, scored.image.kind, *where, reason))
        if scored is self._scored[-1]:
            self._alarm = interrupt_alarm(self._alarm)

    def _take_score(self, scored: _Scored, stretch: Stretch, score: float) -> None:
        kind, n_samples, threshold = scored.image.kind, scored.image.window_samples, self._judgement.threshold
        self._telling.publish(
            WindowScore(
                *self._telling.stamp(), self._machine, kind, stretch.index, n_samples, stretch.n_samples,
                self._heard(), score, threshold, score > threshold,
            )
        )  # fmt: skip
        if scored is not self._scored[-1]:
            return
        was_alarm, end = self._alarm.is_alarm, stretch.index + n_samples
        self._alarm = step_alarm(self._alarm, self._judgement.alarm, score, threshold, end)
        if self._alarm.is_alarm and not was_alarm:
            stamp = self._telling.stamp()
            self._alarm_id, self._alarm_start = stamp[0], stretch.index
            self._telling.publish(
                AlarmStarted(
                    *stamp, self._machine, self._alarm_id, kind, stretch.index, n_samples,
                    self._heard(), score, self._alarm.peak, threshold,
                )
            )  # fmt: skip
        elif was_alarm and not self._alarm.is_alarm:
            self._end_alarm("normal", stretch.index)
            self._alarm = AlarmState()

    def _end_alarm(self, reason: Literal["normal", "stopped"], index: int) -> None:
        kind, seconds = self._scored[-1].image.kind, (index - self._alarm_start) / RATE_HZ
        self._telling.publish(
            AlarmEnded(
                *self._telling.stamp(), self._machine, self._alarm_id, kind, index, self._alarm.peak, seconds, reason
            )
        )

    def _tell_source(self, state: SourceWord, detail: str) -> None:
        self._telling.publish(SourceState(*self._telling.stamp(), self._machine, state, self._index, detail))
