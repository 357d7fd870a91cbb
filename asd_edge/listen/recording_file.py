"""One recording on disk: 16 kHz mono FLAC, whole or not there, in a folder that stays within its quota."""

import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asd_edge.errors import ListenError
from asd_edge.listen.config import RATE_HZ

PART = ".flac.part"
_NAME = re.compile(r"\d{8}T\d{6}Z_[A-Za-z0-9._-]+_[A-Za-z0-9._-]+\.flac")


class RecordingFile:
    """For one thread. After a ListenError it is gone."""

    def __init__(self, path: Path, comment: str, quota_bytes: int) -> None:
        """Raises ListenError where the disk doesn't take it."""
        self._path, self._quota_bytes, self._n_samples = path, quota_bytes, 0
        self._part = path.with_name(path.stem + PART)
        self._is_full = False
        try:
            os.close(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            self._file = soundfile.SoundFile(self._part, "w", RATE_HZ, 1, "PCM_16", format="FLAC")
            self._file.comment = comment
        except (OSError, soundfile.LibsndfileError) as error:
            raise self._given_up(error) from error

    def write(self, samples: NDArray[np.int16]) -> None:
        """(n,) int16. Once nothing more fits the quota, the rest is left out."""
        if self._is_full:
            return
        try:
            self._make_room(samples.nbytes)
            if not self._is_full:
                self._file.write(samples)
                self._n_samples += samples.size
        except (OSError, soundfile.LibsndfileError) as error:
            raise self._given_up(error) from error

    def finish(self) -> None:
        """Give the file its name."""
        try:
            self._file.close()
            if soundfile.info(self._part).frames != self._n_samples:
                raise OSError(None, "not all of it was taken")
            with self._part.open("rb") as written:
                os.fsync(written.fileno())
            self._part.replace(self._path)
        except (OSError, soundfile.LibsndfileError) as error:
            raise self._given_up(error) from error

    def _make_room(self, n_bytes: int) -> None:
        others = recordings_in(self._path.parent)
        sizes = {path: path.stat().st_size for path in others}
        needed = n_bytes + sum(path.stat().st_size for path in self._path.parent.glob(f"*{PART}"))
        for path in others:
            if needed + sum(sizes.values()) <= self._quota_bytes:
                return
            path.unlink(missing_ok=True)
            del sizes[path]
        self._is_full = needed > self._quota_bytes

    def _given_up(self, error: Exception) -> ListenError:
        with suppress(AttributeError, OSError, soundfile.LibsndfileError):
            self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
        words = getattr(error, "strerror", None) or "the disk takes no more"
        return ListenError(f"{self._path.parent}: a recording was lost ({words}); free space there")


def recordings_in(folder: Path) -> list[Path]:
    """The finished ones, oldest first."""
    return sorted(path for path in folder.glob("*.flac") if _NAME.fullmatch(path.name))
