"""Finds the clips of a data set in a folder: DCASE 2020 Task 2 or raw MIMII as they unpack, or a flat folder of clips.

    DCASE  fan/train/normal_id_00_00000000.wav     fan/test/{normal,anomaly}_id_00_00000000.wav
    MIMII  [-6_dB_]fan/id_00/{normal,abnormal}/00000000.wav     which has no split: see `_split_like_mimii_baseline`

The machine type's folder may be the root itself, lie in it, or one folder deeper (-6_dB_fan/fan, dev_data_fan/fan).
Nothing is read here but names; everything is sorted, so that two runs see the same order.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN, ClipRecord
from asd_edge.errors import DatasetError

CLIP_SUFFIXES = (".wav", ".flac")
MACHINE_ID = r"id_[0-9A-Za-z]+"
DCASE_NAME = re.compile(rf"(?P<label>normal|anomaly)_(?P<id>{MACHINE_ID})_(?P<number>\d+)")
UNLABELED_NAME = re.compile(rf"{MACHINE_ID}_\d+")  # test clips of DCASE's evaluation set
MIMII_LABELS = {"normal": NORMAL, "abnormal": ANOMALY}
SNR_PREFIX = re.compile(r"^-?\d+_dB_")
ABNORMAL_NAMES = ("anomal", "abnormal")


def find_clips(root: Path) -> tuple[ClipRecord, ...]:
    """Every labelled clip below `root`, sorted by machine type, split, ID, label and name.

    Unlabeled test clips of DCASE's evaluation set are left out. Raises DatasetError when no labelled clip is found,
    when a clip's name can't be understood, when a training clip is an anomaly, and when a clip appears twice.
    """
    folders = _machine_type_folders(root)
    dcase = [record for folder in folders for record in _dcase_clips(folder)]
    mimii = [record for folder in folders for record in _mimii_clips(folder)]
    if not dcase and not mimii:
        unlabeled = next((clip for folder in folders for clip in _unlabeled_clips(folder)), None)
        if unlabeled is not None:
            raise DatasetError(
                f"{unlabeled}: a test clip without a label, and {root} holds no other clips; "
                "an AUC needs labels: give the development set"
            )
        raise DatasetError(
            f"{root}: no clip found; give a folder of <machine_type>/{{train,test}}/{{normal,anomaly}}_id_XX_N.wav "
            "(DCASE 2020 Task 2) or <machine_type>/id_XX/{normal,abnormal}/N.wav (MIMII)"
        )
    _check_no_clip_twice(dcase)
    _check_no_clip_twice(mimii)
    return tuple(sorted([*dcase, *_split_like_mimii_baseline(mimii)], key=_sort_key))


def calibration_clips(folder: Path) -> tuple[Path, ...]:
    """The normal clips to calibrate with: the training clips of a data set, or all clips of a flat folder; sorted.

    Raises DatasetError when there is none, and for a flat folder that holds a clip named an anomaly.
    """
    if _machine_type_folders(folder):
        paths = [clip.path for clip in find_clips(folder) if clip.split == TRAIN and clip.label == NORMAL]
        if not paths:
            raise DatasetError(f"{folder}: no normal training clip; calibration needs <machine_type>/train/normal_*")
        return tuple(paths)
    paths = list(_clips_in(folder))
    if not paths:
        raise DatasetError(f"{folder}: no normal clip; give a data set or a folder of normal WAV or FLAC clips")
    for path in paths:
        if any(word in path.name.lower() for word in ABNORMAL_NAMES) or folder.resolve().name == "abnormal":
            raise DatasetError(f"{path}: named an anomaly; calibrate with normal clips only: move it out of {folder}")
    return tuple(paths)


def _sort_key(clip: ClipRecord) -> tuple[str, str, str, str, str]:
    return clip.machine_type, clip.split, clip.machine_id, clip.label, clip.path.name


def _subfolders(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _clips_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in CLIP_SUFFIXES and not path.name.startswith("."):
                yield path


def _machine_type_folders(root: Path) -> list[Path]:
    """The folders, down to two below the root, that hold train or test, or id_XX with normal or abnormal."""
    if not root.is_dir():
        raise DatasetError(f"{root}: not a folder; give the folder of a data set")
    try:
        candidates = [root]
        for folder in _subfolders(root):
            candidates += [folder, *_subfolders(folder)]
        return [folder for folder in candidates if _is_machine_type_folder(folder)]
    except OSError as error:
        raise DatasetError(f"{error.filename}: can't be listed ({error.strerror}); make it readable") from error


def _is_machine_type_folder(folder: Path) -> bool:
    return any((folder / split).is_dir() for split in (TRAIN, TEST)) or any(True for _ in _mimii_folders(folder))


def _mimii_folders(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """(machine_id, label, folder of clips) for each id_XX/{normal,abnormal} of a machine type's folder."""
    for id_folder in _subfolders(folder):
        if re.fullmatch(MACHINE_ID, id_folder.name):
            for name, label in MIMII_LABELS.items():
                if (id_folder / name).is_dir():
                    yield id_folder.name, label, id_folder / name


