"""The detector's size and shapes, its attention, its ablations, and the two halves that a device runs apart."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import AUTOENCODER, BOTH, LOG_MEL, WAVEGRAM, ModelConfig
from asd_edge.model.network import (
    DetectorNetwork,
    build_network,
    check_exportable,
    check_weights,
    network_from_checkpoint,
)
from tests.model.networks import MACHINES, SHORT, random_checkpoint, randomize

NARROW = ModelConfig(width=0.125)
FC_OUT_PARAMETERS = 128 * 41 + 41
ABLATIONS = {
    "reference": NARROW,
    "log-Mel only": replace(NARROW, features=LOG_MEL),
    "Wavegram only": replace(NARROW, features=WAVEGRAM),
    "no attention": replace(NARROW, attention=False),
    "full attention": replace(NARROW, separable_attention=False),
    "full Wavegram": replace(NARROW, separable_wavegram=False),
    "full Wavegram only": replace(NARROW, features=WAVEGRAM, separable_wavegram=False),
    "embedding of 32": replace(NARROW, embedding_size=32),
    "width 0.25": ModelConfig(width=0.25),
    "plain log-Mel": replace(NARROW, features=LOG_MEL, attention=False),
}
EXPORTABLE = {name: model for name, model in ABLATIONS.items() if "full Wavegram" not in name}


@pytest.fixture(scope="module")
def reference() -> DetectorNetwork:
    return build_network(ModelConfig(), FrontendConfig(), 41).eval()


def noise(n_clips: int, frontend: FrontendConfig = SHORT, seed: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(n_clips, frontend.clip_samples, generator=generator)


def built(model: ModelConfig) -> DetectorNetwork:
    network = build_network(model, SHORT, len(MACHINES))
    randomize(network)
    return network.eval()


def count_macs(network: DetectorNetwork, waveform: Tensor) -> dict[str, int]:
    """Multiply-accumulates of one clip per part of the network, of its convolutions alone."""
    macs: dict[str, int] = {}

    def count(name: str, module: nn.Conv1d | nn.Conv2d, output: Tensor) -> None:
        part = name.split(".")[0]
        macs[part] = macs.get(part, 0) + output.numel() * module.weight[0].numel()

    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            hooks.append(module.register_forward_hook(lambda m, _, out, name=name: count(name, m, out)))
    with torch.inference_mode():
        network(waveform)
    for hook in hooks:
        hook.remove()
    return macs


def test_reference_model_has_879087_parameters_and_the_authors_fc_out_makes_884376(reference: DetectorNetwork) -> None:
    n_parameters = sum(parameter.numel() for parameter in reference.parameters())
    assert n_parameters == 879_087
    assert n_parameters + FC_OUT_PARAMETERS == 884_376


def test_reference_model_takes_755_million_macs_a_clip(reference: DetectorNetwork) -> None:
    macs = count_macs(reference, torch.zeros(1, 160_000))
    assert round(macs["wavegram"] / 1e6, 2) == 0.36
    assert round(macs["attention"] / 1e6, 1) == 56.5
    assert round(macs["classifier"] / 1e6, 1) == 698.4
    assert sum(macs.values()) // 1_000_000 == 755


def test_global_convolution_covers_all_that_is_left_of_mel_and_time(reference: DetectorNetwork) -> None:
    assert tuple(reference.classifier.linear7.conv.weight.shape) == (512, 1, 8, 20)


@pytest.mark.parametrize(
    ("width", "stem", "inner", "last"), [(1.0, 64, 128, 512), (0.5, 32, 64, 256), (0.1, 8, 16, 48)]
)
def test_width_scales_channels_in_steps_of_eight(width: float, stem: int, inner: int, last: int) -> None:
    network = build_network(ModelConfig(width=width), SHORT, 2)
    shapes = {name: tensor.shape for name, tensor in network.classifier.state_dict().items()}
    assert shapes["conv1.conv.weight"][0] == stem
    assert shapes["blocks.0.conv.6.weight"][0] == inner
    assert shapes["conv2.conv.weight"][0] == last
    assert shapes["linear1.conv.weight"] == (128, last, 1, 1)


@pytest.mark.parametrize("model", ABLATIONS.values(), ids=ABLATIONS)
def test_every_ablation_embeds_two_clips_and_learns(model: ModelConfig) -> None:
    network = build_network(model, SHORT, len(MACHINES)).train()
    embedding = network(noise(2))
    assert embedding.shape == (2, model.embedding_size)
    assert network.head(embedding).shape == (2, len(MACHINES))
    network.head(embedding).square().sum().backward()
    without_gradient = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert without_gradient == []


@pytest.mark.parametrize("model", ABLATIONS.values(), ids=ABLATIONS)
def test_ablations_hold_the_parts_that_they_name(model: ModelConfig) -> None:
    parts = {name.split(".")[0] for name in build_network(model, SHORT, 2).state_dict()}
    assert ("wavegram" in parts) == (model.features != LOG_MEL)
    assert ("attention" in parts) == model.attention
    assert {"classifier", "head"} <= parts


@pytest.mark.parametrize("model", EXPORTABLE.values(), ids=EXPORTABLE)
def test_front_end_then_embed_equals_forward(model: ModelConfig) -> None:
    network, waveform = built(model), noise(2)
    with torch.inference_mode():
        log_mel, frames = network.frontend_features(waveform)
        assert log_mel.shape == (2, 1, 128, SHORT.n_frames)
        assert (frames is None) == (model.features == LOG_MEL)
        assert frames is None or frames.shape == (2, 1, 1, SHORT.n_frames)
        assert torch.equal(network.embed(log_mel, frames), network(waveform))


@pytest.mark.parametrize("features", [BOTH, WAVEGRAM])
def test_full_convolution_wavegram_is_refused_by_name_where_a_device_would_run(features: str) -> None:
    model = replace(NARROW, features=features, separable_wavegram=False)
    network = built(model)
    with torch.inference_mode():
        assert network(noise(1)).isfinite().all()
    with pytest.raises(CheckpointError, match="full-convolution Wavegram"):
        check_exportable(model)
    with pytest.raises(CheckpointError, match="full-convolution Wavegram"):
        network.frontend_features(noise(1))


@pytest.mark.parametrize("model", [*EXPORTABLE.values(), ModelConfig(AUTOENCODER, separable_wavegram=False)])
def test_the_other_models_are_exportable(model: ModelConfig) -> None:
    check_exportable(model)


def test_a_flag_on_a_wavegram_that_is_not_there_does_not_matter() -> None:
    check_exportable(ModelConfig(features=LOG_MEL, separable_wavegram=False))


def test_embed_refuses_to_take_log_mel_for_a_wavegram() -> None:
    log_mel, _ = built(NARROW).frontend_features(noise(1))
    with pytest.raises(ValueError, match="frames"):
        built(replace(NARROW, features=WAVEGRAM)).embed(log_mel)


@pytest.mark.parametrize("model", [NARROW, ABLATIONS["full attention"], ABLATIONS["log-Mel only"]])
def test_attention_lies_between_a_half_and_one_and_multiplies_the_features(model: ModelConfig) -> None:
    network = built(model)
    assert network.attention is not None
    network.attention.train()  # batch statistics put about half of what the last ReLU sees below 0
    with torch.inference_mode():
        maps = network.attention_inputs(noise(2))
        n_features = 2 if model.features == BOTH else 1
        assert maps.features.shape == maps.attention.shape == (2, n_features, 128, SHORT.n_frames)
        assert (maps.attention == 0.5).any()
        assert (maps.attention >= 0.5).all()
        assert 0.5 < maps.attention.max() < 1.0
        assert torch.equal(maps.product, maps.features * maps.attention)
        assert torch.equal(network.classifier(maps.product), network(noise(2)))


def test_features_are_log_mel_before_wavegram() -> None:
    network, waveform = built(NARROW), noise(1)
    with torch.inference_mode():
        features = network.attention_inputs(waveform).features
        assert torch.equal(features[:, :1], network.log_mel(waveform))
        assert network.wavegram is not None
        assert torch.equal(features[:, 1:], network.wavegram(waveform))


def test_attention_of_a_model_without_is_one_everywhere() -> None:
    network = built(ABLATIONS["no attention"])
    with torch.inference_mode():
        maps = network.attention_inputs(noise(1))
    assert (maps.attention == 1.0).all()
    assert torch.equal(maps.product, maps.features)


@pytest.mark.parametrize(
    ("model", "n_classes", "said"),
    [
        (ModelConfig(architecture="transformer"), 2, "architecture 'transformer'"),
        (ModelConfig(architecture=AUTOENCODER), 2, "architecture 'autoencoder'"),
        (ModelConfig(features="mfcc"), 2, "features 'mfcc'"),
        (ModelConfig(width=0.0), 2, "width 0.0"),
        (ModelConfig(width=-1.0), 2, "width -1.0"),
        (ModelConfig(embedding_size=0), 2, "embedding size 0"),
        (ModelConfig(), 1, "1 machines"),
    ],
)
def test_impossible_settings_are_refused_by_name(model: ModelConfig, n_classes: int, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        build_network(model, SHORT, n_classes)


def test_network_from_checkpoint_is_in_eval_mode_with_the_stored_weights() -> None:
    checkpoint = random_checkpoint(NARROW)
    network = network_from_checkpoint(checkpoint)
    assert not any(module.training for module in network.modules())
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(tensor.numpy(), checkpoint.weights[name])


def test_network_does_not_share_memory_with_its_checkpoint() -> None:
    checkpoint = random_checkpoint(NARROW)
    before = checkpoint.weights["head.weight"].copy()
    with torch.no_grad():
        network_from_checkpoint(checkpoint).head.weight.zero_()
    np.testing.assert_array_equal(checkpoint.weights["head.weight"], before)


def test_weights_of_another_width_are_refused_with_both_shapes() -> None:
    checkpoint = replace(random_checkpoint(NARROW), model=ModelConfig(width=1.0))
    with pytest.raises(CheckpointError, match=r"tensor \S+ is \(8, 2, 1, 1\), expected \(16, 2, 1, 1\)"):
        check_weights(checkpoint)
