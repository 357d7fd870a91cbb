"""From a microphone's bytes to int16 at 16 kHz: formats, offset, gain, counted saturation; the decimator's response."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge import native
from asd_edge.errors import FrontendError
from asd_edge.frontend.condition_pcm import SAMPLE_BYTES, Conditioning, PcmFormat, condition_pcm
from asd_edge.frontend.decimate import FACTOR, N_TAPS, decimate, decimator_taps

STOP_BAND_DB = -70.0
RIPPLE_DB = 0.01
needs_c = pytest.mark.skipif(not native.is_built(), reason="the C library isn't built; install gcc and asd-edge again")


def pcm_bytes(values: NDArray[np.int64], pcm_format: PcmFormat) -> bytes:
    """Values of the format's own width."""
    words = np.asarray(values, "<i8").view(np.uint8).reshape(-1, 8)[:, : SAMPLE_BYTES[pcm_format]].copy()
    if pcm_format is PcmFormat.S24_LOW:
        words[:, 3] = 0xA5  # whatever a driver leaves there
    return words.tobytes()


@pytest.mark.parametrize(
    ("pcm_format", "bits"), [(PcmFormat.S16, 16), (PcmFormat.S24, 24), (PcmFormat.S24_LOW, 24), (PcmFormat.S32, 32)]
)
def test_every_format_keeps_the_high_16_bits_rounded(pcm_format: PcmFormat, bits: int) -> None:
    rng = np.random.default_rng(bits)
    values = np.concatenate((rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), 2000), [0, -1, -(2 ** (bits - 1))]))
    conditioned, n_saturated = condition_pcm(pcm_bytes(values, pcm_format), Conditioning(pcm_format))
    exact = np.floor(values / 2.0 ** (bits - 16) + 0.5)
    np.testing.assert_array_equal(conditioned, np.minimum(exact, 32767))
    assert n_saturated == int((exact > 32767).sum())


def test_gain_rounds_and_counts_what_it_saturates() -> None:
    values = np.array([0, 1, -1, 3, 16383, 16384, -16384, -16385, 32767, -32768])
    conditioned, n_saturated = condition_pcm(pcm_bytes(values, PcmFormat.S16), Conditioning(PcmFormat.S16, 2 << 16))
    assert conditioned.tolist() == [0, 2, -2, 6, 32766, 32767, -32768, -32768, 32767, -32768]
    assert n_saturated == 4  # 32768, -32770, 65534, -65536
    halved, n_saturated = condition_pcm(pcm_bytes(values, PcmFormat.S16), Conditioning(PcmFormat.S16, 1 << 15))
    assert halved.tolist() == [0, 1, 0, 2, 8192, 8192, -8192, -8192, 16384, -16384]
    assert n_saturated == 0


def test_a_known_offset_is_taken_off_and_an_unknown_one_is_followed() -> None:
    values = np.rint(900 * np.sin(np.arange(60_000) * 0.3)).astype(np.int64) + 5000
    data = pcm_bytes(values, PcmFormat.S16)
    known, _ = condition_pcm(data, Conditioning(PcmFormat.S16, offset=5000 << 16))
    np.testing.assert_array_equal(known, values - 5000)
    followed, _ = condition_pcm(data, Conditioning(PcmFormat.S16, offset_shift=12))
    assert abs(float(followed[-20_000:].mean())) < 5.0


@needs_c
@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(list(PcmFormat)),
    st.integers(0, 2**30 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 24),
    st.integers(0, 500),
    st.integers(0, 2**32 - 1),
)
def test_c_conditioning_equals_the_twin(
    pcm_format: PcmFormat, gain: int, offset: int, offset_shift: int, chunk_length: int, seed: int
) -> None:
    data = np.random.default_rng(seed).integers(0, 256, 400 * SAMPLE_BYTES[pcm_format]).astype(np.uint8).tobytes()
    expected, n_saturated = condition_pcm(data, Conditioning(pcm_format, gain, offset, offset_shift))
    conditioned, n_in_c = native.run_conditioning(data, 400, pcm_format, gain, offset, offset_shift, chunk_length)
    np.testing.assert_array_equal(conditioned, expected)
    assert n_in_c == n_saturated


