"""The functions from IEEE-exact operations: how far they are from the true ones, and what their filters do."""

import math

import numpy as np
import pytest
import scipy.signal
from numpy.random import PCG64, Generator

from asd_edge.clip.synthesize.config import N_SAMPLES, SAMPLE_RATE_HZ
from asd_edge.clip.synthesize.exact_math import (
    amplitude_of_db,
    cos_turn,
    cos_turns,
    decay_curve,
    exponential,
    root_mean_square,
)
from asd_edge.clip.synthesize.noise import bell, lowpass, resonate, uniforms, wander, white_noise


def rng(seed: int = 5) -> Generator:
    return Generator(PCG64(seed))


@pytest.mark.parametrize("largest", [0.5, 10.0, 1e5])
def test_cosine_is_within_1e_11_at_any_phase(largest: float) -> None:
    phase = np.concatenate([np.random.default_rng(1).uniform(-largest, largest, 100_000), np.arange(-16, 17) / 8])
    expected = np.cos(2 * np.pi * (phase - np.round(phase)))  # the reduction is exact
    assert np.abs(cos_turns(phase) - expected).max() < 1e-11


def test_cosine_of_one_phase_equals_that_of_an_array() -> None:
    assert cos_turn(0.1234) == cos_turns(np.array([0.1234, 7.0]))[0]


@pytest.mark.parametrize("largest", [1.0, 20.0, 200.0, 700.0])
def test_exponential_is_as_exact_as_it_says(largest: float) -> None:
    for exponent in np.random.default_rng(2).uniform(-largest, largest, 2_000).tolist():
        error = abs(exponential(exponent) / math.exp(exponent) - 1)
        assert error < 1e-15 + 1.5e-16 * abs(exponent)


def test_amplitude_of_db_is_10_to_the_20th_part() -> None:
    assert amplitude_of_db(0.0) == 1.0
    for level_db in (-60.0, -6.0, 3.0, 20.0, 40.0):
        assert amplitude_of_db(level_db) == pytest.approx(10 ** (level_db / 20), rel=1e-14)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 1000, 1024, 4800])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.999])
def test_decay_curve_is_the_powers_of_its_ratio(n_samples: int, ratio: float) -> None:
    np.testing.assert_allclose(decay_curve(n_samples, ratio), ratio ** np.arange(n_samples), rtol=1e-12, atol=1e-300)


def test_root_mean_square_is_the_effective_value() -> None:
    signal = np.random.default_rng(3).standard_normal(N_SAMPLES)
    assert root_mean_square(signal) == pytest.approx(np.sqrt(np.mean(signal**2)), rel=1e-13)


def test_uniforms_fill_the_interval_with_53_bits() -> None:
    numbers = uniforms(rng(), 100_000)
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    assert abs(numbers.mean() - 0.5) < 0.005
    np.testing.assert_array_equal(numbers * 2.0**53, np.floor(numbers * 2.0**53))
    assert (np.floor(numbers * 2.0**53) % 2 == 1).any()


def test_bell_has_mean_0_deviation_1_and_ends_at_3() -> None:
    generator = rng()
    numbers = np.array([bell(generator) for _ in range(20_000)])
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1.0) < 0.03
    assert np.abs(numbers).max() <= 3.0


def test_white_noise_has_effective_value_1_and_no_colour() -> None:
    noise = white_noise(rng())
    assert abs(np.sqrt(np.mean(noise**2)) - 1.0) < 0.01
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.01


def test_wander_is_smooth_and_stays_within_1() -> None:
    curve = wander(rng(), 5)
    assert curve.shape == (N_SAMPLES,)
    assert np.abs(curve).max() <= 1.0
    assert np.abs(np.diff(curve)).max() < 2.0 * 1.5 / (N_SAMPLES // 5)  # a smoothstep's steepest slope is 1.5
    assert curve.std() > 0.2


@pytest.mark.parametrize("corner_hz", [40.0, 900.0, 2500.0])
def test_lowpass_equals_the_recursion(corner_hz: float) -> None:
    noise = white_noise(rng(), 20_000)
    pole = math.exp(-2 * math.pi * corner_hz / SAMPLE_RATE_HZ)
    expected = scipy.signal.lfilter([1 - pole], [1, -pole], noise)
    assert np.abs(lowpass(noise, corner_hz) - expected).max() < 3e-3 * np.abs(expected).max()


@pytest.mark.parametrize(("frequency_hz", "bandwidth_hz"), [(140.0, 25.0), (1650.0, 40.0), (6000.0, 300.0)])
def test_resonance_equals_the_recursion_and_has_gain_1_at_its_peak(frequency_hz: float, bandwidth_hz: float) -> None:
    radius = math.exp(-math.pi * bandwidth_hz / SAMPLE_RATE_HZ)
    angle = 2 * math.pi * frequency_hz / SAMPLE_RATE_HZ
    denominator = [1, -2 * radius * math.cos(angle), radius**2]
    _, (response,) = scipy.signal.freqz([1], denominator, [angle])
    noise = white_noise(rng(), 20_000)
    expected = scipy.signal.lfilter([1 / abs(response)], denominator, noise)
    assert np.abs(resonate(noise, frequency_hz, bandwidth_hz) - expected).max() < 0.01 * np.abs(expected).max()
