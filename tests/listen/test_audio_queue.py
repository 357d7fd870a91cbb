"""The queue between hearing and scoring loses whole windows or nothing, and what it lost is known to the sample."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.listen.audio_queue import Audio, AudioQueue, Break, Gap

WINDOW = 10


def queue_of(room: int) -> AudioQueue:
    return AudioQueue(room, WINDOW, threading.Event())


def samples_from(index: int, n: int) -> np.ndarray:
    return np.arange(index, index + n).astype(np.int16)


@settings(max_examples=100, deadline=None)
@given(
    room=st.integers(1, 60),
    actions=st.lists(st.one_of(st.integers(1, 35), st.just("pop"), st.just("break")), max_size=60),
)
def test_every_sample_comes_in_its_place_or_lies_in_a_gap_of_whole_windows(room: int, actions: list[int | str]) -> None:
    queue, popped = queue_of(room), []
    for action in [*actions, "break"]:
        if action == "pop":
            popped.append(queue.pop())
        elif action == "break":
            queue.put_break("lost", "")
        else:
            assert isinstance(action, int)
            queue.put(samples_from(queue.heard, action))
        assert queue.n_waiting <= max(room, WINDOW)
    while (item := queue.pop()) is not None:
        popped.append(item)
    end, origin = 0, 0  # of what is accounted for; of the present windows
    for item in popped:
        match item:
            case Audio(samples, index):
                assert index == end
                np.testing.assert_array_equal(samples, samples_from(index, samples.size))
                end = index + samples.size
            case Gap(until):
                assert until >= end
                assert (until - origin) % WINDOW == 0 or until == next_break(popped, item)
                end = until
            case Break(_, index, _):
                assert index == end
                origin = index
    assert end == queue.heard


def next_break(items: list[Audio | Gap | Break | None], gap: Gap) -> int | None:
    behind = items[items.index(gap) :]
    return next((item.index for item in behind if isinstance(item, Break)), None)


def test_what_waits_of_a_dropped_window_goes_too_and_the_next_ones_come_when_there_is_room() -> None:
    queue = queue_of(25)
    for index in range(0, 30, 5):
        queue.put(samples_from(index, 5))  # 20 to 24 fits, 25 to 29 doesn't
    assert queue.n_waiting == 20
    assert [item.index for item in (queue.pop(), queue.pop()) if isinstance(item, Audio)] == [0, 5]
    queue.put(samples_from(30, 10))
    items = [queue.pop() for _ in range(4)]
    assert items[2] == Gap(30)
    assert [item.index for item in items if isinstance(item, Audio)] == [10, 15, 30]


def test_a_queue_shorter_than_a_window_has_room_for_one_all_the_same() -> None:
    """Or it would hear nothing more after its first overrun."""
    queue = queue_of(3)
    queue.put(samples_from(0, 15))
    queue.resize(4, WINDOW)
    first = queue.pop()
    assert isinstance(first, Audio)
    np.testing.assert_array_equal(first.samples, samples_from(0, 10))
    queue.put(samples_from(15, 15))
    items = [queue.pop(), queue.pop(), queue.pop()]
    assert items[0] == Gap(20)
    assert isinstance(items[1], Audio)
    assert (items[1].index, items[1].samples.size) == (20, 10)
    assert items[2] is None


def test_a_source_that_can_wait_finds_out_when_there_is_room() -> None:
    queue = queue_of(10)
    queue.put(samples_from(0, 8))
    assert not queue.has_room(3, 0.0)
    popper = threading.Timer(0.02, queue.pop)
    popper.start()
    assert queue.has_room(3, 30.0)
    popper.join()


@pytest.mark.parametrize("window", [7, 20])
def test_windows_of_another_length_begin_where_the_change_came(window: int) -> None:
    queue = queue_of(30)
    queue.put(samples_from(0, 24))
    queue.resize(24, window)
    queue.put(samples_from(24, 10))  # no room: the window that begins at 24 is dropped
    queue.put_break("lost", "")
    found = []
    while (item := queue.pop()) is not None:
        found.append(item)
    assert found[-2:] == [Gap(34), Break("lost", 34, "")]
