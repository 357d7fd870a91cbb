"""Reads one WAV or FLAC file of any rate and channel count into int16 mono samples at 16 kHz, or refuses it by name."""

import hashlib
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.resample import input_length_for, resample, resampled_length
from asd_edge.clip.wav_length import check_wav_is_whole
from asd_edge.errors import ClipError

READABLE_FORMATS = ("WAV", "WAVEX", "RF64", "FLAC")
WIDE_SUBTYPES = ("PCM_24", "PCM_32", "FLOAT", "DOUBLE")  # the others fit into 16 bits and are read as int16
LONGEST_KNOWN_FRAMES = 1 << 62  # libsndfile reports more for a FLAC stream whose length isn't in its header


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that is read without seeking: soundfile seeks to where it just arrived, and at the end of a FLAC
    stream of unknown length libsndfile can't."""

    def seekable(self) -> bool:
        return False


def read_clip(
    path: Path, n_samples: int = 160_000, sample_rate_hz: int = 16_000, channel: int = 0
) -> NDArray[np.int16]:
    """The first n_samples of one channel at sample_rate_hz, (n_samples,) int16.

    A file of up to 16 bits at that rate comes through bit for bit. Wider ones and other rates are computed in float64
    (full scale 1.0 is 32768), then rounded half to even and saturated.
    Raises ClipError for a file that is missing, unreadable, empty, truncated or too short, that lacks the channel, and
    for samples that are NaN or infinite.
    """
    if path.suffix.lower() == ".raw":  # libsndfile would take it for samples without a header
        raise ClipError(f"{path}: raw samples say neither rate nor width; convert them to WAV or FLAC")
    try:
        if path.stat().st_size == 0:
            raise ClipError(f"{path}: empty file; copy or record it again")
        check_wav_is_whole(path)
        with _ForwardFile(path) as file:
            return _read_open_clip(path, file, n_samples, sample_rate_hz, channel)
    except UnicodeError as error:
        raise ClipError(f"{path!r}: soundfile can't open a name that isn't UTF-8; rename the file") from error
    except OSError as error:
        raise ClipError(f"{path}: can't be read ({error.strerror}); give the path of a readable file") from error
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").strip().rstrip(".")
        raise ClipError(f"{path}: not a whole WAV or FLAC file ({reason}); copy or record it again") from error


def samples_sha256(samples: NDArray[np.int16]) -> str:
    """Hex SHA-256 of the samples as little-endian int16 bytes: the same clip in WAV and in FLAC has the same one."""
    return hashlib.sha256(samples.astype("<i2", copy=False).tobytes()).hexdigest()


def round_to_int16(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round half to even, saturate to -32768..32767; same shape. The samples are finite, in units of one int16 step."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def _read_open_clip(
    path: Path, file: soundfile.SoundFile, n_samples: int, sample_rate_hz: int, channel: int
) -> NDArray[np.int16]:
    if file.format not in READABLE_FORMATS:
        raise ClipError(f"{path}: {file.format} is not read; convert it to WAV or FLAC")
    if not 0 <= channel < file.channels:
        raise ClipError(f"{path}: has no channel {channel}; choose one of 0 to {file.channels - 1}")
    rate_hz = int(file.samplerate)
    _check_length(path, file.frames, rate_hz, n_samples, sample_rate_hz)
    n_needed = n_samples if rate_hz == sample_rate_hz else input_length_for(n_samples, rate_hz, sample_rate_hz)
    n_frames = min(n_needed, file.frames)
    is_wide = file.subtype in WIDE_SUBTYPES
    frames = file.read(n_frames, dtype="float64" if is_wide else "int16", always_2d=True)  # (<= n_frames, n_channels)
    if len(frames) < n_frames and file.frames < LONGEST_KNOWN_FRAMES:
        raise ClipError(
            f"{path}: truncated: {file.frames} frames promised, {len(frames)} held; copy or record it again"
        )
    _check_length(path, len(frames), rate_hz, n_samples, sample_rate_hz)
    _check_last_frame(path, file)
    samples = frames[:, channel]
    if not is_wide and rate_hz == sample_rate_hz:
        return np.ascontiguousarray(samples, dtype=np.int16)
    scaled = samples * 32768.0 if is_wide else samples.astype(np.float64)
    if not np.isfinite(scaled).all():
        raise ClipError(f"{path}: holds samples that are NaN or infinite; record or convert it again")
    return round_to_int16(resample(scaled, rate_hz, sample_rate_hz, n_samples))


def _check_length(path: Path, n_frames: int, rate_hz: int, n_samples: int, sample_rate_hz: int) -> None:
    if n_frames == 0:
        raise ClipError(f"{path}: holds no sound; copy or record it again")
    if resampled_length(n_frames, rate_hz, sample_rate_hz) < n_samples:
        raise ClipError(
            f"{path}: too short: {n_frames / rate_hz:.3f} s of the {n_samples / sample_rate_hz:.3f} s needed; "
            "record a longer clip or leave it out"
        )


def _check_last_frame(path: Path, file: soundfile.SoundFile) -> None:
    """Decode the last frame too, so that a long FLAC file cut after the samples needed is still noticed."""
    if file.frames < LONGEST_KNOWN_FRAMES and file.tell() < file.frames:
        file.seek(file.frames - 1)
        if len(file.read(1, dtype="float64", always_2d=True)) != 1:
            raise ClipError(f"{path}: truncated: {file.frames} frames promised; copy or record it again")
