"""The authors' model restated from MODEL.md on their own tensor names: functions of a state_dict, no module of ours.

Waveform [N, 160000] float64 -> embedding [N, 128] and attention map [N, 2, 128, 313].
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

State = Mapping[str, Tensor]
RESIDUAL_BLOCKS = (1, 3, 5)


def embed(state: State, waveform: Tensor) -> tuple[Tensor, Tensor]:
    features = torch.stack((log_mel(state, waveform), wavegram(state, waveform)), dim=1)
    attention = heatmap(state, features)
    return classifier(state, features * attention), attention


def log_mel(state: State, waveform: Tensor) -> Tensor:
    padded = F.pad(waveform.unsqueeze(1), (512, 512), mode="reflect").squeeze(1)
    frames = padded.unfold(1, 1024, 512) * state["model.transform_tf.spectrogram.window"]  # [N, 313, 1024]
    power = torch.fft.rfft(frames).abs().square()
    return 10 * torch.log10(power @ state["model.transform_tf.mel_scale.fb"] + 1e-8).transpose(1, 2)


def wavegram(state: State, waveform: Tensor) -> Tensor:
    name = "model.wavegram"
    weight, bias = state[f"{name}.dwconv.weight"], state[f"{name}.dwconv.bias"]
    x = F.conv1d(waveform.unsqueeze(1), weight, bias, stride=512, padding=512)
    x = norm(state, f"{name}.dwconv_normalization", x).relu()
    x = F.conv1d(x, state[f"{name}.pwconv.weight"], state[f"{name}.pwconv.bias"])
    return norm(state, f"{name}.pwconv_normalization", x).relu()


def heatmap(state: State, x: Tensor) -> Tensor:
    x = F.elu(norm(state, "model.heatmap.1", separable(state, "model.heatmap.0", x)))
    x = F.elu(norm(state, "model.heatmap.4", separable(state, "model.heatmap.3", x)))
    return separable(state, "model.heatmap.6", x).sigmoid()


def separable(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.dwconv.weight"]
    x = F.conv2d(x, weight, state.get(f"{name}.dwconv.bias"), padding=weight.shape[-1] // 2, groups=x.shape[1])
    x = norm(state, f"{name}.dwconv_normalization", x).relu()
    x = F.conv2d(x, state[f"{name}.pwconv.weight"], state.get(f"{name}.pwconv.bias"))
    return norm(state, f"{name}.pwconv_normalization", x).relu()


def classifier(state: State, x: Tensor) -> Tensor:
    name = "model.classifier"
    x = conv_block(state, f"{name}.conv1", x, stride=2, padding=1)
    x = conv_block(state, f"{name}.dw_conv1", x, padding=1, groups=64)
    for block in range(6):
        y = bottleneck(state, f"{name}.blocks.{block}.conv", x, stride=1 if block in RESIDUAL_BLOCKS else 2)
        x = x + y if block in RESIDUAL_BLOCKS else y
    x = conv_block(state, f"{name}.conv2", x)
    x = conv_block(state, f"{name}.linear7", x, groups=512)
    return conv_block(state, f"{name}.linear1", x).flatten(1)


def conv_block(state: State, name: str, x: Tensor, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
    x = norm(state, f"{name}.bn", F.conv2d(x, state[f"{name}.conv.weight"], None, stride, padding, groups=groups))
    slopes = state.get(f"{name}.prelu.weight")
    return x if slopes is None else F.prelu(x, slopes)


def bottleneck(state: State, name: str, x: Tensor, stride: int) -> Tensor:
    x = norm(state, f"{name}.1", F.conv2d(x, state[f"{name}.0.weight"]))
    x = F.prelu(x, state[f"{name}.2.weight"])
    x = norm(state, f"{name}.4", F.conv2d(x, state[f"{name}.3.weight"], None, stride, 1, groups=x.shape[1]))
    x = F.prelu(x, state[f"{name}.5.weight"])
    return norm(state, f"{name}.7", F.conv2d(x, state[f"{name}.6.weight"]))


def norm(state: State, name: str, x: Tensor) -> Tensor:
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5)
