"""The layouts of DCASE 2020 Task 2 and MIMII; only names are read, so the files here are empty."""

from pathlib import Path

import pytest

from asd_edge.clip.layouts import calibration_clips, find_clips
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN
from asd_edge.errors import DatasetError

DCASE_FILES = (
    "fan/train/normal_id_00_00000000.wav",
    "fan/train/normal_id_00_60000000.flac",
    "fan/test/normal_id_00_00000001.wav",
    "fan/test/anomaly_id_00_00000000.wav",
    "ToyCar/train/normal_id_01_00000000.WAV",
    "ToyCar/test/anomaly_id_01_00000000.wav",
)
MIMII_FILES = tuple(
    f"pump/{machine_id}/{label}/{number:08d}.wav"
    for machine_id, label, count in [("id_00", "normal", 5), ("id_00", "abnormal", 2), ("id_02", "normal", 2)]
    for number in range(count)
)


def lay_out(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_dcase_layout_gives_type_id_split_label_and_recording(tmp_path: Path) -> None:
    clips = find_clips(lay_out(tmp_path, *DCASE_FILES))
    found = [(str(clip.path.relative_to(tmp_path)), clip.machine, clip.split, clip.label) for clip in clips]
    assert found == [
        ("ToyCar/test/anomaly_id_01_00000000.wav", "ToyCar/id_01", TEST, ANOMALY),
        ("ToyCar/train/normal_id_01_00000000.WAV", "ToyCar/id_01", TRAIN, NORMAL),
        ("fan/test/anomaly_id_00_00000000.wav", "fan/id_00", TEST, ANOMALY),
        ("fan/test/normal_id_00_00000001.wav", "fan/id_00", TEST, NORMAL),
        ("fan/train/normal_id_00_00000000.wav", "fan/id_00", TRAIN, NORMAL),
        ("fan/train/normal_id_00_60000000.flac", "fan/id_00", TRAIN, NORMAL),
    ]


def test_channels_of_one_recording_share_it_and_recordings_differ(tmp_path: Path) -> None:
    names = ["id_00_00000003", "id_00_20000003", "id_00_60000003", "id_00_00000004", "id_02_00000003"]
    clips = find_clips(lay_out(tmp_path, *(f"fan/train/normal_{name}.wav" for name in names)))
    recordings = {clip.path.stem.removeprefix("normal_"): clip.recording for clip in clips}
    assert recordings == {
        "id_00_00000003": "fan/id_00/normal/0000003",
        "id_00_20000003": "fan/id_00/normal/0000003",
        "id_00_60000003": "fan/id_00/normal/0000003",
        "id_00_00000004": "fan/id_00/normal/0000004",
        "id_02_00000003": "fan/id_02/normal/0000003",
    }


def test_number_that_has_not_eight_digits_is_the_recording_as_it_stands(tmp_path: Path) -> None:
    (clip,) = find_clips(lay_out(tmp_path, "fan/train/normal_id_00_1234.wav"))
    assert clip.recording == "fan/id_00/normal/1234"


@pytest.mark.parametrize(
    "unpacked_as", ["{}", "-6_dB_pump/{}", "data/{}", "{}|pump/=-6_dB_pump/", "{}|pump/=0_dB_pump/", "{}|pump/="]
)
def test_mimii_layout_is_found_however_it_was_unpacked(tmp_path: Path, unpacked_as: str) -> None:
    pattern, _, replacement = unpacked_as.partition("|")
    files = [pattern.format(file) for file in MIMII_FILES]
    root = tmp_path
    if replacement:
        old, new = replacement.split("=")
        files = [file.replace(old, new) for file in files]
    if replacement == "pump/=":  # the root is the machine type's own folder
        root = tmp_path / "pump"
    clips = find_clips(lay_out(root, *files))
    found = {(clip.machine, clip.split, clip.label, clip.path.stem) for clip in clips}
    assert found == {
        ("pump/id_00", TEST, ANOMALY, "00000000"),
        ("pump/id_00", TEST, ANOMALY, "00000001"),
        ("pump/id_00", TEST, NORMAL, "00000000"),  # as many as anomalies, the first by name
        ("pump/id_00", TEST, NORMAL, "00000001"),
        ("pump/id_00", TRAIN, NORMAL, "00000002"),
        ("pump/id_00", TRAIN, NORMAL, "00000003"),
        ("pump/id_00", TRAIN, NORMAL, "00000004"),
        ("pump/id_02", TRAIN, NORMAL, "00000000"),  # no anomalies: nothing to test against
        ("pump/id_02", TRAIN, NORMAL, "00000001"),
    }
    assert len(clips) == len(found)
    assert {clip.recording for clip in clips if clip.label == ANOMALY} == {
        "pump/id_00/anomaly/0000000",
        "pump/id_00/anomaly/0000001",
    }


def test_machine_type_folder_itself_and_archives_folders_are_roots_too(tmp_path: Path) -> None:
    lay_out(tmp_path / "dev_data_fan", *DCASE_FILES[:4])
    lay_out(tmp_path / "eval_data_train_fan", "fan/train/normal_id_01_00000000.wav")
    assert len(find_clips(tmp_path)) == 5
    assert {clip.machine for clip in find_clips(tmp_path / "dev_data_fan" / "fan")} == {"fan/id_00"}


def test_order_is_the_same_whatever_order_the_files_were_made_in(tmp_path: Path) -> None:
    first = find_clips(lay_out(tmp_path / "a", *DCASE_FILES, *MIMII_FILES))
    second = find_clips(lay_out(tmp_path / "b", *reversed(MIMII_FILES), *reversed(DCASE_FILES)))
    assert [c.path.relative_to(tmp_path / "a") for c in first] == [c.path.relative_to(tmp_path / "b") for c in second]


def test_unlabeled_test_clips_of_the_evaluation_set_are_left_out(tmp_path: Path) -> None:
    lay_out(tmp_path, *DCASE_FILES, "fan/test/id_01_00000000.wav", "valve/test/id_01_00000000.wav")
    assert len(find_clips(tmp_path)) == len(DCASE_FILES)


def test_hidden_files_and_other_files_are_left_out(tmp_path: Path) -> None:
    lay_out(
        tmp_path, *DCASE_FILES, "fan/train/._normal_id_00_00000000.wav", "fan/train/notes.txt", ".cache/x/train/y.wav"
    )
    assert len(find_clips(tmp_path)) == len(DCASE_FILES)


BAD_SETS: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "no clip found"),
    "no layout": (("a.wav", "deep/er/b.wav"), "no clip found"),
    "empty folders": (("fan/train/readme.txt",), "no clip found"),
    "only unlabeled": (("fan/test/id_01_00000000.wav",), "fan/test/id_01_00000000.wav: a test clip without a label"),
    "name of another year": (
        ("fan/train/section_00_source_train_normal_0000.wav",),
        "section_00_source_train_normal_0000.wav: not named",
    ),
    "unlabeled in train": (("fan/train/id_01_00000000.wav",), "fan/train/id_01_00000000.wav: not named"),
    "anomaly in train": (
        (*DCASE_FILES, "fan/train/anomaly_id_00_00000009.wav"),
        "anomaly_id_00_00000009.wav: an anomaly among the training clips",
    ),
    "clip in two formats": (
        ("fan/test/normal_id_00_00000000.wav", "fan/test/normal_id_00_00000000.flac"),
        "the same clip as",
    ),
    "two SNRs": (("-6_dB_fan/fan/id_00/normal/00000000.wav", "6_dB_fan/fan/id_00/normal/00000000.wav"), "one SNR"),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_bad_set_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    files, reason = BAD_SETS[case]
    with pytest.raises(DatasetError) as caught:
        find_clips(lay_out(tmp_path, *files))
    assert reason in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_and_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, "clip.wav")
    for root in (tmp_path / "nothing", tmp_path / "clip.wav"):
        with pytest.raises(DatasetError, match="not a folder"):
            find_clips(root)
        with pytest.raises(DatasetError, match="not a folder"):
            calibration_clips(root)


