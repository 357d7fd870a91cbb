"""The firmware's detector and decimator on streams: samples as they arrive -> scores as they are there."""

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ImageError
from asd_edge.native import load_library
from asd_edge.native_engine import HEADER, STATUS, aligned_room, arena_of, check_status

Q16 = 65536.0
_BOOL, _U32, _I64 = ctypes.c_bool, ctypes.c_uint32, ctypes.c_int64


@dataclass(frozen=True)
class Outcome:
    """Of one window. `score` None: it has none, and `reason` says why."""

    score: float | None
    reason: str = ""


class DetectorStream:
    """One image's detector of one machine. Not for two threads at once; ctypes lets others run while it computes."""

    def __init__(self, image: NDArray[np.uint8], class_index: int) -> None:
        """`image` as `aligned_bytes` gives it; it is kept, not copied, and several streams may share it.

        Raises ImageError for one that is refused or asks for too much memory.
        """
        self._library = load_library()
        self._image, self._arena = image, arena_of(int(image[: HEADER.itemsize].view(HEADER)[0]["arena_bytes"]))
        self._state = aligned_room(int(self._library.asd_host_stream_bytes()))
        self._taken, self._has_score, self._score = _U32(), _BOOL(), _I64()
        self._results = ctypes.byref(self._has_score), ctypes.byref(self._score)
        self._address = ctypes.c_void_p(self._state.ctypes.data)
        status = self._library.asd_host_stream_open(
            self._address,
            ctypes.c_void_p(self._image.ctypes.data),
            _U32(self._image.size),
            ctypes.c_void_p(self._arena.ctypes.data),
            _U32(self._arena.size),
            _U32(class_index),
        )
        check_status(status)

    def push(self, samples: NDArray[np.int16]) -> list[Outcome]:
        """(n,) int16 at 16 kHz, contiguous -> the outcomes of the windows that are done with them, oldest first."""
        outcomes, start = [], 0
        while start < samples.size:
            status = self._library.asd_host_stream_push(
                self._address,
                ctypes.c_void_p(samples.ctypes.data + 2 * start),
                _U32(samples.size - start),
                ctypes.byref(self._taken),
                *self._results,
            )
            start += self._taken.value
            if self._has_score.value:
                outcomes.append(self._outcome(status))
            elif self._taken.value == 0:
                raise ImageError(f"the detector takes no samples: status {status}; compile the image again")
        return outcomes

    def finish(self) -> list[Outcome]:
        """No sample follows without a gap: the outcomes that are still under way. `restart` before the next push."""
        outcomes: list[Outcome] = []
        while True:
            status = self._library.asd_host_stream_finish(self._address, *self._results)
            if not self._has_score.value:
                return outcomes
            outcomes.append(self._outcome(status))

    def restart(self) -> None:
        """What comes next is the beginning of a stream."""
        check_status(self._library.asd_host_stream_restart(self._address))

    def _outcome(self, status: int) -> Outcome:
        if status != 0:
            return Outcome(None, STATUS.get(status, f"status {status}"))
        return Outcome(self._score.value / Q16)


class Decimator:
    """48 kHz -> 16 kHz by the firmware's filter. What it still holds of the end is lost with it."""

    def __init__(self) -> None:
        self._library = load_library()
        self._state = aligned_room(int(self._library.asd_host_decimator_bytes()))
        self._address = ctypes.c_void_p(self._state.ctypes.data)
        self._library.asd_host_decimator_open(self._address)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """(n,) int16 -> those that they complete, about n / 3."""
        decimated = np.empty(samples.size // 3 + 1, np.int16)
        n_made = self._library.asd_host_decimator_push(
            self._address,
            ctypes.c_void_p(samples.ctypes.data),
            _U32(samples.size),
            ctypes.c_void_p(decimated.ctypes.data),
        )
        return decimated[: int(n_made)]
