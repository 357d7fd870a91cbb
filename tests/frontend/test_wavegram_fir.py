"""The folded FIR in NumPy against the Wavegram's own convolution, BatchNorm and ReLU in torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.wavegram_fir import wavegram_fir
from asd_edge.model.checkpoint import Checkpoint, Split
from asd_edge.model.config import LOG_MEL, WAVEGRAM, HeadConfig, ModelConfig
from asd_edge.model.wavegram import SeparableWavegram, fold_wavegram_fir
from tests.frontend.signals import SIGNALS

CONFIG = FrontendConfig()


def trained_wavegram(config: FrontendConfig, seed: int = 5) -> SeparableWavegram:
    """As after a training: BatchNorm has statistics and an affine of its own."""
    generator = torch.Generator().manual_seed(seed)
    module = SeparableWavegram(config).eval()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.01 + 0.001)
            elif tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.05)
        module.dwconv_normalization.weight.fill_(0.7)
    return module


def checkpoint_of(module: SeparableWavegram, config: FrontendConfig, model: ModelConfig) -> Checkpoint:
    weights = {f"wavegram.{name}": value.numpy() for name, value in module.state_dict().items()}
    return Checkpoint(model, HeadConfig(), config, LabelTable(("a/id_00", "b/id_00")), Split({}, {}), weights, {})


def torch_frames(module: SeparableWavegram, samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """(n_frames,) computed in float64."""
    with torch.inference_mode():
        return module.double().frames(torch.from_numpy(samples / 32768.0)[None])[0, 0, 0].numpy()


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("features", [ModelConfig().features, WAVEGRAM])
def test_folded_fir_equals_the_torch_module(name: str, features: str) -> None:
    module = trained_wavegram(CONFIG)
    fir = fold_wavegram_fir(checkpoint_of(module, CONFIG, ModelConfig(features=features)))
    frames = wavegram_fir(SIGNALS[name], fir.taps, fir.bias, CONFIG)
    assert frames.shape == (313,)
    assert fir.taps.shape == (1024,)
    np.testing.assert_allclose(frames, torch_frames(module, SIGNALS[name]), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "config",
    [FrontendConfig(clip_samples=4000, n_fft=256, hop_length=100), FrontendConfig(clip_samples=2048, n_fft=512)],
)
def test_folded_fir_follows_other_settings(config: FrontendConfig) -> None:
    module = trained_wavegram(config)
    fir = fold_wavegram_fir(checkpoint_of(module, config, ModelConfig()))
    samples = SIGNALS["noise at -20 dBFS"][: config.clip_samples]
    frames = wavegram_fir(samples, fir.taps, fir.bias, config)
    assert frames.shape == (config.n_frames,)
    np.testing.assert_allclose(frames, torch_frames(module, samples), rtol=0, atol=1e-9)


def test_clip_is_padded_with_zeros_not_reflected() -> None:
    """The tap that meets sample 1 in frame 0 is 513; where the clip were reflected, tap 511 would meet it again."""
    samples = np.zeros(CONFIG.clip_samples, np.int16)
    samples[1] = -32768
    taps = -np.arange(1024, dtype=np.float64)
    frames = wavegram_fir(samples, taps, 0.0, CONFIG)
    assert frames[0] == 513.0
    assert frames[1] == 1.0
    assert (frames[2:] == 0.0).all()


def test_last_frame_ends_in_zeros() -> None:
    samples = np.full(CONFIG.clip_samples, 16384, np.int16)
    n_inside = CONFIG.clip_samples - (312 * 512 - 512)  # the frame is centred on sample 159,744
    assert wavegram_fir(samples, np.ones(1024), 0.0, CONFIG)[312] == 0.5 * n_inside


def test_frames_are_rectified_after_the_bias() -> None:
    silence = SIGNALS["silence"]
    assert (wavegram_fir(silence, np.ones(1024), -0.25, CONFIG) == 0.0).all()
    assert (wavegram_fir(silence, np.ones(1024), 0.25, CONFIG) == 0.25).all()


@pytest.mark.parametrize("model", [ModelConfig(features=LOG_MEL), ModelConfig(separable_wavegram=False)])
def test_model_without_a_separable_wavegram_has_no_fir(model: ModelConfig) -> None:
    with pytest.raises(CheckpointError, match="no separable Wavegram"):
        fold_wavegram_fir(checkpoint_of(trained_wavegram(CONFIG), CONFIG, model))


def test_checkpoint_without_wavegram_tensors_has_no_fir() -> None:
    checkpoint = replace(checkpoint_of(trained_wavegram(CONFIG), CONFIG, ModelConfig()), weights={})
    with pytest.raises(CheckpointError, match="no separable Wavegram"):
        fold_wavegram_fir(checkpoint)
