"""The polyphase resampler: what passes, what is stopped, against closed-form tones and scipy."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.clip.read_clip import round_to_int16
from asd_edge.clip.resample import input_length_for, resample, resampled_length

RATE_OUT_HZ = 16_000
RATES_IN_HZ = (44_100, 48_000, 22_050, 8_000, 96_000, 11_025, 47_999)
DURATION_S = 0.2


def tone(frequency_hz: float, rate_hz: int, n_samples: int) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * frequency_hz * np.arange(n_samples) / rate_hz + 0.3)


def resampled_tone(frequency_hz: float, rate_in_hz: int) -> NDArray[np.float64]:
    """The middle of the resampled tone, without the edges that the silence around the clip disturbs."""
    samples = tone(frequency_hz, rate_in_hz, int(DURATION_S * rate_in_hz))
    return resample(samples, rate_in_hz, RATE_OUT_HZ, int(DURATION_S * RATE_OUT_HZ))[400:-400]


def rms_db(samples: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-30))


@pytest.mark.parametrize("rate_in_hz", RATES_IN_HZ)
@pytest.mark.parametrize("of_nyquist", [0.01, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9])
def test_tone_in_the_pass_band_keeps_its_level_and_phase_and_gains_no_image(rate_in_hz: int, of_nyquist: float) -> None:
    frequency_hz = of_nyquist * min(rate_in_hz, RATE_OUT_HZ) / 2  # 0.9 is 7200 Hz where the lower rate is 16 kHz
    n_out = int(DURATION_S * RATE_OUT_HZ)
    expected = tone(frequency_hz, RATE_OUT_HZ, n_out)[400:-400]
    resampled = resampled_tone(frequency_hz, rate_in_hz)
    gain = float(resampled @ expected / (expected @ expected))
    assert abs(20 * np.log10(gain)) < 0.0015
    assert rms_db(resampled - gain * expected) - rms_db(expected) < -85


@pytest.mark.parametrize("rate_in_hz", [rate for rate in RATES_IN_HZ if rate > RATE_OUT_HZ])
@pytest.mark.parametrize("of_band", [0.0, 0.02, 0.1, 0.4, 0.8, 0.99])
def test_tone_above_the_new_nyquist_frequency_is_stopped(rate_in_hz: int, of_band: float) -> None:
    frequency_hz = RATE_OUT_HZ / 2 + of_band * (rate_in_hz - RATE_OUT_HZ) / 2
    level_in_db = rms_db(tone(frequency_hz, rate_in_hz, rate_in_hz // 2))
    assert rms_db(resampled_tone(frequency_hz, rate_in_hz)) - level_in_db < -78


@pytest.mark.parametrize("rate_in_hz", RATES_IN_HZ)
def test_constant_stays_constant_away_from_the_edges(rate_in_hz: int) -> None:
    resampled = resample(np.full(rate_in_hz // 2, 1234.0), rate_in_hz, RATE_OUT_HZ, RATE_OUT_HZ // 2)
    np.testing.assert_allclose(resampled[400:-400], 1234.0, atol=1e-9)


@pytest.mark.parametrize("rate_in_hz", [44_100, 48_000, 22_050, 8_000])
def test_band_limited_noise_agrees_with_scipy_resample_poly(rate_in_hz: int) -> None:
    rng = np.random.default_rng(7)
    low_pass = scipy.signal.firwin(401, 0.6 * min(rate_in_hz, RATE_OUT_HZ) / 2, fs=rate_in_hz, window=("kaiser", 12.0))
    noise = scipy.signal.lfilter(low_pass, 1.0, rng.standard_normal(rate_in_hz // 2))
    divisor = np.gcd(rate_in_hz, RATE_OUT_HZ)
    expected = scipy.signal.resample_poly(noise, RATE_OUT_HZ // divisor, rate_in_hz // divisor, window=("kaiser", 8.0))
    resampled = resample(noise, rate_in_hz, RATE_OUT_HZ, len(expected))
    inside = slice(400, -400)
    assert rms_db((resampled - expected)[inside]) - rms_db(expected[inside]) < -60


@pytest.mark.parametrize("rate_in_hz", [44_100, 48_000, 8_000])
def test_input_beyond_what_the_output_depends_on_changes_nothing(rate_in_hz: int) -> None:
    samples = np.random.default_rng(3).standard_normal(rate_in_hz)
    n_out = 5_000
    n_in = input_length_for(n_out, rate_in_hz, RATE_OUT_HZ)
    assert n_in < len(samples)
    whole = resample(samples, rate_in_hz, RATE_OUT_HZ, n_out)
    np.testing.assert_allclose(resample(samples[:n_in], rate_in_hz, RATE_OUT_HZ, n_out), whole, atol=1e-12)
    shorter = resample(samples[: n_in - rate_in_hz // 100], rate_in_hz, RATE_OUT_HZ, n_out - 150)
    np.testing.assert_allclose(shorter[:4_000], whole[:4_000], atol=1e-12)
    assert not np.allclose(shorter, whole[: n_out - 150], atol=1e-9)


def test_equal_rates_copy() -> None:
    samples = np.arange(10.0)
    resampled = resample(samples, 16_000, 16_000, 7)
    np.testing.assert_array_equal(resampled, samples[:7])
    assert not np.shares_memory(resampled, samples)


@pytest.mark.parametrize(
    ("n_samples", "rate_in_hz", "expected"),
    [
        (441_000, 44_100, 160_000),
        (440_998, 44_100, 160_000),
        (440_997, 44_100, 159_999),
        (1, 48_000, 1),
        (5, 8_000, 10),
    ],
)
def test_resampled_length_counts_the_outputs_within_the_input(n_samples: int, rate_in_hz: int, expected: int) -> None:
    assert resampled_length(n_samples, rate_in_hz, RATE_OUT_HZ) == expected


def test_more_samples_than_the_input_gives_are_refused() -> None:
    with pytest.raises(ValueError, match="161 samples asked of 480"):
        resample(np.zeros(480), 48_000, RATE_OUT_HZ, 161)


@settings(max_examples=50, deadline=None)
@given(
    rate_in_hz=st.integers(1_000, 100_000),
    rate_out_hz=st.integers(1_000, 50_000),
    n_samples=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_pair_of_rates_equals_the_direct_sum(rate_in_hz: int, rate_out_hz: int, n_samples: int, seed: int) -> None:
    """The formula of the docstring, written out per output sample with rational arithmetic for its time."""
    samples = np.random.default_rng(seed).uniform(-32768, 32767, n_samples)
    n_out = min(resampled_length(n_samples, rate_in_hz, rate_out_hz), 20)
    resampled = resample(samples, rate_in_hz, rate_out_hz, n_out)
    if rate_in_hz == rate_out_hz:
        np.testing.assert_array_equal(resampled, samples[:n_out])
        return
    ratio = min(1.0, rate_out_hz / rate_in_hz)
    half_width = int(np.ceil((80 - 7.95) / (14.36 * 0.05 * ratio) / 2))
    for output_index in range(n_out):
        nearest, remainder = divmod(output_index * rate_in_hz, rate_out_hz)
        inputs = nearest + np.arange(-half_width, half_width + 1)
        time = remainder / rate_out_hz - (inputs - nearest)
        taps = np.sinc(0.95 * ratio * time) * np.where(
            np.abs(time) <= half_width, np.i0(0.1102 * 71.3 * np.sqrt(np.maximum(0, 1 - (time / half_width) ** 2))), 0
        )
        inside = (inputs >= 0) & (inputs < n_samples)
        direct = taps[inside] @ samples[inputs[inside]] / taps.sum()
        np.testing.assert_allclose(resampled[output_index], direct, atol=1e-7)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.integers(-70_000, 70_000).map(lambda n: n / 2), min_size=1, max_size=20))
def test_rounding_is_half_to_even_and_saturates(values: list[float]) -> None:
    expected = [max(-32768, min(32767, round(value))) for value in values]
    rounded = round_to_int16(np.array(values))
    assert rounded.dtype == np.int16
    assert rounded.tolist() == expected
