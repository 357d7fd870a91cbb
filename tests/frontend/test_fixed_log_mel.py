"""The fixed-point log-Mel against float64: error over the signal matrix and real clips, ranges at the extremes."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import FrontendError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_fft import power_spectrum
from asd_edge.frontend.fixed_log_mel import fixed_log_mel
from asd_edge.frontend.fixed_mel import log_decibels, mel_power
from asd_edge.frontend.fixed_point import multiply_high
from asd_edge.frontend.fixed_tables import mel_norms
from asd_edge.frontend.log_mel import hann_window, log_mel
from tests.frontend.signal_matrix import Row, rows

CONFIG = FrontendConfig()
RMS_BAR_DB = 0.005
MAX_BAR_DB = 0.03
MIMII = os.environ.get("ASD_EDGE_MIMII")
N_MIMII_CLIPS = 24  # every 16th or so; the benchmark checks all


def error_db(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    config = FrontendConfig(clip_samples=len(samples))
    return fixed_log_mel(samples, config) / 256.0 - log_mel(samples, config)


@pytest.mark.parametrize("row", tuple(rows()), ids=lambda row: row.name)
def test_error_stays_within_the_bars_in_every_row_of_the_matrix(row: Row) -> None:
    error = error_db(row.samples)
    assert float(np.sqrt(np.mean(error**2))) <= RMS_BAR_DB
    assert float(np.abs(error).max()) <= MAX_BAR_DB


@pytest.mark.skipif(MIMII is None, reason="ASD_EDGE_MIMII, the folder of the MIMII sample, isn't set")
def test_error_stays_within_the_bars_on_real_machines() -> None:
    paths = sorted(Path(MIMII or "").rglob("*.flac"))
    assert paths
    for path in paths[:: max(1, len(paths) // N_MIMII_CLIPS)]:
        error = error_db(read_clip(path))
        assert float(np.sqrt(np.mean(error**2))) <= RMS_BAR_DB, path.name
        assert float(np.abs(error).max()) <= MAX_BAR_DB, path.name


def test_silence_is_minus_80_db_exactly() -> None:
    assert (fixed_log_mel(np.zeros(CONFIG.clip_samples, np.int16), CONFIG) == -80 * 256).all()


def rail_frames() -> NDArray[np.int16]:
    """Frames at full scale whose products with one cosine or sine all add up, for bins that reach far."""
    bins = np.array([0, 1, 2, 3, 64, 127, 128, 170, 171, 255, 256, 257, 341, 342, 384, 448, 510, 511, 512])
    turns = bins[:, None] * np.arange(1024) / 1024
    signs = [np.cos(2 * np.pi * (turns + phase)) >= 0 for phase in (0.0, 0.125, 0.25, 0.5)]
    return np.where(np.concatenate(signs), 32767, -32768).astype(np.int16)


def test_rails_in_phase_with_any_bin_overflow_nothing_and_give_the_right_power() -> None:
    """check_int32 in the twin raises at the first value that 32 bits don't hold."""
    frames = np.concatenate((rail_frames(), np.full((1, 1024), -32768, np.int16), np.full((1, 1024), 32767, np.int16)))
    power = power_spectrum(frames)
    exact = np.abs(np.fft.rfft(frames / 32768.0 * hann_window(1024), axis=1)[:, 1:-1]) ** 2
    assert power.min() >= 0
    assert power.max() < 2**62
    np.testing.assert_allclose(power / 2.0**44, exact, rtol=1e-6, atol=1e-3)
    assert (mel_power(power) >= 0).all()


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_an_operand_that_32_bits_do_not_hold_raises(value: int) -> None:
    with pytest.raises(OverflowError):
        multiply_high(np.array([0, value], np.int64), 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["noise", "rails", "rail blocks", "quiet"]))
def test_random_frames_overflow_nothing_and_stay_within_the_bar(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    match kind:
        case "noise":
            frames = rng.integers(-32768, 32768, (4, 1024))
        case "rails":
            frames = np.where(rng.random((4, 1024)) < 0.5, -32768, 32767)
        case "rail blocks":
            frames = np.repeat(np.where(rng.random((4, 64)) < 0.5, -32768, 32767), 16, axis=1)
        case _:
            frames = rng.integers(-3, 4, (4, 1024))
    samples = np.pad(frames.astype(np.int16).reshape(-1), 512)
    assert np.abs(error_db(samples)).max() <= MAX_BAR_DB


@pytest.mark.parametrize(
    "value", [0, 1, 2**21, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33 + 12345, 2**61, 2**62 - 2**40]
)
def test_logarithm_is_right_at_the_edges_of_its_words(value: int) -> None:
    mel = np.full((1, 128), value, np.int64)
    exact = 10.0 * np.log10(value / 2.0**44 * mel_norms(CONFIG) + 1e-8)
    np.testing.assert_allclose(log_decibels(mel)[0] / 256.0, exact, rtol=0, atol=0.5 / 256 + 4e-5)


@pytest.mark.parametrize("clip_samples", [513, 514, 1023, 1024, 1025, 1535, 1536, 1537, 4096])
def test_clips_of_other_lengths_are_reflected_as_in_float(clip_samples: int) -> None:
    samples = np.random.default_rng(clip_samples).integers(-9000, 9000, clip_samples).astype(np.int16)
    assert np.abs(error_db(samples)).max() <= MAX_BAR_DB


@pytest.mark.parametrize(
    "config",
    [
        FrontendConfig(clip_samples=512),
        FrontendConfig(n_fft=2048),
        FrontendConfig(n_mels=64),
        FrontendConfig(f_max_hz=7600.0),
        FrontendConfig(log_offset=1e-6),
        FrontendConfig(sample_rate_hz=8000),
        FrontendConfig(hop_length=256),
    ],
)
def test_settings_that_the_integers_are_not_made_for_are_refused(config: FrontendConfig) -> None:
    with pytest.raises(FrontendError):
        fixed_log_mel(np.zeros(config.clip_samples, np.int16), config)
