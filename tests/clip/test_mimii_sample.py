"""The MIMII sample rebuilt from fake recordings (and from the real sample's channels), every clip held to its MD5."""

import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.layouts import find_clips
from asd_edge.clip.mimii_sample import SAMPLE_TABLE, read_sample_table, rebuild_mimii_sample, samples_md5
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN
from asd_edge.errors import ClipError, DatasetError, WorkDirectoryError

SAMPLE = os.environ.get("ASD_EDGE_MIMII")
needs_sample = pytest.mark.skipif(SAMPLE is None, reason="ASD_EDGE_MIMII is unset: no MIMII sample to compare with")
NORMAL_RECORDING = "-6_dB_fan/fan/id_00/normal/00000000.wav"
ABNORMAL_RECORDING = "-6_dB_fan/fan/id_00/abnormal/00000003.wav"
HEADER = "file\tmimii_file\tchannel\tmd5_of_int16_pcm\n"


def recording(seed: int) -> NDArray[np.int16]:
    """(161000, 8) int16: a little longer than the 10 s that a clip takes."""
    return np.random.default_rng(seed).integers(-2000, 2000, (161_000, 8), dtype=np.int16)


def write_recording(root: Path, mimii_file: str, samples: NDArray[np.int16]) -> None:
    path = root / mimii_file
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="PCM_16")


def write_table(path: Path) -> Path:
    """Two channels of a normal recording, one of an abnormal one."""
    rows = (
        ("fan/train/normal_id_00_00000000.flac", NORMAL_RECORDING, 0, 1),
        ("fan/train/normal_id_00_60000000.flac", NORMAL_RECORDING, 6, 1),
        ("fan/test/anomaly_id_00_00000003.flac", ABNORMAL_RECORDING, 0, 2),
    )
    lines = [
        f"{file}\t{source}\t{channel}\t{hashlib.md5(recording(seed)[:160_000, channel].tobytes()).hexdigest()}\n"
        for file, source, channel, seed in rows
    ]
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.tsv")


