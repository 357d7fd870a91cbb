"""The firmware's C library on this machine, by ctypes: whole clips through the very code that a board runs."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import FrontendError

LIBRARY = Path(__file__).with_name("libasd_host.so")
N_MELS = 128


@dataclass(frozen=True)
class NativeFrames:
    """What the C front end made of a clip."""

    log_mel: NDArray[np.int16]  # (n_frames, 128) 1/256 dB
    log_mel_codes: NDArray[np.int8]  # (n_frames, 128)
    fir: NDArray[np.int64]  # (n_frames,) sums; 0 without a FIR
    fir_codes: NDArray[np.int8]  # (n_frames,)


@dataclass(frozen=True)
class NativeCodeScale:
    """asd_code_scale: how an integer becomes an int8 code."""

    limit: int
    multiplier: int
    shift: int
    zero_point: int
    pre_shift: int


@dataclass(frozen=True)
class NativeFir:
    """asd_fir_taps."""

    high: NDArray[np.int16]  # (1024,)
    low: NDArray[np.int16]  # (1024,)
    bias: int


class _CodeScale(ctypes.Structure):
    _fields_ = (
        ("limit", ctypes.c_int64),
        ("multiplier", ctypes.c_int32),
        ("shift", ctypes.c_int32),
        ("zero_point", ctypes.c_int32),
        ("pre_shift", ctypes.c_int32),
    )


class _Fir(ctypes.Structure):
    _fields_ = (("high", ctypes.c_void_p), ("low", ctypes.c_void_p), ("bias", ctypes.c_int64))


class _Params(ctypes.Structure):
    _fields_ = (("log_mel_scale", _CodeScale), ("fir_scale", _CodeScale), ("fir", ctypes.POINTER(_Fir)))


class _Frames(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("log_mel", "log_mel_codes", "fir", "fir_codes"))


def run_frontend(
    samples: NDArray[np.int16],
    log_mel_scale: NativeCodeScale,
    fir_scale: NativeCodeScale,
    fir: NativeFir | None,
    chunk_length: int = 0,
) -> NativeFrames:
    """(clip_samples,) int16, pushed in chunks of chunk_length (0: at once), through asd_frontend_push and _finish.

    Raises FrontendError when the library isn't built or the clip has 512 samples or fewer.
    """
    contiguous = np.ascontiguousarray(samples, np.int16)
    n_frames = 1 + contiguous.size // 512
    frames = NativeFrames(
        np.empty((n_frames, N_MELS), np.int16),
        np.empty((n_frames, N_MELS), np.int8),
        np.empty(n_frames, np.int64),
        np.empty(n_frames, np.int8),
    )
    params = _Params(_c_scale(log_mel_scale), _c_scale(fir_scale), None)
    if fir is not None:
        high, low = np.ascontiguousarray(fir.high, np.int16), np.ascontiguousarray(fir.low, np.int16)
        params.fir = ctypes.pointer(_Fir(high.ctypes.data, low.ctypes.data, fir.bias))
    arrays = (frames.log_mel, frames.log_mel_codes, frames.fir, frames.fir_codes)
    pointers = _Frames(*(array.ctypes.data for array in arrays))
    n_made = _host_frontend()(
        ctypes.byref(params), contiguous.ctypes.data, contiguous.size, chunk_length, ctypes.byref(pointers)
    )
    if n_made != n_frames:
        raise FrontendError(f"a clip of {contiguous.size} samples can't be reflected at its ends; give at least 513")
    return frames


def run_conditioning(
    data: bytes, n_samples: int, pcm_format: int, gain: int, offset: int, offset_shift: int, chunk_length: int = 0
) -> tuple[NDArray[np.int16], int]:
    """asd_condition_pcm over a recording (chunk_length 0: at once): (n_samples,) int16, and how many were saturated.

    Raises FrontendError when a setting is out of its range.
    """
    octets = np.frombuffer(data, np.uint8)
    conditioned = np.empty(n_samples, np.int16)
    n_saturated = ctypes.c_uint32()
    status = load_library().asd_host_condition(
        ctypes.c_int32(pcm_format),
        ctypes.c_int32(gain),
        ctypes.c_int32(offset),
        ctypes.c_uint32(offset_shift),
        ctypes.c_void_p(octets.ctypes.data),
        ctypes.c_uint32(n_samples),
        ctypes.c_uint32(chunk_length),
        ctypes.c_void_p(conditioned.ctypes.data),
        ctypes.byref(n_saturated),
    )
    if status != 0:
        raise FrontendError(
            f"microphone settings out of range: format {pcm_format}, gain {gain}, offset_shift {offset_shift}; "
            "formats are 0 to 3, a gain is 0 to 2^30 - 1, a shift at most 24"
        )
    return conditioned, n_saturated.value


def run_decimator(samples: NDArray[np.int16], chunk_length: int = 0) -> tuple[NDArray[np.int16], int]:
    """asd_decimate_s16 over a recording at 48 kHz (chunk_length 0: at once): (n // 3,) int16, how many saturated."""
    contiguous = np.ascontiguousarray(samples, np.int16)
    decimated = np.empty(contiguous.size // 3, np.int16)
    n_saturated = load_library().asd_host_decimate(
        ctypes.c_void_p(contiguous.ctypes.data),
        ctypes.c_uint32(contiguous.size),
        ctypes.c_uint32(chunk_length),
        ctypes.c_void_p(decimated.ctypes.data),
    )
    return decimated, int(n_saturated)


def frontend_ram_bytes() -> int:
    """State and scratch of asd_frontend together."""
    return int(load_library().asd_host_frontend_ram_bytes())


def is_built() -> bool:
    """Whether the C library was built with this installation."""
    return LIBRARY.exists()


def _c_scale(scale: NativeCodeScale) -> _CodeScale:
    return _CodeScale(scale.limit, scale.multiplier, scale.shift, scale.zero_point, scale.pre_shift)


@cache
def _host_frontend() -> Callable[..., int]:
    function = load_library().asd_host_frontend
    function.restype = ctypes.c_int32
    function.argtypes = (
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
    )
    return function


@cache
def load_library() -> ctypes.CDLL:
    """libasd_host.so. Raises FrontendError where it wasn't built or can't be loaded."""
    try:
        return ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        reason = f"can't be loaded ({error})" if LIBRARY.exists() else "wasn't built: no C compiler, or a failed build"
        raise FrontendError(
            f"{LIBRARY.name} {reason}; with gcc there, install asd-edge again (pip install -v shows the build), "
            "or use --frontend float"
        ) from error
