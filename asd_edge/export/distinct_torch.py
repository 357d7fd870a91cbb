"""A PyTorch network -> the same architecture on random weights whose per-channel constants all differ.

A converter that lays a per-channel constant along the wrong axis goes unnoticed while all of them are equal, as freshly
initialized PReLU slopes are.
"""

import copy

import torch
from torch import Tensor, nn

SEED = 20
_LEAST_VARIANCE = 0.1  # of the layer's mean: a few inputs may leave a channel nearly still, whose gain would explode


def with_distinct_constants(network: nn.Module, examples: tuple[Tensor, ...]) -> nn.Module:
    """The same architecture with random weights, every per-channel constant different, outputs of order 1.

    BatchNorm statistics are measured on `examples` (the network's inputs, batch first), then shifted at random.
    """
    generator = torch.Generator().manual_seed(SEED)

    def uniform(tensor: Tensor, low: float, high: float) -> Tensor:
        return torch.rand(tensor.shape, generator=generator) * (high - low) + low

    network = copy.deepcopy(network)
    with torch.no_grad():
        for module in network.modules():
            match module:
                case nn.Conv1d() | nn.Conv2d() | nn.Linear():
                    gain = (2.0 / module.weight[0].numel()) ** 0.5
                    module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * gain)
                    if module.bias is not None:
                        module.bias.copy_(uniform(module.bias, -0.5, 0.5))
                case nn.BatchNorm1d() | nn.BatchNorm2d():
                    module.momentum = None  # running statistics become those of the one batch
                    module.reset_running_stats()
                    module.weight.copy_(uniform(module.weight, 0.5, 1.5))
                    module.bias.copy_(uniform(module.bias, -0.5, 0.5))
                case nn.PReLU():
                    module.weight.copy_(uniform(module.weight, 0.05, 0.5))
                case _:
                    pass
        network.train()
        embed = network.embed
        assert callable(embed)
        embed(*examples)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                mean, variance = module.running_mean, module.running_var
                assert mean is not None
                assert variance is not None
                variance.clamp_(min=_LEAST_VARIANCE * float(variance.mean()))
                mean += variance.sqrt() * uniform(mean, -0.5, 0.5)
                variance *= uniform(variance, 0.5, 2.0)
    return network.eval()
