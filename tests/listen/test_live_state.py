"""What the dashboard's pages are told and drawn from: the front end's columns, bounded state, tensors by name."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.listen.dashboard.live_state import LiveState
from asd_edge.listen.dashboard.spectrogram import Spectrogram, bytes_of_log_mel
from asd_edge.listen.events import EventIds
from asd_edge.native import is_built
from asd_edge.native_engine import load_model, run_image
from tests.listen.attention_work import FAN, sound, whole_log_mel, write_attention_work
from tests.listen.some_events import alarm_started, score

pytestmark = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")


@pytest.mark.parametrize("chunk", [160, 511, 512, 1000, 8192])
def test_columns_are_those_of_the_front_end_for_any_chunking_and_over_gaps(chunk: int) -> None:
    samples = sound(60_000)
    expected = bytes_of_log_mel(whole_log_mel(samples))
    spectrogram, seen = Spectrogram(), 0
    for start in range(0, len(samples), chunk):
        if 20_000 <= start < 25_000:
            continue
        first, frames = spectrogram.push(samples[start : start + chunk], start)
        np.testing.assert_array_equal(frames, expected[first : first + len(frames)])
        seen += len(frames)
    assert seen >= 80
    assert len(np.unique(expected)) > 20


def test_the_present_state_has_a_bound() -> None:
    ids, live = EventIds("run"), LiveState((FAN,), None)
    for index in range(3000):
        live.tell(score(ids, FAN, 1.0, index))
        live.tell(alarm_started(ids, FAN, f"a{index}"))
    live.hear(FAN, sound(1_000_000), 0)
    stream = live.open_stream()
    assert sum(len(stream.get()) for _ in range(stream.qsize())) < 250_000


def test_a_page_that_does_not_read_is_left_behind() -> None:
    ids, live = EventIds("run"), LiveState((FAN,), None)
    slow, good = live.open_stream(), live.open_stream()
    for _ in range(2000):
        live.tell(score(ids, FAN))
        while not good.empty():
            good.get()
    assert (live.is_open(slow), live.is_open(good)) == (False, True)
    assert slow.qsize() < 300


def test_taps_keep_the_tensors_that_are_named(tmp_path: Path) -> None:
    image = (write_attention_work(tmp_path) / "model-generic.asdm").read_bytes()
    model = load_model(image)
    shapes = [model.tensors[index] for index in model.inputs]
    rng = np.random.default_rng(1)
    inputs = [rng.integers(-128, 128, (t.n_columns, t.n_mels, t.n_channels)).astype(np.int8) for t in shapes]
    everything, some = run_image(image, inputs, True), run_image(image, inputs, ("t5",))
    assert some.tensors.keys() == {"t5"}
    np.testing.assert_array_equal(some.tensors["t5"], everything.tensors["t5"])
    np.testing.assert_array_equal(some.output, everything.output)
