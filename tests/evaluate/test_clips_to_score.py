"""Which clips an evaluation scores: refused before anything is scored, validation clips recognized by their samples."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import soundfile

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.errors import ClipError, DatasetError, EvaluationError
from asd_edge.evaluate.clips_to_score import ClipToScore, find_validation_clips, list_test_clips
from tests.backends.tiny_detector import FRONTEND, MACHINES

LABELS = LabelTable(MACHINES)


def _list(root: Path) -> tuple[ClipToScore, ...]:
    return list_test_clips(find_clips(root), root, LABELS, FRONTEND)


def _hashes(root: Path, *names: str) -> dict[str, str]:
    return {samples_sha256(read_clip(root / name, FRONTEND.clip_samples)): name for name in names}


def _find(root: Path, validation: Mapping[str, str]) -> list[str]:
    return [clip.name for clip in find_validation_clips(find_clips(root), root, validation, FRONTEND)]


def test_all_test_clips_and_only_they_are_listed_with_their_hash(tiny_clips: Path) -> None:
    clips = _list(tiny_clips)
    assert [clip.name for clip in clips] == sorted(
        (path.relative_to(tiny_clips).as_posix() for path in tiny_clips.glob("*/test/*.wav")),
        key=lambda name: (name.split("/")[0], name.split("_id_")[1].split("_")[0], name),
    )
    assert _hashes(tiny_clips, clips[5].name) == {clips[5].sha256: clips[5].name}


def test_progress_counts_every_clip(tiny_clips: Path) -> None:
    seen: list[tuple[int, int]] = []
    list_test_clips(find_clips(tiny_clips), tiny_clips, LABELS, FRONTEND, lambda *counts: seen.append(counts))
    assert seen == [(index, 24) for index in range(1, 25)]


def test_a_machine_outside_the_label_table_is_refused_by_name(tiny_clips: Path) -> None:
    with pytest.raises(DatasetError, match="pump/id_02 is not in the checkpoint's label table"):
        list_test_clips(find_clips(tiny_clips), tiny_clips, LabelTable(MACHINES[:3]), FRONTEND)


@pytest.mark.parametrize("label", ["normal", "anomaly"])
def test_a_machine_with_one_class_only_is_refused_by_name(tmp_path: Path, tiny_clips: Path, label: str) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    for path in root.glob(f"pump/test/{label}_id_00_*"):
        path.unlink()
    with pytest.raises(EvaluationError, match=f"pump/id_00 has no {label} test clip"):
        _list(root)


def test_data_without_test_clips_are_refused(tmp_path: Path, tiny_clips: Path) -> None:
    shutil.copytree(tiny_clips / "fan/train", tmp_path / "fan/train")
    with pytest.raises(DatasetError, match="no test clip"):
        _list(tmp_path)


def test_an_unreadable_test_clip_is_refused_by_name(tmp_path: Path, tiny_clips: Path) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    broken = root / "pump/test/anomaly_id_02_00000001.wav"
    broken.write_bytes(broken.read_bytes()[:5000])
    with pytest.raises(ClipError, match=r"anomaly_id_02_00000001\.wav: truncated"):
        _list(root)


def test_validation_clips_are_found_at_their_paths_without_reading_others(tmp_path: Path, tiny_clips: Path) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    names = ("fan/train/normal_id_00_00000003.wav", "pump/train/normal_id_02_00000000.wav")
    validation = _hashes(root, *names)
    (root / "fan/train/normal_id_00_00000000.wav").write_bytes(b"")  # would be refused if it were read
    assert _find(root, validation) == list(names)


def test_validation_clips_are_found_under_other_names_and_formats(tmp_path: Path, tiny_clips: Path) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    moved = root / "fan/train/normal_id_00_00000003.wav"
    validation = _hashes(root, "fan/train/normal_id_00_00000003.wav", "fan/train/normal_id_00_00000002.wav")
    samples, rate_hz = soundfile.read(moved, dtype="int16")
    soundfile.write(root / "fan/train/normal_id_00_00000077.flac", samples, rate_hz)
    moved.unlink()
    assert _find(root, validation) == ["fan/train/normal_id_00_00000002.wav", "fan/train/normal_id_00_00000077.flac"]


def test_another_clip_at_the_path_of_a_validation_clip_is_not_taken(tmp_path: Path, tiny_clips: Path) -> None:
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    name = "fan/train/normal_id_00_00000003.wav"
    validation = _hashes(root, name)
    shutil.copyfile(root / "fan/train/normal_id_02_00000003.wav", root / name)
    assert _find(root, validation) == []


def test_a_test_clip_is_never_a_validation_clip(tiny_clips: Path) -> None:
    assert _find(tiny_clips, _hashes(tiny_clips, "fan/test/normal_id_00_00000000.wav")) == []