def _machine_type(folder: Path) -> str:
    return SNR_PREFIX.sub("", folder.resolve().name)


def _recording(machine_type: str, machine_id: str, label: str, number: str) -> str:
    """Eight digits are DCASE's: the first is the microphone channel, the rest the recording."""
    return f"{machine_type}/{machine_id}/{label}/{number[1:] if len(number) == 8 else number}"


def _dcase_clips(folder: Path) -> Iterator[ClipRecord]:
    machine_type = _machine_type(folder)
    for split in (TEST, TRAIN):
        for path in _clips_in(folder / split):
            match = DCASE_NAME.fullmatch(path.stem)
            if match is None:
                if split == TEST and UNLABELED_NAME.fullmatch(path.stem):
                    continue
                raise DatasetError(f"{path}: not named normal_id_XX_N or anomaly_id_XX_N; rename it or move it out")
            label, machine_id = match["label"], match["id"]
            if split == TRAIN and label == ANOMALY:
                raise DatasetError(f"{path}: an anomaly among the training clips; move it to {folder / TEST}")
            recording = _recording(machine_type, machine_id, label, match["number"])
            yield ClipRecord(path, machine_type, machine_id, split, label, recording)


def _unlabeled_clips(folder: Path) -> Iterator[Path]:
    return (path for path in _clips_in(folder / TEST) if UNLABELED_NAME.fullmatch(path.stem))


def _mimii_clips(folder: Path) -> Iterator[ClipRecord]:
    """The clips of one machine type, all still in TRAIN."""
    machine_type = _machine_type(folder)
    for machine_id, label, clip_folder in _mimii_folders(folder):
        for path in _clips_in(clip_folder):
            recording = _recording(machine_type, machine_id, label, path.stem)
            yield ClipRecord(path, machine_type, machine_id, TRAIN, label, recording)


def _split_like_mimii_baseline(clips: Iterable[ClipRecord]) -> Iterator[ClipRecord]:
    """MIMII's own baseline: per ID all anomalies and as many normal clips, the first by name, are for test."""
    by_machine: defaultdict[str, list[ClipRecord]] = defaultdict(list)
    for clip in clips:
        by_machine[clip.machine].append(clip)
    for machine_clips in by_machine.values():
        anomalies = [clip for clip in machine_clips if clip.label == ANOMALY]
        normals = sorted((clip for clip in machine_clips if clip.label == NORMAL), key=_sort_key)
        for_test = [*anomalies, *normals[: len(anomalies)]]
        yield from (replace(clip, split=TEST) for clip in for_test)
        yield from normals[len(anomalies) :]


def _check_no_clip_twice(clips: Iterable[ClipRecord]) -> None:
    seen: dict[tuple[str, ...], Path] = {}
    for clip in clips:
        key = (clip.machine, clip.split, clip.label, clip.path.stem)
        if key in seen:
            raise DatasetError(f"{clip.path}: the same clip as {seen[key]}; keep one of the two (one SNR, one format)")
        seen[key] = clip.path
