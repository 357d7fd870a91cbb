"""Runs a float Graph in torch, differentiable, over a batch of clips; with fake-quantized activations as int8 runs it.

Activations are [n_clips, time, mel, channels], a Graph's own layout, in which a 1x1 convolution is a matrix product.
Fake quantization rounds to the codes that int8 has and goes on in float: scale * (clamp(round(x / scale) + z) - z). Its
gradient is 1 inside the range and 0 outside (straight-through estimator, Bengio et al. 2013; Jacob et al. 2018). Sums,
products and means are rounded once here and twice in int8, so that a value next to a tie may get the neighbouring code.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Activation,
    Add,
    Affine,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
)
from quantization.factors import scale_and_zero_point

OnActivation = Callable[[str, Tensor], Tensor]  # (name, values) -> what the readers of that activation see
_COPIES_CODES = Concat | Pad | Reshape | Maximum | MaxPool2D  # one quantization before and after: nothing to round


def unchanged(name: str, x: Tensor) -> Tensor:
    """The activations of the float network."""
    return x


def fake_quantized(int8_graph: Graph) -> OnActivation:
    """Each activation rounded to the codes that it has in this graph."""
    copied = {op.output for op in int8_graph.ops if isinstance(op, _COPIES_CODES)}

    def on_activation(name: str, x: Tensor) -> Tensor:
        if name in copied:
            return x
        scale, zero_point = scale_and_zero_point(int8_graph, name)
        rounded: Tensor = _RoundToCodes.apply(x, float(scale), zero_point)  # type: ignore[no-untyped-call]
        return rounded

    return on_activation


class _RoundToCodes(torch.autograd.Function):
    """torch.fake_quantize_per_tensor_affine in a third of its time: no mask is kept where nothing is clipped."""

    @staticmethod
    def forward(context: Any, x: Tensor, scale: float, zero_point: int) -> Tensor:
        least, greatest = scale * (-128.5 - zero_point), scale * (127.5 - zero_point)
        low, high = torch.aminmax(x)
        context.outside = None if low >= least and high <= greatest else (x < least) | (x > greatest)
        return x.mul(1 / scale).add_(zero_point).round_().clamp_(-128, 127).sub_(zero_point).mul_(scale)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        return gradient if context.outside is None else gradient.masked_fill(context.outside, 0.0), None, None


def real_constants(graph: Graph) -> dict[str, Tensor]:
    """The real values of all weights of a float or an int8 graph, float32 in the Graph's own layout."""
    constants: dict[str, Tensor] = {}
    for name, tensor in graph.tensors.items():
        if tensor.values is None:
            continue
        values = tensor.values.astype(np.float64)
        if tensor.quantization is not None:
            scale, axis = tensor.quantization.scale.astype(np.float64), tensor.quantization.axis
            shape = tuple(-1 if index == axis else 1 for index in range(values.ndim)) if axis is not None else (1,)
            values = (values - tensor.quantization.zero_point.reshape(shape)) * scale.reshape(shape)
        constants[name] = torch.from_numpy(values.astype(np.float32))
    return constants


def batch(runs: Sequence[Mapping[str, NDArray[np.float32]]], name: str) -> Tensor:
    """One input of several runs: [n_runs, time, mel, channels]."""
    return torch.from_numpy(np.concatenate([run[name] for run in runs]))


def run_torch(
    graph: Graph,
    constants: Mapping[str, Tensor],
    inputs: Mapping[str, Tensor],
    on_activation: OnActivation = unchanged,
) -> dict[str, Tensor]:
    """Every activation of the graph, inputs included, each after `on_activation`: name -> [n, time, mel, channels].

    `constants` holds what stands in for the graph's weights, in their shapes (`real_constants` gives the graph's own).
    """
    activations = {name: on_activation(name, inputs[name]) for name in graph.inputs}
    for op in graph.ops:
        operands = [activations[name] if name in activations else constants[name] for name in op.inputs]
        activations[op.output] = on_activation(op.output, _run_op(op, operands, graph.tensors[op.output].shape))
    return activations


