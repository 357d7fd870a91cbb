"""The row of an enrolled machine against its definition, and scores that the machine's own windows don't flatter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import DatasetError
from asd_edge.export.detector import Detector, detector_bytes, load_detector
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import HeadConfig
from asd_edge.provision.enrol import enrol, scores_against
from asd_edge.scorer.arcface_log_odds import arcface_log_odds

ZERO_POINT, SIZE = 3, 12
KNOWN = ("fan/id_00", "pump/id_00")


def detector() -> Detector:
    rows = np.eye(SIZE, dtype=np.float32)[:2]
    return Detector("arcface", FrontendConfig(), LabelTable(KNOWN), HeadConfig(), rows, None, {})


def codes(n_windows: int, axis: int, seed: int) -> NDArray[np.int8]:
    """Embeddings that lie about one axis."""
    values = np.random.default_rng(seed).normal(0, 8, (n_windows, SIZE))
    values[:, axis] += 90
    return np.rint(values + ZERO_POINT).astype(np.int8)


def test_the_new_row_is_the_mean_direction_of_its_windows(tmp_path: Path) -> None:
    heard = codes(10, 4, 1)
    found = enrol(detector(), "pump/id_06", heard, np.arange(10), ZERO_POINT)
    values = heard.astype(np.float64) - ZERO_POINT
    mean = (values / np.linalg.norm(values, axis=1)[:, None]).sum(axis=0)
    assert found.detector.head_rows is not None
    np.testing.assert_array_equal(found.detector.head_rows[2], (mean / np.linalg.norm(mean)).astype(np.float32))
    np.testing.assert_array_equal(found.detector.head_rows[:2], detector().head_rows)
    assert found.detector.labels.machines == (*KNOWN, "pump/id_06")
    (tmp_path / "d").write_bytes(detector_bytes(found.detector))
    assert load_detector(tmp_path / "d").labels == found.detector.labels  # a row of another length is refused there


@pytest.mark.parametrize(("recordings", "n_parts"), [([0] * 4 + [1] * 3 + [2] * 3, 3), ([5] * 10, 10)])
def test_each_window_is_scored_by_a_row_without_its_recording(recordings: list[int], n_parts: int) -> None:
    heard = codes(10, 4, 2)
    found = enrol(detector(), "pump/id_06", heard, recordings, ZERO_POINT)
    parts = np.array(recordings) if n_parts < 10 else np.arange(10)
    for index in range(10):
        values = heard[parts != parts[index]].astype(np.float64) - ZERO_POINT
        mean = (values / np.linalg.norm(values, axis=1)[:, None]).mean(axis=0)
        assert found.detector.head_rows is not None
        rows = np.vstack([found.detector.head_rows[:2], mean / np.linalg.norm(mean)])
        expected = arcface_log_odds(heard[index].astype(np.float64) - ZERO_POINT, rows, 2, 40.0, 0.7)
        assert abs(found.left_out_scores[index] - expected) < 0.02  # MOST_ERROR of the integer scorer
    own = scores_against(found.detector, "pump/id_06", heard, ZERO_POINT)
    assert found.left_out_scores.mean() > own.mean()


def test_another_sound_scores_higher_and_the_nearest_machine_is_named() -> None:
    leaning = codes(12, 4, 3)
    leaning[:, 1] += 60  # towards the pump that is known
    found = enrol(detector(), "pump/id_06", leaning, np.arange(12), ZERO_POINT)
    assert found.nearest_machine == "pump/id_00"
    assert 0.3 < found.nearest_cosine < 0.8
    other = scores_against(found.detector, "pump/id_06", codes(12, 7, 4), ZERO_POINT)
    assert other.min() > found.left_out_scores.max()


def test_windows_without_a_common_direction_are_refused() -> None:
    heard = np.tile(codes(1, 4, 5), (10, 1))
    heard[5:] = 2 * ZERO_POINT - heard[5:]
    with pytest.raises(DatasetError, match="nothing in common; give sound of one machine"):
        enrol(detector(), "pump/id_06", heard, np.arange(10), ZERO_POINT)


def test_a_known_machine_scores_as_the_head_says() -> None:
    known = replace(detector(), head_rows=np.eye(SIZE, dtype=np.float32)[[4, 5]])
    of_first, of_second = (scores_against(known, machine, codes(3, 4, 6), ZERO_POINT) for machine in KNOWN)
    assert of_first.max() < 0 < of_second.min()
