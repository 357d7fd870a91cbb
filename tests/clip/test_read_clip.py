"""read_clip: what comes through bit for bit, what is rounded, what is refused."""

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.errors import ClipError

N_SAMPLES = 2_000
RATE_HZ = 16_000


def noise(n_frames: int = N_SAMPLES, n_channels: int = 1) -> NDArray[np.int16]:
    return np.random.default_rng(11).integers(-32768, 32768, (n_frames, n_channels), dtype=np.int16)


def write(
    path: Path,
    samples: NDArray[np.generic],
    rate_hz: int = RATE_HZ,
    subtype: str | None = None,
    format: str | None = None,  # noqa: A002 (as soundfile names it)
) -> Path:
    soundfile.write(path, samples, rate_hz, subtype=subtype, format=format)
    return path


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "FLAC"])
@pytest.mark.parametrize(("n_channels", "channel"), [(1, 0), (2, 1), (8, 6)])
def test_int16_at_16_khz_comes_through_bit_for_bit(tmp_path: Path, kind: str, n_channels: int, channel: int) -> None:
    samples = noise(N_SAMPLES + 500, n_channels)
    path = write(tmp_path / "clip", samples, format=kind, subtype="PCM_16")
    read = read_clip(path, N_SAMPLES, channel=channel)
    assert read.dtype == np.int16
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, samples[:N_SAMPLES, channel])


