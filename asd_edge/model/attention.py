"""The attention map ("heatmap") over the stacked features: three blocks, then a sigmoid, multiplied element by element.

A separable block is depthwise conv, BatchNorm, ReLU, pointwise conv, BatchNorm, ReLU: the authors' library puts both
after both convolutions. Because of the last block's ReLU the map lies in [0.5, 1). The BatchNorm between a block's
ReLU and the ELU can't be folded backwards.
"""

from torch import Tensor, nn

from asd_edge.model.config import ModelConfig


class SeparableConv2d(nn.Module):
    """[N, n_in, H, W] -> [N, n_out, H, W]; odd kernel, same padding."""

    def __init__(self, n_in: int, n_out: int, kernel: int, bias: bool) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(n_in, n_in, kernel, padding=kernel // 2, groups=n_in, bias=bias)
        self.dwconv_normalization = nn.BatchNorm2d(n_in)
        self.pwconv = nn.Conv2d(n_in, n_out, 1, bias=bias)
        self.pwconv_normalization = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.dwconv_normalization(self.dwconv(x)))
        mixed: Tensor = self.relu(self.pwconv_normalization(self.pwconv(x)))
        return mixed


class PlainConv2d(nn.Module):
    """The ablation: one full convolution in place of a separable block, [N, n_in, H, W] -> [N, n_out, H, W]."""

    def __init__(self, n_in: int, n_out: int, kernel: int, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=bias)
        self.normalization = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.normalization(self.conv(x)))
        return y


def scaled_channels(n_channels: int, width: float) -> int:
    """A channel count times the width multiplier, rounded to a multiple of 8, at least 8."""
    return max(8, round(n_channels * width / 8) * 8)


def build_attention(config: ModelConfig, n_features: int) -> nn.Sequential:
    """Stacked features [N, n_features, n_mels, n_frames] -> attention map of the same shape."""
    block = SeparableConv2d if config.separable_attention else PlainConv2d
    n_first, n_second = scaled_channels(16, config.width), scaled_channels(64, config.width)
    return nn.Sequential(
        block(n_features, n_first, 3, bias=False),
        nn.BatchNorm2d(n_first),
        nn.ELU(),
        block(n_first, n_second, 3, bias=False),
        nn.BatchNorm2d(n_second),
        nn.ELU(),
        block(n_second, n_features, 1, bias=True),
        nn.Sigmoid(),
    )