@pytest.fixture(params=["-6_dB_fan/fan/", "fan/", "-6_dB_fan/"])
def unpacked_as(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def unpack_fake_mimii(root: Path, instead_of: str = "-6_dB_fan/fan/") -> Path:
    for file, seed in ((NORMAL_RECORDING, 1), (ABNORMAL_RECORDING, 2)):
        write_recording(root, file.replace("-6_dB_fan/fan/", instead_of), recording(seed))
    return root


def test_sample_is_rebuilt_however_mimii_was_unpacked(tmp_path: Path, table: Path, unpacked_as: str) -> None:
    out_dir = tmp_path / "sample"
    seen: list[tuple[int, int]] = []
    root = unpack_fake_mimii(tmp_path / "mimii", unpacked_as)
    paths = rebuild_mimii_sample(root, out_dir, lambda done, total: seen.append((done, total)), table)
    assert paths == tuple(out_dir / clip.file for clip in read_sample_table(table))
    for path, seed, channel in zip(paths, (1, 1, 2), (0, 6, 0), strict=True):
        assert soundfile.info(path).subtype == "PCM_16"
        np.testing.assert_array_equal(read_clip(path), recording(seed)[:160_000, channel])
    assert "CC BY-SA 4.0" in (out_dir / "LICENCE.txt").read_text()
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert Counter((clip.machine, clip.split, clip.label) for clip in find_clips(out_dir)) == {
        ("fan/id_00", TRAIN, NORMAL): 2,
        ("fan/id_00", TEST, ANOMALY): 1,
    }
    assert len({clip.recording for clip in find_clips(out_dir) if clip.split == TRAIN}) == 1


def test_clips_in_place_stay_and_need_no_recording_but_others_are_made_again(tmp_path: Path, table: Path) -> None:
    root, out_dir = unpack_fake_mimii(tmp_path / "mimii"), tmp_path / "sample"
    paths = rebuild_mimii_sample(root, out_dir, table=table)
    (root / ABNORMAL_RECORDING).unlink()
    modified_ns = [path.stat().st_mtime_ns for path in paths]
    soundfile.write(paths[1], np.zeros(160_000, dtype=np.int16), 16_000)  # other samples
    assert rebuild_mimii_sample(root, out_dir, table=table) == paths
    assert paths[0].stat().st_mtime_ns == modified_ns[0]
    np.testing.assert_array_equal(read_clip(paths[1]), recording(1)[:160_000, 6])
    paths[1].write_bytes(paths[1].read_bytes()[:5_000])  # half a file
    rebuild_mimii_sample(root, out_dir, table=table)
    np.testing.assert_array_equal(read_clip(paths[1]), recording(1)[:160_000, 6])


def test_missing_recording_is_named_before_anything_is_written(tmp_path: Path, table: Path) -> None:
    root = unpack_fake_mimii(tmp_path / "mimii")
    (root / ABNORMAL_RECORDING).unlink()
    with pytest.raises(
        DatasetError, match=r"00000003\.wav: missing, with 1 of the 2 recordings needed; unpack"
    ) as caught:
        rebuild_mimii_sample(root, tmp_path / "sample", table=table)
    assert str(caught.value).startswith(str(root / ABNORMAL_RECORDING))
    assert not (tmp_path / "sample").exists()


def test_folder_that_is_none_is_named(tmp_path: Path, table: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere.*missing, with 2 of the 2 recordings needed"):
        rebuild_mimii_sample(tmp_path / "nowhere", tmp_path / "sample", table=table)


def test_recording_of_another_snr_is_refused_by_its_md5(tmp_path: Path, table: Path) -> None:
    root = unpack_fake_mimii(tmp_path / "mimii")
    write_recording(root, NORMAL_RECORDING, recording(3))
    with pytest.raises(
        DatasetError, match=r"channel 0 has the MD5 [0-9a-f]{32} and should have [0-9a-f]{32}; give MIMII"
    ):
        rebuild_mimii_sample(root, tmp_path / "sample", table=table)
    assert [*(tmp_path / "sample").rglob("*.flac")] == []


@pytest.mark.parametrize(("n_frames", "n_channels", "reason"), [(1_000, 8, "too short"), (161_000, 2, "no channel 6")])
def test_recording_that_cannot_give_the_clip_is_refused(
    tmp_path: Path, table: Path, n_frames: int, n_channels: int, reason: str
) -> None:
    root = unpack_fake_mimii(tmp_path / "mimii")
    write_recording(root, NORMAL_RECORDING, recording(1)[:n_frames, :n_channels])
    with pytest.raises(ClipError, match=reason):
        rebuild_mimii_sample(root, tmp_path / "sample", table=table)


def test_output_that_is_a_file_is_refused(tmp_path: Path, table: Path) -> None:
    root = unpack_fake_mimii(tmp_path / "mimii")
    (tmp_path / "sample").touch()
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        rebuild_mimii_sample(root, tmp_path / "sample", table=table)


def test_md5_is_that_of_little_endian_int16(tmp_path: Path) -> None:
    samples = np.array([1, -2, 300], dtype=np.int16)
    expected = hashlib.md5(b"\x01\x00\xfe\xff\x2c\x01").hexdigest()
    assert samples_md5(samples) == expected == samples_md5(samples.astype(">i2"))


def test_table_has_24_4_and_5_clips_of_four_ids_of_four_types_each_from_its_own_channel() -> None:
    clips = read_sample_table()
    assert len({clip.file for clip in clips}) == len(clips) == 528
    counted = Counter(clip.file.rsplit("_", 1)[0] for clip in clips)
    assert counted == {
        f"{machine_type}/{kind}_{machine_id}": count
        for machine_type in ("fan", "pump", "slider", "valve")
        for machine_id in ("id_00", "id_02", "id_04", "id_06")
        for kind, count in (("train/normal", 24), ("test/normal", 4), ("test/anomaly", 5))
    }
    for clip in clips:
        name, source = Path(clip.file), Path(clip.mimii_file)
        assert name.stem[-8:] == f"{clip.channel}{source.stem[1:]}"
        assert source.parts[:3] == (f"-6_dB_{name.parts[0]}", name.parts[0], name.stem[-14:-9])
        assert source.parts[3] == ("abnormal" if name.stem.startswith(ANOMALY) else "normal")


@needs_sample
def test_table_is_the_sample_s_provenance() -> None:
    assert SAMPLE is not None
    assert SAMPLE_TABLE.read_bytes() == (Path(SAMPLE) / "PROVENANCE.tsv").read_bytes()


@needs_sample
def test_real_clips_are_rebuilt_from_recordings_of_eight_channels(tmp_path: Path) -> None:
    """One machine: its 33 clips are put back into the channels they came from, then cut out again."""
    assert SAMPLE is not None
    clips = [clip for clip in read_sample_table() if "valve/id_04" in clip.mimii_file]
    assert len(clips) == 33
    recordings: dict[str, NDArray[np.int16]] = {}
    for clip in clips:
        eight = recordings.setdefault(clip.mimii_file, np.zeros((160_000, 8), dtype=np.int16))
        eight[:, clip.channel] = read_clip(Path(SAMPLE) / clip.file)
    for mimii_file, samples in recordings.items():
        write_recording(tmp_path / "mimii", mimii_file, samples)
    rows = [f"{clip.file}\t{clip.mimii_file}\t{clip.channel}\t{clip.md5}\n" for clip in clips]
    (tmp_path / "table.tsv").write_text(HEADER + "".join(rows))
    paths = rebuild_mimii_sample(tmp_path / "mimii", tmp_path / "sample", table=tmp_path / "table.tsv")
    for path, clip in zip(paths, clips, strict=True):
        assert samples_md5(read_clip(path)) == clip.md5