def test_unsigned_8_bit_is_shifted_to_16(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", noise() & np.int16(-256), subtype="PCM_U8")
    np.testing.assert_array_equal(read_clip(path, N_SAMPLES), noise()[:, 0] & np.int16(-256))


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_24_bit_is_rounded_half_to_even_and_saturates(tmp_path: Path, suffix: str) -> None:
    steps = {128: 0, 127: 0, 129: 1, 384: 2, 640: 2, -128: 0, -384: -2, 2**23 - 1: 32767, -(2**23): -32768, 256: 1}
    samples = np.array(list(steps), dtype=np.int32) << 8
    path = write(tmp_path / f"clip.{suffix}", samples, subtype="PCM_24")
    assert read_clip(path, len(steps)).tolist() == list(steps.values())


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_32"])
def test_float_and_32_bit_are_rounded_half_to_even_and_saturate(tmp_path: Path, subtype: str) -> None:
    steps = {0.5: 0, 1.5: 2, 2.5: 2, -0.5: 0, -1.5: -2, -32768.0: -32768, 12345.25: 12345, 32767.5: 32767}
    if subtype != "PCM_32":
        steps |= {32768.0: 32767, 49152.0: 32767, -49152.0: -32768}
    samples = np.array(list(steps)) / 32768
    path = write(tmp_path / "clip.wav", samples, subtype=subtype)
    assert read_clip(path, len(steps)).tolist() == list(steps.values())


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_other_rates_give_the_same_tone_at_16_khz(tmp_path: Path, rate_hz: int, subtype: str) -> None:
    time_s = np.arange(int(rate_hz * 0.5)) / rate_hz
    stereo = np.stack([np.zeros_like(time_s), 0.25 * np.sin(2 * np.pi * 440 * time_s)], axis=1)
    read = read_clip(write(tmp_path / "clip.wav", stereo, rate_hz, subtype=subtype), RATE_HZ // 4, channel=1)
    expected = 8192 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ // 4) / RATE_HZ)
    assert np.abs(read - expected)[200:].max() <= 3  # int16 steps: input rounding, ripple below 1e-4, output rounding


def test_full_scale_square_wave_saturates_instead_of_wrapping(tmp_path: Path) -> None:
    square = np.where(np.arange(24_000) // 100 % 2, -32768, 32767).astype(np.int16)  # overshoots when band-limited
    read = read_clip(write(tmp_path / "clip.wav", square, 48_000), 8_000).astype(np.int64)
    assert read.max() == 32767
    assert read.min() == -32768
    plateaus = np.arange(len(read)) * 3 % 100
    away_from_edges = (plateaus > 20) & (plateaus < 80)
    assert (np.sign(read) == np.sign(square[::3]))[away_from_edges].all()


def test_ten_seconds_at_44_1_khz_are_exactly_enough(tmp_path: Path) -> None:
    samples = np.zeros(441_000, dtype=np.int16)
    assert read_clip(write(tmp_path / "clip.flac", samples, 44_100)).shape == (160_000,)
    with pytest.raises(ClipError, match=r"too short: 9\.999 s of the 10\.000 s needed"):
        read_clip(write(tmp_path / "short.flac", samples[:440_960], 44_100))


def test_flac_of_a_stream_without_its_length_is_read(tmp_path: Path) -> None:
    flac = bytearray(write(tmp_path / "clip.flac", noise()).read_bytes())
    flac[21] &= 0xF0  # STREAMINFO's 36 bits of total samples: 0 is unknown
    flac[22:26] = bytes(4)
    (tmp_path / "stream.flac").write_bytes(flac)
    np.testing.assert_array_equal(read_clip(tmp_path / "stream.flac", N_SAMPLES), noise()[:, 0])
    with pytest.raises(ClipError, match="too short"):
        read_clip(tmp_path / "stream.flac", N_SAMPLES + 1)


def test_wav_from_a_pipe_without_its_length_is_read(tmp_path: Path) -> None:
    wav = bytearray(write(tmp_path / "clip.wav", noise()).read_bytes())
    assert wav[36:40] == b"data"
    wav[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "pipe.wav").write_bytes(wav)
    np.testing.assert_array_equal(read_clip(tmp_path / "pipe.wav", N_SAMPLES), noise()[:, 0])


def _cut(name: str, n_bytes: int, subtype: str = "PCM_16", kind: str | None = None) -> Callable[[Path], Path]:
    """A file of which the last n_bytes are missing; 500 frames more than needed, so that the needed ones are there."""

    def make(folder: Path) -> Path:
        path = write(folder / name, noise(N_SAMPLES + 500, 2), subtype=subtype, format=kind)
        path.write_bytes(path.read_bytes()[:-n_bytes])
        return path

    return make


def _samples(
    name: str, samples: NDArray[np.generic], subtype: str | None = None, kind: str | None = None
) -> Callable[[Path], Path]:
    return lambda folder: write(folder / name, samples, subtype=subtype, format=kind)


def _bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _flipped_flac(folder: Path) -> Path:
    path = write(folder / "flipped.flac", noise())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def _with_value(value: float) -> NDArray[np.float64]:
    samples = np.zeros(N_SAMPLES)
    samples[-1] = value
    return samples


def _directory(folder: Path) -> Path:
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


BAD_CLIPS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "nothing.wav", "No such file"),
    "a folder": (_directory, "Is a directory"),
    "zero bytes wav": (_bytes("empty.wav", b""), "empty file"),
    "zero bytes flac": (_bytes("empty.flac", b""), "empty file"),
    "no frames": (_samples("none.wav", noise(0)), "holds no sound"),
    "text": (_bytes("text.wav", b"not sound at all"), "not a whole WAV or FLAC"),
    "header cut": (_bytes("header.wav", b"RIFF\x00\x01\x00\x00WAVEfmt \x10\x00\x00\x00"), "without a data chunk"),
    "ogg": (_samples("clip.ogg", noise(), kind="OGG"), "OGG is not read"),
    "raw": (_bytes("clip.raw", bytes(4 * N_SAMPLES)), "rate nor width"),
    "wav cut by a byte": (_cut("cut.wav", 1), "truncated: its header promises 10000 bytes of sound and it holds 9999"),
    "wav cut by half": (_cut("cut.wav", 5000), "truncated"),
    "24-bit wav cut": (_cut("cut.wav", 1, subtype="PCM_24"), "truncated"),
    "float wav cut": (_cut("cut.wav", 4, subtype="FLOAT"), "truncated"),
    "rf64 cut": (_cut("cut.wav", 10, kind="RF64"), "truncated"),
    "flac cut by a byte": (_cut("cut.flac", 1), "not a whole WAV or FLAC"),
    "flac cut by half": (_cut("cut.flac", 5000), "not a whole WAV or FLAC"),
    "flac with a flipped byte": (_flipped_flac, "not a whole WAV or FLAC"),
    "NaN": (_samples("nan.wav", _with_value(np.nan), subtype="FLOAT"), "NaN or infinite"),
    "infinite": (_samples("inf.wav", _with_value(-np.inf), subtype="DOUBLE"), "NaN or infinite"),
    "too short": (_samples("short.wav", noise(N_SAMPLES - 1)), "too short: 0.125 s of the 0.125 s needed"),
    "too short flac": (_samples("short.flac", noise(N_SAMPLES // 2)), "too short: 0.062 s of the 0.125 s needed"),
}


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_bad_clip_is_refused_in_one_line_that_names_it(tmp_path: Path, case: str) -> None:
    make, reason = BAD_CLIPS[case]
    path = make(tmp_path)
    with pytest.raises(ClipError) as caught:
        read_clip(path, N_SAMPLES)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "; " in message or "convert" in message
    assert "\n" not in message


@pytest.mark.parametrize("channel", [2, 8, -1])
def test_channel_that_does_not_exist_is_refused(tmp_path: Path, channel: int) -> None:
    path = write(tmp_path / "clip.wav", noise(n_channels=2))
    with pytest.raises(ClipError, match=f"no channel {channel}; choose one of 0 to 1"):
        read_clip(path, N_SAMPLES, channel=channel)


@pytest.mark.usefixtures("permissions")
def test_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", noise())
    path.chmod(0)
    with pytest.raises(ClipError, match="Permission denied"):
        read_clip(path, N_SAMPLES)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"))
    path.write_bytes(write(tmp_path / "clip.wav", noise()).read_bytes())
    with pytest.raises(ClipError, match="isn't UTF-8; rename the file"):
        read_clip(path, N_SAMPLES)


def test_the_same_samples_have_one_hash_in_wav_and_flac(tmp_path: Path) -> None:
    expected = hashlib.sha256(struct.pack(f"<{N_SAMPLES}h", *noise()[:, 0].tolist())).hexdigest()
    for name in ("clip.wav", "clip.flac"):
        assert samples_sha256(read_clip(write(tmp_path / name, noise()), N_SAMPLES)) == expected
    assert samples_sha256(noise()[:, 0].astype(">i2")) == expected
