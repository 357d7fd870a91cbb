"""PyTorch networks with untrained weights whose per-channel constants all differ, and their example inputs.

Equal constants (PReLU slopes are all 0.25 at first) would hide a converter that lays them along the wrong axis.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.config import AUTOENCODER, LOG_MEL, ModelConfig
from asd_edge.model.network import build_network

FloatArray = NDArray[np.float32]
SHORT = FrontendConfig(clip_samples=160 * 128, n_mels=32)  # 41 frames
N_CLASSES = 3


def distinct_network(config: ModelConfig, frontend: FrontendConfig, seed: int = 0) -> nn.Module:
    """The network in eval mode."""
    torch.manual_seed(seed)
    is_autoencoder = config.architecture == AUTOENCODER
    network = build_autoencoder(frontend) if is_autoencoder else build_network(config, frontend, N_CLASSES)
    with torch.no_grad():
        for module in network.modules():
            match module:
                case nn.BatchNorm1d() | nn.BatchNorm2d():
                    assert module.running_mean is not None
                    assert module.running_var is not None
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.normal_(0.0, 0.2)
                    module.running_mean.normal_(0.0, 0.2)
                    module.running_var.uniform_(0.5, 1.5)
                case nn.PReLU():
                    module.weight.uniform_(0.05, 0.5)
                case _:
                    pass
    return network.eval()


def input_shapes(config: ModelConfig, frontend: FrontendConfig) -> dict[str, tuple[int, ...]]:
    """Those of `embed`, in its order, as ONNX has them."""
    if config.architecture == AUTOENCODER:
        return {"log_mel": (1, N_CONTEXT * frontend.n_mels)}
    shapes: dict[str, tuple[int, ...]] = {"log_mel": (1, 1, frontend.n_mels, frontend.n_frames)}
    if config.features != LOG_MEL:
        shapes["wavegram_fir"] = (1, 1, 1, frontend.n_frames)
    return shapes


def random_features(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, FloatArray]:
    """log-Mel of about -70..10 dB, Wavegram frames of 0..3, as ONNX has them."""
    rng = np.random.default_rng(seed)
    features = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    features["log_mel"] = features["log_mel"] * 15 - 30
    return {name: np.abs(values) if name == "wavegram_fir" else values for name, values in features.items()}


def run_torch(network: nn.Module, features: dict[str, FloatArray]) -> FloatArray:
    """`embed` of the features, flat."""
    embed = network.embed
    assert callable(embed)
    with torch.no_grad():
        result = embed(*(torch.from_numpy(values) for values in features.values()))
    return np.asarray(result.numpy(), np.float32).reshape(-1)
