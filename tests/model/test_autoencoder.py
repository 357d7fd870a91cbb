"""The autoencoder's shapes, size and what its checkpoint must hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.model.autoencoder import Autoencoder, build_autoencoder
from asd_edge.model.checkpoint import Checkpoint
from asd_edge.model.config import AUTOENCODER, ModelConfig
from asd_edge.model.network import autoencoder_from_checkpoint, network_from_checkpoint
from tests.model.networks import random_checkpoint, randomize, weights_of


def autoencoder_checkpoint(network: Autoencoder) -> Checkpoint:
    weights = {name: tensor.numpy().copy() for name, tensor in weights_of(network).items()}
    return replace(
        random_checkpoint(ModelConfig(width=0.125)),
        model=ModelConfig(architecture=AUTOENCODER),
        frontend=FrontendConfig(),
        weights=weights,
    )


def test_vector_of_five_frames_comes_out_in_its_own_shape() -> None:
    assert N_CONTEXT == 5
    network = build_autoencoder(FrontendConfig()).eval()
    assert network(torch.zeros(3, 640)).shape == (3, 640)
    assert build_autoencoder(FrontendConfig(n_mels=64)).eval()(torch.zeros(3, 320)).shape == (3, 320)


def test_layers_are_those_of_the_dcase_baseline_at_264192_macs_a_vector() -> None:
    layers = [layer for layer in build_autoencoder(FrontendConfig()).layers if isinstance(layer, nn.Linear)]
    sizes = [layer.in_features for layer in layers] + [layers[-1].out_features]
    assert sizes == [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    assert sum(layer.in_features * layer.out_features for layer in layers) == 264_192


def test_every_layer_but_the_last_is_normalized_and_rectified() -> None:
    kinds = [type(layer) for layer in build_autoencoder(FrontendConfig()).layers]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 9 + [nn.Linear]


def test_checkpoint_gives_the_network_back() -> None:
    network = build_autoencoder(FrontendConfig())
    randomize(network)
    loaded = autoencoder_from_checkpoint(autoencoder_checkpoint(network))
    vectors = torch.randn(4, 640, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded(vectors), network.eval()(vectors))
        assert torch.equal(loaded.embed(vectors), loaded(vectors))


def test_each_architecture_refuses_the_others_checkpoint() -> None:
    with pytest.raises(CheckpointError, match="'reference' is not 'autoencoder'"):
        autoencoder_from_checkpoint(random_checkpoint(ModelConfig(width=0.125)))
    with pytest.raises(CheckpointError, match="'autoencoder' is not 'reference'"):
        network_from_checkpoint(autoencoder_checkpoint(build_autoencoder(FrontendConfig())))


def test_weight_of_another_shape_is_named() -> None:
    checkpoint = autoencoder_checkpoint(build_autoencoder(FrontendConfig()))
    weights = {**checkpoint.weights, "layers.0.weight": np.zeros((64, 640), np.float32)}
    with pytest.raises(CheckpointError, match=r"layers\.0\.weight is \(64, 640\), expected \(128, 640\)"):
        autoencoder_from_checkpoint(replace(checkpoint, weights=weights))
