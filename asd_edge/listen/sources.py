"""Files, pipes and standard input as sources of audio: mono int16 at the source's rate, a piece at a time."""

import os
import select
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from asd_edge.errors import ListenError
from asd_edge.listen.config import MICROPHONE_RATE_HZ, RATE_HZ, AlsaSource, FifoSource, Source, StdinSource, WavSource

PIECE_SECONDS = 0.25  # at most in one read of a file
_PIPE_BYTES = 65_536


class SourceLostError(Exception):
    """No audio at present; the source may come back."""


class SourceEndedError(Exception):
    """There will never be more."""


class AudioSource(Protocol):
    """One thread calls open, read again and again, and close."""

    rate_hz: int

    def open(self) -> None:
        """Begin, or begin again after SourceLostError. Raises SourceLostError."""

    def read(self, seconds: float) -> NDArray[np.int16] | None:
        """(n,) that came; None: nothing within `seconds`. Raises SourceLostError or SourceEndedError."""

    def close(self) -> None: ...


class SoundFileSource:
    """See WavSource."""

    def __init__(self, config: WavSource) -> None:
        """Raises ListenError for a file that can't be heard."""
        self._channel = config.channel
        try:
            self._file = soundfile.SoundFile(config.path)
        except (OSError, soundfile.LibsndfileError) as error:
            raise ListenError(f"{config.path}: can't be read ({error}); give a WAV or FLAC file") from error
        self.rate_hz = int(self._file.samplerate)
        if self.rate_hz not in (RATE_HZ, MICROPHONE_RATE_HZ):
            raise ListenError(f"{config.path}: has {self.rate_hz} Hz; convert it to 16000 or 48000 Hz")
        if config.channel >= self._file.channels:
            raise ListenError(f"{config.path}: has no channel {config.channel}; choose one below {self._file.channels}")

    def open(self) -> None:
        pass

    def read(self, seconds: float) -> NDArray[np.int16] | None:
        try:
            frames = self._file.read(int(self.rate_hz * PIECE_SECONDS), dtype="int16", always_2d=True)
        except (OSError, soundfile.LibsndfileError) as error:
            raise SourceEndedError(f"the file can't be read further ({error})") from error
        if len(frames) == 0:
            raise SourceEndedError("the file is at its end")
        return np.ascontiguousarray(frames[:, self._channel])

    def close(self) -> None:
        self._file.close()


class PipeSource:
    """Raw int16 from a FIFO or from standard input.

    A FIFO stays open while nobody writes, so that nothing of what a new writer sends is lost.
    """

    def __init__(
        self, config: FifoSource | StdinSource, open_pipe: Callable[[], int], lost_after: float, ends: bool
    ) -> None:
        self.rate_hz: int = config.rate_hz
        self._n_channels, self._channel = config.channels, config.channel
        self._lost_after = lost_after if config.live else float("inf")
        self._open_pipe, self._ends = open_pipe, ends
        self._descriptor: int | None = None
        self._rest = b""  # of a frame; kept over a stall, gone with its writer
        self._last = 0.0

    def open(self) -> None:
        self._last = time.monotonic()
        if self._descriptor is None:
            self._rest = b""
            try:
                self._descriptor = self._open_pipe()
            except OSError as error:
                raise SourceLostError(f"can't be opened ({error.strerror})") from error

    def read(self, seconds: float) -> NDArray[np.int16] | None:
        assert self._descriptor is not None, "read after open"
        if not select.select([self._descriptor], [], [], seconds)[0]:
            self._check_for_loss()
            return None
        try:
            data = os.read(self._descriptor, _PIPE_BYTES)
        except BlockingIOError:
            self._check_for_loss()
            return None
        except OSError as error:
            self.close()
            raise SourceLostError(f"can't be read ({error.strerror})") from error
        if not data:
            self._rest = b""
            raise SourceEndedError("its end") if self._ends else SourceLostError("nobody writes")
        self._last = time.monotonic()
        data, frame_bytes = self._rest + data, 2 * self._n_channels
        whole = len(data) // frame_bytes * frame_bytes
        self._rest = data[whole:]
        frames = np.frombuffer(data, "<i2", whole // 2).reshape(-1, self._n_channels)
        return np.ascontiguousarray(frames[:, self._channel], np.int16)

    def _check_for_loss(self) -> None:
        if time.monotonic() - self._last > self._lost_after:
            raise SourceLostError(f"no sample for {self._lost_after:g} s")

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def source_of(config: Source, lost_after: float) -> AudioSource:
    """Raises ListenError for one that can't be heard at all, in contrast to one that isn't there yet."""
    match config:
        case WavSource():
            return SoundFileSource(config)
        case FifoSource():
            _check_fifo(config.path)
            return PipeSource(config, lambda: os.open(config.path, os.O_RDONLY | os.O_NONBLOCK), lost_after, ends=False)
        case StdinSource():
            return PipeSource(config, lambda: os.dup(0), lost_after, ends=True)
        case AlsaSource():
            from asd_edge.listen.alsa_source import MicrophoneSource

            return MicrophoneSource(config, lost_after)


def is_live(config: Source) -> bool:
    """Whether the source can't wait, so that windows are dropped where scoring falls behind."""
    return not isinstance(config, WavSource) and (isinstance(config, AlsaSource) or config.live)


def _check_fifo(path: Path) -> None:
    try:
        is_fifo = stat.S_ISFIFO(path.stat().st_mode)
    except OSError as error:
        raise ListenError(f"{path}: isn't there ({error.strerror}); make it with mkfifo") from error
    if not is_fifo:
        raise ListenError(f"{path}: is no FIFO; make one with mkfifo, or use kind: wav")
