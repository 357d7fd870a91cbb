"""A folder of one machine's normal sound -> its recordings, each cut into windows of the model's length.

What is left at the end of a recording is no window and stays unheard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.layouts import DCASE_NAME, calibration_clips, find_clips
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import NORMAL, TRAIN
from asd_edge.clip.resample import resampled_length
from asd_edge.errors import ClipError, DatasetError
from asd_edge.frontend.config import FrontendConfig

LONGEST_SECONDS = 3600  # of a recording: it is read whole


@dataclass(frozen=True)
class Recording:
    """A file of `n_windows` whole windows."""

    path: Path
    n_windows: int


def list_recordings(folder: Path, machine: str, config: FrontendConfig) -> tuple[Recording, ...]:
    """The normal training clips of `machine` in a data set, or all files of a flat folder; sorted by path.

    Raises DatasetError where there is none, or where the clips of a flat folder are named after several machines;
    ClipError for a file that can't be read or is shorter than a window or longer than LONGEST_SECONDS.
    """
    paths = calibration_clips(folder)
    if any(path.parent != folder for path in paths):
        paths = _of_data_set(folder, machine)
    else:
        _check_one_machine(paths, machine, folder)
    return tuple(Recording(path, _n_windows(path, config)) for path in paths)


def each_window(recordings: tuple[Recording, ...], config: FrontendConfig) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """(index of the recording, window (clip_samples,)), in order; one recording is in memory at a time.

    Raises ClipError as `read_clip`, and for a window of one value, in which nothing can be heard.
    """
    for index, recording in enumerate(recordings):
        for window in _read_windows(recording, config):
            yield index, window


def _read_windows(recording: Recording, config: FrontendConfig) -> NDArray[np.int16]:
    """(n_windows, clip_samples)."""
    n_samples = recording.n_windows * config.clip_samples
    windows = read_clip(recording.path, n_samples, config.sample_rate_hz).reshape(-1, config.clip_samples)
    for index in np.flatnonzero(windows.min(axis=1) == windows.max(axis=1)).tolist():
        start_s = index * config.clip_samples / config.sample_rate_hz
        raise ClipError(
            f"{recording.path}: nothing is heard in the window from {start_s:g} s on, all its samples are equal; "
            "record again or leave it out"
        )
    return windows


def _of_data_set(folder: Path, machine: str) -> tuple[Path, ...]:
    records = [record for record in find_clips(folder) if (record.split, record.label) == (TRAIN, NORMAL)]
    paths = tuple(record.path for record in records if record.machine == machine)
    if not paths:
        others = ", ".join(dict.fromkeys(record.machine for record in records))
        raise DatasetError(
            f"{folder}: a data set without a normal training clip of {machine} (it has {others}); "
            "give a folder of that machine's normal sound alone"
        )
    return paths


def _check_one_machine(paths: tuple[Path, ...], machine: str, folder: Path) -> None:
    named = {match["id"] for path in paths if (match := DCASE_NAME.fullmatch(path.stem))}
    other = sorted(named - {machine.split("/")[1]})
    if other:
        raise DatasetError(
            f"{folder}: its clips are named after {', '.join(other)}, not {machine}; "
            "give a folder of that machine's normal sound alone"
        )


def _n_windows(path: Path, config: FrontendConfig) -> int:
    """At least 1; why a file can't be read or is too short, `read_clip` says."""
    n_samples = _n_samples(path, config.sample_rate_hz)
    if n_samples > LONGEST_SECONDS * config.sample_rate_hz:
        raise ClipError(
            f"{path}: longer than {LONGEST_SECONDS} s, or of a length that its header doesn't say; "
            "cut it into shorter recordings"
        )
    if n_samples < config.clip_samples:
        read_clip(path, config.clip_samples, config.sample_rate_hz)
        raise ClipError(f"{path}: its length can't be told; copy or record it again")
    return n_samples // config.clip_samples


def _n_samples(path: Path, sample_rate_hz: int) -> int:
    """At that rate; 0 of what isn't a sound file."""
    try:
        info = soundfile.info(str(path))
    except (OSError, UnicodeError, soundfile.LibsndfileError):
        return 0
    return resampled_length(info.frames, info.samplerate, sample_rate_hz)