def _run_op(op: Op, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Tensor:
    """The output from activations and constants in the order of op.inputs; `shape` is the Graph's, for one clip."""
    x = operands[0]
    match op:
        case Conv2D():
            return _activate(_convolve(op, *operands), op.activation)
        case DepthwiseConv2D():
            return _activate(_convolve_depthwise(op, *operands), op.activation)
        case FullyConnected():
            sums = functional.linear(x.flatten(1), operands[1], operands[2])
            return _activate(sums[:, None, None], op.activation)
        case Affine():
            return x * operands[1] + operands[2]
        case Relu():
            return _activate(x, op.activation)
        case PRelu():
            return _in_channels_first(lambda y: functional.prelu(y, operands[1].flatten()), x)
        case LeakyRelu():
            return functional.leaky_relu(x, op.alpha)
        case Elu():
            return functional.elu(x)
        case Logistic():
            return torch.sigmoid(x)
        case Tanh():
            return torch.tanh(x)
        case Softmax():
            return torch.softmax(x * op.beta, dim=3)
        case Add():
            return _activate(x + operands[1], op.activation)
        case Mul():
            return _activate(x * operands[1], op.activation)
        case Maximum():
            return torch.maximum(x, operands[1])
        case Concat():
            return torch.cat(list(operands), dim=3)
        case Pad():
            return _pad(x, op.padding, 0.0)
        case Reshape():
            return x.reshape(-1, *shape[1:])
        case AveragePool2D():
            return _activate(_average_pool(op, x), op.activation)
        case MaxPool2D():
            padded = _pad(x, op.padding, -torch.inf)
            return _activate(
                _in_channels_first(lambda y: functional.max_pool2d(y, op.window, op.stride), padded), op.activation
            )
        case Mean():
            return x.mean(dim=op.axes, keepdim=True)
        case Requantize():
            return x


def _convolve(op: Conv2D, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    padded = _pad(x, op.padding, 0.0)
    if weights.shape[1:3] == (1, 1):
        return functional.linear(padded[:, :: op.stride[0], :: op.stride[1]], weights[:, 0, 0], bias)
    filters = weights.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
    return _in_channels_first(lambda y: functional.conv2d(y, filters, bias, op.stride), padded)


def _convolve_depthwise(op: DepthwiseConv2D, x: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    padded = _pad(x, op.padding, 0.0)
    if weights.shape[1:3] == (1, 1):
        return padded[:, :: op.stride[0], :: op.stride[1]] * weights[0] + bias
    if weights.shape[1:3] == padded.shape[1:3]:  # one window; torch's convolution takes several times as long
        return (padded * weights).sum(dim=(1, 2), keepdim=True) + bias
    filters = weights.permute(3, 0, 1, 2).clone(memory_format=torch.contiguous_format)
    return _in_channels_first(lambda y: functional.conv2d(y, filters, bias, op.stride, groups=len(filters)), padded)


def _in_channels_first(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of torch's [n, channels, time, mel], of the same memory."""
    return function(_channels_first(x)).permute(0, 2, 3, 1)


def _channels_first(x: Tensor) -> Tensor:
    """[n, time, mel, channels] under torch's axes.

    Several clips or filters of one channel get the strides of that order: torch 2.13 convolves others wrong.
    """
    return x.contiguous().reshape(len(x), 1, *x.shape[1:3]) if x.shape[3] == 1 else x.permute(0, 3, 1, 2)


def _pad(x: Tensor, padding: Padding, value: float) -> Tensor:
    if padding == Padding():
        return x
    widths = (0, 0, padding.mel_before, padding.mel_after, padding.time_before, padding.time_after)
    return functional.pad(x, widths, value=value)


def _average_pool(op: AveragePool2D, x: Tensor) -> Tensor:
    def sums(values: Tensor) -> Tensor:
        padded = _pad(values, op.padding, 0.0)
        return _in_channels_first(lambda y: functional.avg_pool2d(y, op.window, op.stride, divisor_override=1), padded)

    return sums(x) / sums(torch.ones_like(x[:1, :, :, :1]))


def _activate(x: Tensor, activation: Activation) -> Tensor:
    match activation:
        case Activation.RELU:
            return torch.relu(x)
        case Activation.RELU6:
            return torch.clamp(x, 0.0, 6.0)
        case Activation.RELU_N1_TO_1:
            return torch.clamp(x, -1.0, 1.0)
        case Activation.NONE:
            return x
