"""One clip -> the integers that the network and the comparison need: by the C library, or by the NumPy twin.

Both give the same bits (tests); the C takes a hundredth of the time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_fir import FixedFir, fixed_fir
from asd_edge.frontend.fixed_log_mel import fixed_log_mel
from asd_edge.frontend.fixed_point import IntArray
from asd_edge.frontend.fixed_quantize import CodeScale, code_scale, quantize_codes
from asd_edge.frontend.fixed_tables import DB_UNIT, check_fixed_config
from asd_edge.native import NativeCodeScale, NativeFir, run_frontend

DB_SCALE = code_scale(1.0 / DB_UNIT, 0.5, 0)  # codes of half a dB, for who wants the log-Mel alone


@dataclass(frozen=True)
class FixedInputs:
    """How the two inputs of the graph are quantized; without a FIR there is only the log-Mel."""

    log_mel_scale: CodeScale  # of 1/256 dB
    fir_scale: CodeScale | None  # of the FIR's sums
    fir: FixedFir | None


@dataclass(frozen=True)
class FixedFeatures:
    """A clip's features."""

    log_mel: NDArray[np.int16]  # (n_frames, 128) 1/256 dB
    log_mel_codes: NDArray[np.int8]  # (n_frames, 128)
    fir: IntArray | None  # (n_frames,) in steps of FixedFir.unit
    fir_codes: NDArray[np.int8] | None  # (n_frames,)


def fixed_features(samples: NDArray[np.int16], config: FrontendConfig, inputs: FixedInputs) -> FixedFeatures:
    """By the C library. Raises FrontendError for other settings and where the library isn't built."""
    check_fixed_config(config)
    log_mel_scale = native_scale(inputs.log_mel_scale)
    if inputs.fir is None or inputs.fir_scale is None:
        frames = run_frontend(samples, log_mel_scale, log_mel_scale, None)
        return FixedFeatures(frames.log_mel, frames.log_mel_codes, None, None)
    fir = NativeFir(inputs.fir.high, inputs.fir.low, inputs.fir.bias)
    frames = run_frontend(samples, log_mel_scale, native_scale(inputs.fir_scale), fir)
    return FixedFeatures(frames.log_mel, frames.log_mel_codes, frames.fir, frames.fir_codes)


def fixed_features_numpy(samples: NDArray[np.int16], config: FrontendConfig, inputs: FixedInputs) -> FixedFeatures:
    """By the NumPy twin. Raises FrontendError for other settings."""
    log_mel = fixed_log_mel(samples, config)
    codes = quantize_codes(log_mel.astype(np.int64), inputs.log_mel_scale)
    if inputs.fir is None or inputs.fir_scale is None:
        return FixedFeatures(log_mel, codes, None, None)
    sums = fixed_fir(samples, inputs.fir, config)
    return FixedFeatures(log_mel, codes, sums, quantize_codes(sums, inputs.fir_scale))


def native_scale(scale: CodeScale) -> NativeCodeScale:
    """The same scale as the C library takes it."""
    return NativeCodeScale(scale.limit, scale.multiplier, scale.shift, scale.zero_point, scale.pre_shift)
