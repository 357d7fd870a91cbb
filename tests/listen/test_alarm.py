"""When an alarm begins and ends: hysteresis, minimum duration, hold."""

from dataclasses import replace

import pytest

from asd_edge.listen.alarm import AlarmState, interrupt_alarm, step_alarm
from asd_edge.listen.config import AlarmConfig

SECOND = 16_000
THRESHOLD = 10.0
CONFIG = AlarmConfig(minimum_seconds=2, hold_seconds=3, hysteresis=1)


def course(scores: list[float | None], config: AlarmConfig = CONFIG) -> str:
    """One score a second, None: a window without one -> "." quiet, "A" alarm."""
    state, seen = AlarmState(), ""
    for second, score in enumerate(scores):
        if score is None:
            state = interrupt_alarm(state)
        else:
            state = step_alarm(state, config, score, THRESHOLD, SECOND * second)
        seen += "A" if state.is_alarm else "."
    return seen


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([9, 11, 11, 11, 11], "...AA"),
        ([11, 11, 10, 11, 11, 11], ".....A"),  # the threshold itself is normal
        ([11, 11, None, 11, 11, 11], ".....A"),  # what isn't known doesn't last
        ([11, 11, 11, 9.5, 9.5, 9.5, 9.5, 9.5], "..AAAAAA"),  # above threshold - hysteresis
        ([11, 11, 11, 9, 9, 9, 9], "..AAAA."),
        ([11, 11, 11, 9, 9, 9.5, 9, 9, 9, 9], "..AAAAAAA."),
        ([11, 11, 11, 9, 9, None, 9, 9, 9, 9], "..AAAAAAA."),  # an alarm outlasts what isn't known
        ([11, 11, 11, None, None, None, None, None], "..AAAAAA"),
    ],
)
def test_an_alarm_begins_and_ends_after_its_time(scores: list[float | None], expected: str) -> None:
    assert course(scores) == expected


def test_without_a_minimum_the_first_score_above_raises_it_and_the_first_below_ends_it() -> None:
    assert course([10, 11, 9, 11], AlarmConfig(minimum_seconds=0, hold_seconds=0, hysteresis=1)) == ".A.A"


def test_the_peak_is_that_of_the_run_that_raised_it() -> None:
    state = AlarmState()
    for second, score in enumerate([30.0, 9.0, 11.0, 14.0, 12.0]):
        state = step_alarm(state, CONFIG, score, THRESHOLD, SECOND * second)
    assert (state.is_alarm, state.peak) == (True, 14.0)
    assert step_alarm(state, CONFIG, 20.0, THRESHOLD, 5 * SECOND) == replace(state, peak=20.0)