@pytest.mark.parametrize(
    ("pcm_format", "gain", "offset_shift"),
    [
        (4, 1 << 16, 0),
        (-1, 1 << 16, 0),
        (0, -1, 0),
        (0, -(2**31), 0),
        (1, 2**30, 0),
        (2, 2**31 - 1, 0),
        (3, 1 << 16, 25),
        (0, 1 << 16, 64),
        (0, 1 << 16, 2**32 - 1),
    ],
)
@pytest.mark.parametrize("by", ["twin", pytest.param("c", marks=needs_c)])
def test_settings_out_of_range_are_refused(by: str, pcm_format: int, gain: int, offset_shift: int) -> None:
    def run() -> object:
        if by == "c":
            return native.run_conditioning(bytes(8), 2, pcm_format, gain, 0, offset_shift)
        return condition_pcm(bytes(8), Conditioning(pcm_format, gain, 0, offset_shift))  # type: ignore[arg-type]

    with pytest.raises(FrontendError, match=r"format|out of range"):
        run()


@pytest.mark.parametrize("offset", [-(2**31) - 1, 2**31])
def test_an_offset_that_is_no_32_bit_sample_is_refused(offset: int) -> None:
    with pytest.raises(FrontendError, match="offset"):
        condition_pcm(bytes(8), Conditioning(PcmFormat.S16, offset=offset))


@needs_c
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.integers(0, 700), st.integers(0, 2**32 - 1), st.booleans())
def test_c_decimator_equals_the_twin_in_any_chunks(n: int, chunk_length: int, seed: int, is_rails: bool) -> None:
    rng = np.random.default_rng(seed)
    samples = np.where(rng.random(n) < 0.5, -32768, 32767) if is_rails else rng.integers(-32768, 32768, n)
    pcm = samples.astype(np.int16)
    expected, n_saturated = decimate(pcm)
    decimated, n_in_c = native.run_decimator(pcm, chunk_length)
    np.testing.assert_array_equal(decimated, expected)
    assert n_in_c == n_saturated


def test_the_response_of_the_integer_taps_keeps_ripple_and_stop_band() -> None:
    response = np.abs(np.fft.rfft(decimator_taps() / 2.0**16, 1 << 16))
    frequency_hz = np.arange(response.size) * 48_000 / (1 << 16)
    response_db = 20.0 * np.log10(np.maximum(response, 1e-12))
    assert np.abs(response_db[frequency_hz <= 7200]).max() <= RIPPLE_DB
    assert response_db[frequency_hz >= 8000].max() <= STOP_BAND_DB


@pytest.mark.parametrize("frequency_hz", [100.0, 1000.0, 5000.0, 7000.0, 7200.0])
def test_a_tone_in_the_pass_band_keeps_its_level(frequency_hz: float) -> None:
    tone = np.rint(20_000 * np.sin(2 * np.pi * frequency_hz * np.arange(24_000) / 48_000)).astype(np.int16)
    delay_s = ((N_TAPS - 1) / 2 - (FACTOR - 1)) / 48_000
    expected = 20_000 * np.sin(2 * np.pi * frequency_hz * (np.arange(8_000) / 16_000 - delay_s))
    decimated, n_saturated = decimate(tone)
    assert np.abs(decimated - expected)[200:].max() < 20_000 * 0.0012 + 1.5
    assert n_saturated == 0


@pytest.mark.parametrize("frequency_hz", [8001.0, 9000.0, 15_000.0, 16_000.0, 23_900.0])
def test_a_tone_above_the_new_nyquist_frequency_is_stopped(frequency_hz: float) -> None:
    tone = np.rint(32_000 * np.sin(2 * np.pi * frequency_hz * np.arange(24_000) / 48_000)).astype(np.int16)
    decimated, _ = decimate(tone)
    level_db = 20 * np.log10(np.sqrt(np.mean(decimated[200:].astype(np.float64) ** 2)) / (32_000 / np.sqrt(2)) + 1e-12)
    assert level_db <= STOP_BAND_DB


def test_taps_are_symmetric_and_add_up_to_one() -> None:
    taps = decimator_taps()
    assert int(taps.sum()) == 1 << 16
    np.testing.assert_array_equal(taps, taps[::-1])
    assert np.abs(taps).max() < 1 << 15
