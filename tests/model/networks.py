"""Networks with the weights of a training that never happened: no BatchNorm or PReLU channel equals another."""

import torch
from torch import nn

from asd_edge.clip.label_table import LabelTable
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import Checkpoint, Split
from asd_edge.model.config import HeadConfig, ModelConfig
from asd_edge.model.network import build_network

SHORT = FrontendConfig(clip_samples=16_000)  # 32 frames: as good as 313 where the length doesn't matter
MACHINES = ("fan/id_00", "fan/id_02", "pump/id_00")


def randomize(network: nn.Module, seed: int = 1) -> None:
    """Gives BatchNorm statistics and affines, and PReLU slopes, other values in each channel."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.copy_(0.2 * torch.randn(module.num_features, generator=generator))
                module.running_var.copy_(0.5 + torch.rand(module.num_features, generator=generator))
                module.weight.copy_(0.5 + torch.rand(module.num_features, generator=generator))
                module.bias.copy_(0.2 * torch.randn(module.num_features, generator=generator))
            elif isinstance(module, nn.PReLU):
                module.weight.copy_(torch.rand(module.num_parameters, generator=generator))


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """What a checkpoint stores of a state_dict."""
    return {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def random_checkpoint(model: ModelConfig, frontend: FrontendConfig = SHORT, seed: int = 1) -> Checkpoint:
    """A detector's checkpoint for MACHINES."""
    torch.manual_seed(seed)
    network = build_network(model, frontend, len(MACHINES))
    randomize(network, seed)
    weights = {name: tensor.numpy().copy() for name, tensor in weights_of(network).items()}
    split = Split({"00ff": "fan/train/normal_id_00_00000000.wav"}, {"11ee": "fan/train/normal_id_02_00000000.wav"})
    return Checkpoint(
        model, HeadConfig(), frontend, LabelTable(MACHINES), split, weights, {"epochs": 3, "seed": 0, "loss": "arcface"}
    )
