"""A microphone by sounddevice (PortAudio on ALSA), read without a callback: that would need memory that is written and
run, which the sandboxed service isn't given."""

import threading
import time
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ListenError
from asd_edge.listen.config import AlsaSource
from asd_edge.listen.sources import SourceLostError

BUFFER_SECONDS = 0.5  # that PortAudio is asked to hold while this thread waits for its turn
_PAUSE_SECONDS = 0.02  # between two looks for samples
_OPENING = threading.Lock()
_open_streams: set[int] = set()  # of this process, by id


class MicrophoneSource:
    """See AlsaSource. A microphone that is unplugged gives no more samples, or an error: either is SourceLostError."""

    def __init__(self, config: AlsaSource, lost_after: float) -> None:
        """Raises ListenError without sounddevice or PortAudio."""
        self._sounddevice = _import_sounddevice()
        self._config, self._lost_after = config, lost_after
        self.rate_hz: int = config.rate_hz
        self._stream: Any = None
        self._last = 0.0

    def open(self) -> None:
        self.close()
        self._last = time.monotonic()
        sounddevice = self._sounddevice
        with _OPENING:
            try:
                if not _open_streams:  # PortAudio lists devices when it starts: again, to see one plugged in since
                    sounddevice._terminate()
                    sounddevice._initialize()
                self._stream = sounddevice.RawInputStream(
                    samplerate=self.rate_hz,
                    device=self._config.device,
                    channels=self._config.channels,
                    dtype="int16",
                    latency=BUFFER_SECONDS,
                )
                _open_streams.add(id(self))
                self._stream.start()
            except (sounddevice.PortAudioError, ValueError) as error:  # ValueError: no device of that name
                raise SourceLostError(f"can't be opened ({' '.join(str(error).split())})") from error

    def read(self, seconds: float) -> NDArray[np.int16] | None:
        deadline = time.monotonic() + seconds
        try:
            while (n_frames := self._stream.read_available) == 0:
                now = time.monotonic()
                if now - self._last > self._lost_after:
                    raise SourceLostError("it gives no samples: unplugged?")
                if now >= deadline:
                    return None
                time.sleep(_PAUSE_SECONDS)
            data, has_overflowed = self._stream.read(n_frames)
        except self._sounddevice.PortAudioError as error:
            raise SourceLostError(f"can't be read ({' '.join(str(error).split())})") from error
        if has_overflowed:
            raise SourceLostError("the driver lost samples")
        self._last = time.monotonic()
        frames = np.frombuffer(data, np.int16).reshape(-1, self._config.channels)
        return np.ascontiguousarray(frames[:, self._config.channel])

    def close(self) -> None:
        with _OPENING:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close(ignore_errors=True)
            _open_streams.discard(id(self))


def _import_sounddevice() -> ModuleType:
    try:
        import sounddevice  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:  # OSError: no PortAudio library
        raise ListenError(
            f"a microphone needs sounddevice and PortAudio ({error}): pip install 'asd-edge[listen]', "
            "on Debian apt install libportaudio2"
        ) from error
    return sounddevice  # type: ignore[no-any-return]
