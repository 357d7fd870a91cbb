"""The integer FIR against float64 within its bar, and the int8 codes of both inputs against `quantize_input`."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.errors import FrontendError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_fir import fixed_fir, quantize_fir
from asd_edge.frontend.fixed_quantize import code_scale, quantize_codes
from asd_edge.frontend.quantize_input import quantize_input
from asd_edge.frontend.wavegram_fir import FirTaps, wavegram_fir
from tests.frontend.signal_matrix import Row, rows

CONFIG = FrontendConfig()
RNG = np.random.default_rng(3)
BELL = np.exp(-(((np.arange(1024) - 512) / 90.0) ** 2))
FILTERS = {
    "as initialised": FirTaps(RNG.uniform(-1 / 32, 1 / 32, 1024), 0.013),
    "band-pass": FirTaps(BELL * np.cos(np.arange(1024) * 0.4), -0.2),
    "one large tap among small ones": FirTaps(np.where(np.arange(1024) == 700, 40.0, RNG.normal(0, 1e-3, 1024)), 0.5),
    "large bias": FirTaps(RNG.normal(0, 1e-6, 1024), 3.0),
    "one tap, negative": FirTaps(np.where(np.arange(1024) == 0, -1.0, 0.0), 0.0),
}


def full_scale(fir: FirTaps) -> float:
    """The largest sum that samples can make."""
    return float(np.abs(fir.taps).sum())


@pytest.fixture(scope="module")
def matrix() -> list[Row]:
    return list(rows())


@pytest.mark.parametrize("name", FILTERS)
def test_fir_codes_stay_within_half_a_step_and_2_to_the_minus_15_of_full_scale(name: str, matrix: list[Row]) -> None:
    fir = FILTERS[name]
    integers = quantize_fir(fir)
    for row in matrix[::3]:
        exact = wavegram_fir(row.samples, fir.taps, fir.bias, CONFIG)
        sums = fixed_fir(row.samples, integers, CONFIG)
        np.testing.assert_allclose(sums * integers.unit, exact, rtol=1e-12, atol=2**-21 * full_scale(fir))
        scale = max(float(exact.max()), 1e-3) / 255.0
        codes = quantize_codes(sums, code_scale(integers.unit, scale, -128))
        error = np.abs((codes.astype(np.float64) + 128.0) * scale - np.minimum(exact, 255.0 * scale))
        assert error.max() <= 0.5 * scale + 2.0**-15 * full_scale(fir), row.name


@pytest.mark.parametrize("fir", FILTERS.values(), ids=FILTERS)
def test_sums_of_rails_in_phase_with_the_taps_stay_exact(fir: FirTaps) -> None:
    rails = np.where(np.tile(fir.taps[512:].tolist() + fir.taps[:512].tolist(), 4) >= 0, 32767, -32768).astype(np.int16)
    config = FrontendConfig(clip_samples=len(rails))
    integers = quantize_fir(fir)
    taps = [int(h) * 65536 + int(low) for h, low in zip(integers.high, integers.low, strict=True)]
    padded = [0] * 512 + rails.tolist() + [0] * 512
    expected = [
        max(0, integers.bias + sum(s * t for s, t in zip(padded[i : i + 1024], taps, strict=True)))
        for i in range(0, len(rails) + 1, 512)
    ]
    assert fixed_fir(rails, integers, config).tolist() == expected


@pytest.mark.parametrize(
    "scale", [np.float32(0.3921569), np.float32(0.2509804), np.float32(3.7), 0.5, 0.75, 1.0, 0.3125]
)
@pytest.mark.parametrize("zero_point", [-128, -7, 0, 90, 127])
def test_log_mel_codes_equal_those_of_the_float_function_for_every_value(scale: float, zero_point: int) -> None:
    values = np.arange(-32768, 32768)
    codes = quantize_codes(values, code_scale(1 / 256, float(scale), zero_point))
    np.testing.assert_array_equal(codes, quantize_input(values / 256.0, float(scale), zero_point))


def test_fir_codes_equal_those_of_the_float_function_beside_every_step() -> None:
    unit, scale = 2.0**-46, 0.0371
    steps = np.arange(0, 256) * scale / unit
    values = np.concatenate([np.floor(steps * (1 + e)).astype(np.int64) for e in (-1e-6, 1e-6)] + [np.array([2**60])])
    codes = quantize_codes(values, code_scale(unit, scale, -128))
    np.testing.assert_array_equal(codes, quantize_input(values * unit, scale, -128))


@pytest.mark.parametrize(
    "fir", [FirTaps(np.zeros(512), 0.0), FirTaps(np.full(1024, np.nan), 0.0), FirTaps(np.full(1024, 1e12), 0.0)]
)
def test_taps_that_make_no_filter_are_refused(fir: FirTaps) -> None:
    with pytest.raises(FrontendError):
        quantize_fir(fir)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), 1e-30])
def test_input_scales_that_mean_nothing_are_refused(scale: float) -> None:
    with pytest.raises(FrontendError):
        code_scale(1 / 256, scale, 0)


def samples_of(values: list[int]) -> NDArray[np.int16]:
    return np.array(values, np.int16)


def test_all_zero_taps_give_the_bias() -> None:
    integers = quantize_fir(FirTaps(np.zeros(1024), 0.25))
    sums = fixed_fir(samples_of([100] * 1024), integers, FrontendConfig(clip_samples=1024))
    assert (sums * integers.unit == 0.25).all()
