"""Scores -> when an alarm begins and when it ends: one pure step per score.

    QUIET --score > threshold for minimum_seconds--> ALARM --score <= threshold - hysteresis for hold_seconds--> QUIET

Times are those of audio: the end of the score's window, in samples of 16 kHz.
"""

from dataclasses import dataclass, replace

from asd_edge.listen.config import RATE_HZ, AlarmConfig


@dataclass(frozen=True)
class AlarmState:
    """`since`: end of the first window of the present run above the threshold; `calm_since`: likewise of those that say
    that an alarm is over. None: there is no such run."""

    is_alarm: bool = False
    since: int | None = None
    calm_since: int | None = None
    peak: float = 0.0  # since `since`


def step_alarm(state: AlarmState, config: AlarmConfig, score: float, threshold: float, window_end: int) -> AlarmState:
    """The state after a score; where `is_alarm` differs an alarm has begun or ended."""
    if state.is_alarm:
        return _step_in_alarm(state, config, score, threshold, window_end)
    if score <= threshold:
        return AlarmState()
    since = window_end if state.since is None else state.since
    peak = score if state.since is None else max(state.peak, score)
    return AlarmState(window_end - since >= config.minimum_seconds * RATE_HZ, since, None, peak)


def interrupt_alarm(state: AlarmState) -> AlarmState:
    """A window without a score: what has to last begins anew, but an alarm stays one."""
    return replace(state, calm_since=None) if state.is_alarm else AlarmState()


def _step_in_alarm(
    state: AlarmState, config: AlarmConfig, score: float, threshold: float, window_end: int
) -> AlarmState:
    peak = max(state.peak, score)
    if score > threshold - config.hysteresis:
        return replace(state, calm_since=None, peak=peak)
    calm_since = window_end if state.calm_since is None else state.calm_since
    is_over = window_end - calm_since >= config.hold_seconds * RATE_HZ
    return replace(state, is_alarm=not is_over, calm_since=calm_since, peak=peak)
