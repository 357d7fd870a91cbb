"""Recordings, not clips, go to either side of the split, and no test clip or anomaly does."""

from pathlib import Path

import pytest

from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN, ClipRecord
from asd_edge.errors import DatasetError
from asd_edge.train.split import split_by_recording


def _clips(machine_id: str, n_recordings: int, n_channels: int = 4) -> list[ClipRecord]:
    return [
        ClipRecord(
            Path(f"fan/train/normal_{machine_id}_{channel}{recording:07d}.wav"),
            "fan",
            machine_id,
            TRAIN,
            NORMAL,
            f"fan/{machine_id}/normal/{recording:07d}",
        )
        for recording in range(n_recordings)
        for channel in range(n_channels)
    ]


@pytest.mark.parametrize(
    ("n_recordings", "share", "n_validating"),
    [(6, 1 / 6, 1), (6, 0.5, 3), (2, 0.9, 1), (2, 0.01, 1), (10, 0.25, 2)],
)
def test_whole_recordings_validate(n_recordings: int, share: float, n_validating: int) -> None:
    records = [*_clips("id_00", n_recordings), *_clips("id_02", n_recordings)]
    training, validation = split_by_recording(records, share, seed=0)
    assert len(training) + len(validation) == len(records)
    assert not {record.recording for record in training} & {record.recording for record in validation}
    for machine_id in ("id_00", "id_02"):
        recordings = {record.recording for record in validation if record.machine_id == machine_id}
        assert len(recordings) == n_validating


def test_the_seed_alone_decides_the_split() -> None:
    records = _clips("id_00", 20)
    splits = [split_by_recording(order, 0.25, seed) for order, seed in ((records, 1), (records[::-1], 1), (records, 2))]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


def test_neither_test_clips_nor_anomalies_are_used() -> None:
    outside = [
        ClipRecord(Path("a.wav"), "fan", "id_00", TEST, NORMAL, "a"),
        ClipRecord(Path("b.wav"), "fan", "id_00", TEST, ANOMALY, "b"),
        ClipRecord(Path("c.wav"), "fan", "id_00", TRAIN, ANOMALY, "c"),
    ]
    training, validation = split_by_recording([*outside, *_clips("id_00", 3)], 0.3, seed=0)
    assert not set(outside) & {*training, *validation}


@pytest.mark.parametrize(("records", "complaint"), [([], "no normal training clip"), (_clips("id_07", 1), "fan/id_07")])
def test_data_without_two_recordings_are_refused(records: list[ClipRecord], complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        split_by_recording(records, 0.2, seed=0)
