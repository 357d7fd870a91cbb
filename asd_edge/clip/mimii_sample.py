"""Rebuilds the sample of 528 real clips that tests and figures use, from an unpacked MIMII data set (-6 dB).

Each row of mimii_sample.tsv names a clip of the sample, the 8-channel recording that it comes from, the channel, and
the MD5 of its samples as little-endian int16. The clip is that channel's first 10 s as 16-bit FLAC, under a name of the
DCASE 2020 layout in which the first of the eight digits is the channel.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.atomic_write import write_bytes_atomically, write_text_atomically
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import ClipError, DatasetError

SAMPLE_TABLE = Path(__file__).with_name("mimii_sample.tsv")
SAMPLE_RATE_HZ = 16_000
LICENCE_TEXT = """\
These clips are taken from the MIMII dataset (Malfunctioning Industrial Machine Investigation and Inspection):
H. Purohit, R. Tanabe, K. Ichige, T. Endo, Y. Nikaido, K. Suefusa, Y. Kawaguchi, DCASE Workshop 2019; Hitachi, Ltd.
Source: https://doi.org/10.5281/zenodo.3384388, -6 dB set
Licence: Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0),
https://creativecommons.org/licenses/by-sa/4.0/
Changes: a part of the recordings; channels split; the first 10 s; renamed after DCASE 2020 Task 2; stored as FLAC.
"""


@dataclass(frozen=True)
class SampleClip:
    """One clip of the sample and where it comes from."""

    file: str  # fan/train/normal_id_00_20000000.flac
    mimii_file: str  # -6_dB_fan/fan/id_00/normal/00000000.wav
    channel: int
    md5: str  # hex, of the int16 samples


def read_sample_table(table: Path = SAMPLE_TABLE) -> tuple[SampleClip, ...]:
    """The rows of a table with the columns file, mimii_file, channel, md5_of_int16_pcm, in its order."""
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    return tuple(SampleClip(file, mimii_file, int(channel), md5) for file, mimii_file, channel, md5 in rows)


def samples_md5(samples: NDArray[np.int16]) -> str:
    """Hex MD5 of the samples as little-endian int16 bytes."""
    return hashlib.md5(samples.astype("<i2", copy=False).tobytes(), usedforsecurity=False).hexdigest()


def rebuild_mimii_sample(
    mimii_root: Path, out_dir: Path, on_progress: ProgressFn = ignore_progress, table: Path = SAMPLE_TABLE
) -> tuple[Path, ...]:
    """Write the sample's clips and LICENCE.txt into `out_dir`; the clips' paths, in the table's order.

    `mimii_root` holds -6_dB_fan/fan/id_00/..., fan/id_00/... or -6_dB_fan/id_00/.... A clip that is already there with
    the right MD5 stays as it is, and its recording needn't be there. `on_progress` counts clips.
    Raises DatasetError when recordings are missing (before anything is written) or when one has other samples than the
    table says, ClipError for a recording that can't be read, WorkDirectoryError when `out_dir` can't be written.
    """
    clips = read_sample_table(table)
    wanted = [clip for clip in clips if not _is_in_place(out_dir / clip.file, clip.md5)]
    needed = dict.fromkeys(clip.mimii_file for clip in wanted)
    sources = {name: path for name in needed if (path := _find_recording(mimii_root, name)) is not None}
    missing = [name for name in needed if name not in sources]
    if missing:
        raise DatasetError(
            f"{mimii_root / missing[0]}: missing, with {len(missing)} of the {len(needed)} recordings needed; "
            "unpack MIMII's -6_dB_{fan,pump,slider,valve}.zip there (zenodo.org/records/3384388)"
        )
    write_text_atomically(out_dir / "LICENCE.txt", LICENCE_TEXT)
    n_done = len(clips) - len(wanted)
    for clip in wanted:
        _write_sample_clip(sources[clip.mimii_file], out_dir / clip.file, clip)
        n_done += 1
        on_progress(n_done, len(clips))
    return tuple(out_dir / clip.file for clip in clips)


def _find_recording(mimii_root: Path, mimii_file: str) -> Path | None:
    """The recording under one of the folders that unpacking may have made."""
    archive_folder, *inner = PurePosixPath(mimii_file).parts
    for parts in ((archive_folder, *inner), tuple(inner), (archive_folder, *inner[1:])):
        if (path := mimii_root.joinpath(*parts)).is_file():
            return path
    return None


def _is_in_place(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    try:
        return samples_md5(read_clip(path)) == md5
    except ClipError:
        return False


def _write_sample_clip(source: Path, path: Path, clip: SampleClip) -> None:
    samples = read_clip(source, channel=clip.channel)  # (160000,) int16
    md5 = samples_md5(samples)
    if md5 != clip.md5:
        raise DatasetError(
            f"{source}: channel {clip.channel} has the MD5 {md5} and should have {clip.md5}; "
            "give MIMII's -6 dB set as published"
        )
    flac = io.BytesIO()
    soundfile.write(flac, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    write_bytes_atomically(path, flac.getvalue())
