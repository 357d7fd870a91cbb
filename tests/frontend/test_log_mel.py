"""The float log-Mel against torch.stft and librosa's mel matrix in float64, its torch twin, and the edges of a clip."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import hann_window, log_mel
from asd_edge.frontend.mel import band_centres_hz, mel_filterbank
from asd_edge.frontend.torch_log_mel import LogMel
from tests.frontend.other_log_mel import librosa_mel, torch_librosa_log_mel
from tests.frontend.signals import SIGNALS

CONFIG = FrontendConfig()
OTHER_CONFIGS = (
    FrontendConfig(clip_samples=16_000, n_fft=512, hop_length=160, n_mels=40, f_min_hz=50.0, f_max_hz=7000.0),
    FrontendConfig(clip_samples=8_001, n_fft=256, hop_length=256, n_mels=20),
)
# torch's float32 twin rounds its spectrum to some 2^-24 of each frame's loudest bin, which a band 80 dB below shows:
# how many depends on the FFT that the processor gets
LOUD_WITHIN_DB, LOUD_TOLERANCE_DB, ROUNDINGS = 60.0, 1e-3, 4 * 2.0**-24


def torch_twin(samples: NDArray[np.int16], config: FrontendConfig) -> NDArray[np.float32]:
    """(n_frames, n_mels) of the module, one clip."""
    with torch.inference_mode():
        output = LogMel(config)(torch.from_numpy(samples.astype(np.float32) / 32768.0)[None])
    assert output.shape == (1, 1, config.n_mels, config.n_frames)
    return np.asarray(output[0, 0].T.numpy(), np.float32)


def assert_twin_agrees(samples: NDArray[np.int16], config: FrontendConfig) -> None:
    expected = log_mel(samples, config)
    found = torch_twin(samples, config)
    loudest = expected.max(axis=1, keepdims=True)
    is_loud = expected > loudest - LOUD_WITHIN_DB
    assert np.abs(expected - found)[is_loud].max() < LOUD_TOLERANCE_DB
    amplitude_error = np.abs(10 ** (found / 20) - 10 ** (expected / 20))
    assert (amplitude_error / 10 ** (loudest / 20))[~is_loud].max(initial=0.0) < ROUNDINGS


@pytest.mark.parametrize("name", SIGNALS)
def test_log_mel_equals_torch_stft_with_librosas_mel_matrix_within_a_ten_thousandth_of_a_db(name: str) -> None:
    difference = np.abs(log_mel(SIGNALS[name], CONFIG) - torch_librosa_log_mel(SIGNALS[name], CONFIG))
    assert difference.max() < 1e-4


@pytest.mark.parametrize("config", OTHER_CONFIGS)
def test_log_mel_follows_other_settings(config: FrontendConfig) -> None:
    samples = SIGNALS["noise at -20 dBFS"][: config.clip_samples]
    assert np.abs(log_mel(samples, config) - torch_librosa_log_mel(samples, config)).max() < 1e-4


@pytest.mark.parametrize("name", SIGNALS)
def test_torch_twin_equals_numpy(name: str) -> None:
    assert_twin_agrees(SIGNALS[name], CONFIG)


@pytest.mark.parametrize("config", OTHER_CONFIGS)
def test_torch_twin_follows_other_settings(config: FrontendConfig) -> None:
    assert_twin_agrees(SIGNALS["noise at -20 dBFS"][: config.clip_samples], config)


def test_torch_twin_stays_in_float32_under_mixed_precision() -> None:
    waveform = torch.from_numpy(SIGNALS["tone at full scale"].astype(np.float32) / 32768.0)[None]
    module = LogMel(CONFIG)
    expected = module(waveform)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = module(waveform)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, expected)


def test_torch_twin_has_nothing_to_learn_or_to_store() -> None:
    module = LogMel(CONFIG)
    assert list(module.parameters()) == []
    assert module.state_dict() == {}


def test_reference_clip_has_313_frames_of_128_bands() -> None:
    assert CONFIG.n_frames == 313
    features = log_mel(SIGNALS["silence"], CONFIG)
    assert features.shape == (313, 128)
    assert features.dtype == np.float64


def test_silence_is_exactly_minus_80_db() -> None:
    assert (log_mel(SIGNALS["silence"], CONFIG) == -80.0).all()
    assert (torch_twin(SIGNALS["silence"], CONFIG) == -80.0).all()


def test_reflection_does_not_repeat_the_edge_sample() -> None:
    """A click on sample 1 is mirrored to -1, so frame 0 sees two; one on sample 0 is seen once."""
    window = hann_window(CONFIG.n_fft)
    click = 32767 / 32768
    flat_power = np.full(513, (click * window[512]) ** 2)
    on_first = log_mel(SIGNALS["click on the first sample"], CONFIG)[0]
    np.testing.assert_allclose(on_first, 10 * np.log10(flat_power @ mel_filterbank(CONFIG) + 1e-8), atol=1e-9)

    samples = np.zeros(CONFIG.clip_samples, np.int16)
    samples[1] = 32767
    phase = 2 * np.pi * np.arange(513) / 1024  # radians per sample, per bin
    power = (click * window[511] * 2 * np.cos(phase)) ** 2
    expected = 10 * np.log10(power @ mel_filterbank(CONFIG) + 1e-8)
    np.testing.assert_allclose(log_mel(samples, CONFIG)[0], expected, atol=1e-9)


def test_mel_matrix_equals_librosas() -> None:
    np.testing.assert_allclose(mel_filterbank(CONFIG), librosa_mel(CONFIG).T, rtol=0, atol=1e-12)


def test_each_mel_band_holds_a_bin_and_peaks_at_its_centre() -> None:
    matrix, centres_hz = mel_filterbank(CONFIG), band_centres_hz(CONFIG)
    assert (matrix.max(axis=0) > 0).all()
    assert (np.diff(centres_hz) > 0).all()
    assert centres_hz.shape == (128,)
    loudest_bin_hz = matrix.argmax(axis=0) * CONFIG.sample_rate_hz / CONFIG.n_fft
    assert np.abs(loudest_bin_hz - centres_hz).max() <= CONFIG.sample_rate_hz / CONFIG.n_fft


def test_hann_window_is_the_periodic_one() -> None:
    expected = torch.hann_window(1024, periodic=True, dtype=torch.float64).numpy()
    np.testing.assert_allclose(hann_window(1024), expected, atol=1e-12)
    assert hann_window(1024)[0] == 0.0
    assert hann_window(1024)[512] == 1.0
