"""Which test clips a diagnosis uses: both labels of every machine that takes part, evenly, never a training clip."""

from collections import Counter
from pathlib import Path

import pytest

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import ANOMALY, NORMAL, TEST
from asd_edge.diagnose.choose_clips import choose_clips
from asd_edge.errors import DatasetError, EvaluationError
from asd_edge.evaluate.clips_to_score import ClipToScore
from tests.backends.tiny_detector import FRONTEND, MACHINES, write_clips

LABELS = LabelTable(MACHINES)


def choose(root: Path, n_clips: int) -> tuple[ClipToScore, ...]:
    return choose_clips(find_clips(root), root, LABELS, FRONTEND, n_clips)


@pytest.mark.parametrize(
    ("n_clips", "per_machine"),
    [
        (2, [1]),
        (5, [1, 1]),
        (8, [1, 1, 1, 1]),
        (12, [1, 1, 2, 2]),
        (16, [2, 2, 2, 2]),
        (1000, [3, 3, 3, 3]),
    ],
)
def test_labels_are_even_and_machines_as_even_as_can_be(tiny_clips: Path, n_clips: int, per_machine: list[int]) -> None:
    records = [clip.record for clip in choose(tiny_clips, n_clips)]
    assert {record.split for record in records} == {TEST}
    for label in (NORMAL, ANOMALY):
        counts = Counter(record.machine for record in records if record.label == label)
        assert sorted(counts.values()) == per_machine
    assert len({record.path for record in records}) == len(records) == 2 * sum(per_machine)


def test_the_choice_is_the_same_every_time(tiny_clips: Path) -> None:
    assert choose(tiny_clips, 6) == choose(tiny_clips, 6)


def test_data_without_test_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no test clip"):
        choose(write_clips(tmp_path / "clips", MACHINES[:1], n_train=1, n_test=0), 4)


def test_a_machine_with_one_label_only_is_refused(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "clips", MACHINES[:1], n_train=0, n_test=1)
    next(root.glob("fan/test/anomaly*")).unlink()
    with pytest.raises(EvaluationError, match="fan/id_00 has no anomaly test clip"):
        choose(root, 4)