def test_calibration_reads_only_normal_training_clips_of_a_data_set(tmp_path: Path) -> None:
    lay_out(tmp_path / "dcase", *DCASE_FILES)
    found = [str(path.relative_to(tmp_path / "dcase")) for path in calibration_clips(tmp_path / "dcase")]
    assert found == [DCASE_FILES[4], DCASE_FILES[0], DCASE_FILES[1]]
    lay_out(tmp_path / "mimii", *MIMII_FILES)
    assert [path.stem for path in calibration_clips(tmp_path / "mimii")] == [
        "00000002",
        "00000003",
        "00000004",
        "00000000",
        "00000001",
    ]


def test_calibration_takes_every_clip_of_a_flat_folder_in_order(tmp_path: Path) -> None:
    lay_out(tmp_path, "b.flac", "a.WAV", "notes.txt", ".hidden.wav", "normal_id_00_00000000.wav")
    assert [path.name for path in calibration_clips(tmp_path)] == ["a.WAV", "b.flac", "normal_id_00_00000000.wav"]


@pytest.mark.parametrize("name", ["anomaly_id_00_00000000.wav", "x_Abnormal.flac", "ANOMALOUS.wav"])
def test_calibration_refuses_a_flat_folder_with_an_anomaly(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path / "flat", "a.wav", name)
    with pytest.raises(DatasetError, match=f"{name}: named an anomaly"):
        calibration_clips(tmp_path / "flat")


def test_calibration_refuses_the_abnormal_folder_of_mimii(tmp_path: Path) -> None:
    lay_out(tmp_path, *MIMII_FILES)
    with pytest.raises(DatasetError, match=r"00000000\.wav: named an anomaly"):
        calibration_clips(tmp_path / "pump" / "id_00" / "abnormal")
    assert len(calibration_clips(tmp_path / "pump" / "id_00" / "normal")) == 5


@pytest.mark.parametrize("files", [(), ("notes.txt",), ("fan/test/normal_id_00_00000000.wav",)])
def test_calibration_refuses_a_folder_without_a_normal_training_clip(tmp_path: Path, files: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r"no normal (training )?clip"):
        calibration_clips(lay_out(tmp_path, *files))
