"""The classifier, a MobileFaceNet variant (Chen et al. 2018, as STgram-MFN has it): attended features -> embedding.

Convolutions carry no bias; PReLU slopes are per channel; four stride-2 stages, then one global depthwise convolution
whose kernel is all that is left of mel and time (8 x 20 for 128 mels and 313 frames).
"""

import math

from torch import Tensor, nn

from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.attention import scaled_channels
from asd_edge.model.config import ModelConfig

BOTTLENECKS = ((2, 128, 2, 2), (4, 128, 2, 2), (4, 128, 2, 2))  # expansion, channels, repeats, stride of the first
N_STRIDED = 1 + len(BOTTLENECKS)


class ConvBlock(nn.Module):
    """Convolution, BatchNorm and, unless `linear`, PReLU."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        groups = n_in if depthwise else 1
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(n_out)
        self.prelu = None if linear else nn.PReLU(n_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.prelu is None else self.prelu(x)


class Bottleneck(nn.Module):
    """1x1 expansion, 3x3 depthwise, 1x1 projection; the input is added where shape and stride allow."""

    def __init__(self, n_in: int, n_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        n_inner = n_in * expansion
        self.is_residual = stride == 1 and n_in == n_out
        self.conv = nn.Sequential(
            nn.Conv2d(n_in, n_inner, 1, bias=False),
            nn.BatchNorm2d(n_inner),
            nn.PReLU(n_inner),
            nn.Conv2d(n_inner, n_inner, 3, stride, 1, groups=n_inner, bias=False),
            nn.BatchNorm2d(n_inner),
            nn.PReLU(n_inner),
            nn.Conv2d(n_inner, n_out, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.is_residual else y


class MobileFaceNet(nn.Module):
    """[N, n_features, n_mels, n_frames] -> embedding [N, embedding_size]."""

    def __init__(self, config: ModelConfig, frontend: FrontendConfig, n_features: int) -> None:
        super().__init__()
        n_stem = scaled_channels(64, config.width)
        self.conv1 = ConvBlock(n_features, n_stem, (3, 3), stride=2, padding=1)
        self.dw_conv1 = ConvBlock(n_stem, n_stem, (3, 3), padding=1, depthwise=True)
        blocks: list[Bottleneck] = []
        n_in = n_stem
        for expansion, n_channels, n_repeats, stride in BOTTLENECKS:
            n_out = scaled_channels(n_channels, config.width)
            for repeat in range(n_repeats):
                blocks.append(Bottleneck(n_in, n_out, stride if repeat == 0 else 1, expansion))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        n_last = scaled_channels(512, config.width)
        kernel = (_halved(frontend.n_mels), _halved(frontend.n_frames))
        self.conv2 = ConvBlock(n_in, n_last, (1, 1))
        self.linear7 = ConvBlock(n_last, n_last, kernel, depthwise=True, linear=True)
        self.linear1 = ConvBlock(n_last, config.embedding_size, (1, 1), linear=True)
        self._initialize()

    def _initialize(self) -> None:
        """He initialization by the number of outputs, as MobileFaceNet's authors do."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                kernel_height, kernel_width = module.kernel_size
                fan_out = kernel_height * kernel_width * module.out_channels
                nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.dw_conv1(self.conv1(x)))
        x = self.linear1(self.linear7(self.conv2(x)))  # [N, embedding_size, 1, 1]
        return x.flatten(1)


def _halved(length: int) -> int:
    """What the stride-2 convolutions (kernel 3, padding 1) leave of an axis."""
    for _ in range(N_STRIDED):
        length = (length - 1) // 2 + 1
    return length
