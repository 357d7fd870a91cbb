"""The detector that stays open gives, in pieces of any size, the scores that it gives over a whole clip."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.errors import ImageError
from asd_edge.listen.detector_stream import Decimator, DetectorStream, Outcome
from asd_edge.listen.model_images import load_image_file, load_images
from asd_edge.native import run_decimator
from asd_edge.native_engine import aligned_bytes, score_samples
from tests.listen.small_detector import HOP, WINDOW, fault, hum, image_of


@pytest.mark.parametrize("piece", [37, 511, 1024, 16_385, 60_000])
@pytest.mark.parametrize("kind", ["window", "sliding"])
def test_pieces_of_any_size_give_the_scores_of_the_whole(small_work: Path, kind: str, piece: int) -> None:
    samples = np.concatenate([hum(40_000, 1), fault(20_000, 2)])
    expected = [score / 65536 for score in score_samples(image_of(small_work, kind), samples, 0)[0]]
    stream = DetectorStream(aligned_bytes(image_of(small_work, kind)), 0)
    outcomes: list[Outcome] = []
    for start in range(0, samples.size, piece):
        outcomes += stream.push(samples[start : start + piece])
    assert [outcome.score for outcome in outcomes + stream.finish()] == expected


def test_a_stream_that_is_started_again_forgets_what_was(small_work: Path) -> None:
    image = image_of(small_work, "window")
    stream = DetectorStream(aligned_bytes(image), 1)
    stream.push(fault(WINDOW + 5_000, 1))
    stream.restart()
    samples = hum(2 * WINDOW, 2)
    scores = [outcome.score for outcome in stream.push(samples) + stream.finish()]
    assert scores == [score / 65536 for score in score_samples(image, samples, 1)[0]]


def test_a_class_that_the_image_lacks_is_refused(small_work: Path) -> None:
    with pytest.raises(ImageError, match="the class"):
        DetectorStream(aligned_bytes(image_of(small_work, "window")), 99)


def test_the_decimator_in_pieces_equals_the_whole() -> None:
    samples = hum(48_000, 3)
    decimator = Decimator()
    pieces = [decimator.push(samples[start : start + 1001]) for start in range(0, samples.size, 1001)]
    np.testing.assert_array_equal(np.concatenate(pieces), run_decimator(samples)[0])


def test_an_image_says_how_long_its_windows_are_and_how_far_apart(small_work: Path) -> None:
    window, sliding = load_images(small_work, "both")
    assert (window.kind, window.window_samples, window.advance_samples) == ("window", WINDOW, WINDOW)
    assert (sliding.kind, sliding.window_samples, sliding.advance_samples) == ("sliding", WINDOW, HOP)
    assert load_image_file(sliding.path) == sliding
