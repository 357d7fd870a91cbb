"""Every constant of the fixed-point front end, one formula each; `emit_c_tables` prints the C tables from them.

Formulas, ranges and shifts: firmware/frontend/DESIGN.md.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import FrontendError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import hann_window
from asd_edge.frontend.mel import mel_edges_hz

N_FFT = 1024
N_COMPLEX = N_FFT // 2  # points of the complex FFT: even samples are its real part, odd ones its imaginary part
N_MELS = 128
RADIX4_SPANS = (8, 32, 128)  # the first pass makes spans of 8, each radix-4 pass joins four

WINDOW_BITS = 29  # a Q15 sample times a Q29 window, less 16 bits, is Q28: an eighth of Q31, as eight are added
TWIDDLE_BITS = 30  # a multiply-high by Q30 also divides by 4, as four are added
POWER_BITS = 44  # a power of 1.0 is 2^44: amplitudes are 2^31 / 512 per unit
WEIGHT_BITS = 32
LOG_SEGMENT_BITS = 7
DB_UNIT = 256  # per dB
LOG_BITS = 15  # finer than 1/256 dB by so many bits until the last rounding
INV_SQRT2_Q31 = 1518500250

# Butterfly r = r0 + 4 r1 + 16 r2 of the first pass stands at 16 r0 + 4 r1 + r2, where the radix-4 passes expect it.
DIGIT_REVERSED = np.arange(64).reshape(4, 4, 4).transpose(2, 1, 0).reshape(-1)

_TIE_MARGIN = 1e-5  # of a step: far more than the sines and logarithms of two platforms differ


@dataclass(frozen=True)
class FixedTables:
    """The constants as integers; int64 here, the width that the formats need in C."""

    window: NDArray[np.int64]  # (64, 8, 2) Q29: butterfly r, input j, samples 2 * (r + 64 * j) and the next
    twiddles: tuple[NDArray[np.int64], ...]  # per pass (span, 3, 2) Q30: cos, sin of 2 pi q k / (4 span), q = 1..3
    split: NDArray[np.int64]  # (255, 2) Q31: cos, sin of 2 pi k / 1024, k = 1..255
    mel_starts: NDArray[np.int64]  # (130,) first bin at or above each mel edge, but 1 and 512 at the ends
    mel_weights: NDArray[np.int64]  # (511,) Q32, bins 1..511: the way from its segment's lower to its upper edge
    log_offsets: NDArray[np.int64]  # (128,) log_offset / norm in units of 2^-44
    band_levels: NDArray[np.int64]  # (128,) 10 log10(norm * 2^-44) and one half to round; 1/256 dB, 15 bits finer
    log_curve: NDArray[np.int64]  # (129,) 10 log10(1 + i / 128), likewise
    octave: int  # 10 log10(2), likewise


@cache
def fixed_tables() -> FixedTables:
    """The tables of the reference settings."""
    config = FrontendConfig()
    norms = mel_norms(config)
    units_per_db = DB_UNIT * 2.0**LOG_BITS
    curve = 10.0 * np.log10(1.0 + np.arange(2**LOG_SEGMENT_BITS + 1) / 2**LOG_SEGMENT_BITS)
    return FixedTables(
        window=rounded_away_from_ties(_window_by_butterfly() * 2.0**WINDOW_BITS),
        twiddles=tuple(rounded_away_from_ties(_twiddles(span) * 2.0**TWIDDLE_BITS) for span in RADIX4_SPANS),
        split=rounded_away_from_ties(_cos_sin(np.arange(1, N_COMPLEX // 2) / N_FFT) * 2.0**31),
        mel_starts=mel_starts(config),
        mel_weights=rounded_away_from_ties(mel_weights(config) * 2.0**WEIGHT_BITS),
        log_offsets=rounded_away_from_ties(config.log_offset / norms * 2.0**POWER_BITS),
        band_levels=rounded_away_from_ties((10.0 * np.log10(norms) - 10.0 * np.log10(2.0) * POWER_BITS) * units_per_db)
        + (1 << (LOG_BITS - 1)),
        log_curve=rounded_away_from_ties(curve * units_per_db),
        octave=int(rounded_away_from_ties(10.0 * np.log10(np.array([2.0])) * units_per_db)[0]),
    )


def is_fixed_config(config: FrontendConfig) -> bool:
    """Whether the fixed-point front end is made for these settings: the reference's, with a clip of any length."""
    return config == FrontendConfig(clip_samples=config.clip_samples)


def check_fixed_config(config: FrontendConfig) -> None:
    """Raise FrontendError unless only the clip's length differs from the reference settings and it can be reflected."""
    if not is_fixed_config(config):
        raise FrontendError(
            "the fixed-point front end is made for 16 kHz, 1024-point frames every 512 samples and 128 bands from 0 to "
            "8000 Hz; use --frontend float with other settings"
        )
    if config.clip_samples <= N_FFT // 2:
        raise FrontendError(
            f"a clip of {config.clip_samples} samples can't be reflected at its ends; give at least {N_FFT // 2 + 1}"
        )


def mel_starts(config: FrontendConfig) -> NDArray[np.int64]:
    """(n_mels + 2,) the first bin of each segment between two mel edges. The outer edges lie on bins of weight 0."""
    starts = np.searchsorted(_bins_hz(), mel_edges_hz(config)[1:-1], side="left")
    return np.concatenate(([1], starts, [N_COMPLEX])).astype(np.int64)


def mel_weights(config: FrontendConfig) -> NDArray[np.float64]:
    """(511,) in [0, 1): the rising slope at bins 1..511; one minus it is the falling slope of the band before."""
    edges_hz, starts = mel_edges_hz(config), mel_starts(config)
    segment = np.searchsorted(starts, np.arange(1, N_COMPLEX), side="right") - 1
    lower, upper = edges_hz[segment], edges_hz[segment + 1]
    return np.asarray((_bins_hz()[1:-1] - lower) / (upper - lower), np.float64)


def mel_norms(config: FrontendConfig) -> NDArray[np.float64]:
    """(n_mels,) Slaney's area normalization 2 / (upper - lower) per Hz, which the logarithm adds."""
    edges_hz = mel_edges_hz(config)
    return np.asarray(2.0 / (edges_hz[2:] - edges_hz[:-2]), np.float64)


def _bins_hz() -> NDArray[np.float64]:
    return np.asarray(np.arange(N_COMPLEX + 1) * (FrontendConfig().sample_rate_hz / N_FFT), np.float64)


def _window_by_butterfly() -> NDArray[np.float64]:
    return hann_window(N_FFT).reshape(8, 64, 2).transpose(1, 0, 2)


def _twiddles(span: int) -> NDArray[np.float64]:
    return _cos_sin(np.arange(span)[:, None] * np.arange(1, 4) / (4.0 * span))


def _cos_sin(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack((np.cos(2.0 * np.pi * turns), np.sin(2.0 * np.pi * turns)), axis=-1)


def rounded_away_from_ties(exact: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rounded; ArithmeticError where another platform's last bit could round a coefficient the other way."""
    if (np.abs(exact - np.floor(exact) - 0.5) < _TIE_MARGIN).any():
        raise ArithmeticError("a coefficient of the front end lies on a rounding tie; choose other bits for its table")
    return np.rint(exact).astype(np.int64)
