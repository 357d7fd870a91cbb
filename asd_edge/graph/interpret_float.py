"""Runs a float Graph in NumPy: every operator's definition in real numbers, and the source of calibration ranges."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
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
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
)
from asd_edge.graph.windows import (
    average_counts,
    pad_time_mel,
    pooling_windows,
    shifted_views,
    windows_as_rows,
)

FloatArray = NDArray[np.float32]


def run_float(graph: Graph, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Every activation of the graph, inputs included: name -> (1, time, mel, channels) float32.

    Raises GraphError for an input that is missing or has another shape.
    """
    activations: dict[str, FloatArray] = {}
    for name in graph.inputs:
        found = inputs[name].shape if name in inputs else None
        if found != graph.tensors[name].shape:
            raise GraphError(
                f"input {name} has the shape {found}, the graph wants {graph.tensors[name].shape}; "
                "check the front end's settings"
            )
        activations[name] = inputs[name].astype(np.float32, copy=False)
    for op in graph.ops:
        operands = [
            activations[name] if name in activations else graph.values(name).astype(np.float32, copy=False)
            for name in op.inputs
        ]
        activations[op.output] = _run_op(op, operands, graph.tensors[op.output].shape)
    return activations


def _activate(x: FloatArray, activation: Activation) -> FloatArray:
    match activation:
        case Activation.RELU:
            return np.maximum(x, 0, out=x)
        case Activation.RELU6:
            return np.clip(x, 0, 6, out=x)
        case Activation.RELU_N1_TO_1:
            return np.clip(x, -1, 1, out=x)
        case Activation.NONE:
            return x


def _run_op(op: Op, operands: Sequence[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    """The output, of that shape, from activations and constants in the order of op.inputs."""
    x = operands[0]
    match op:
        case Conv2D():
            weights, bias = operands[1:]
            rows = windows_as_rows(pad_time_mel(x, op.padding, 0), weights.shape[1:3], op.stride)
            sums = rows @ weights.reshape(len(weights), -1).T
            sums += bias
            return _activate(sums.reshape(shape), op.activation)
        case DepthwiseConv2D():
            return _activate(_depthwise(op, operands, shape), op.activation)
        case FullyConnected():
            weights, bias = operands[1:]
            return _activate((weights @ x.ravel() + bias).reshape(shape), op.activation)
        case Affine():
            return x * operands[1] + operands[2]
        case Relu():
            return _activate(x.copy(), op.activation)
        case PRelu():
            return np.where(x >= 0, x, x * operands[1])
        case LeakyRelu():
            return np.where(x >= 0, x, x * np.float32(op.alpha))
        case Elu():
            return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))
        case Logistic():
            return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)
        case Tanh():
            return np.tanh(x)
        case Softmax():
            powers = np.exp((x - x.max(axis=3, keepdims=True)) * np.float32(op.beta))
            return np.asarray(powers / powers.sum(axis=3, keepdims=True))
        case Add():
            return _activate(x + operands[1], op.activation)
        case Mul():
            return _activate(x * operands[1], op.activation)
        case Maximum():
            return np.maximum(x, operands[1])
        case Concat():
            return np.concatenate(operands, axis=3)
        case Pad():
            return pad_time_mel(x, op.padding, 0)
        case Reshape():
            return x.reshape(shape)
        case AveragePool2D():
            # sums of float64, so that the zeros of padding don't count
            sums = pooling_windows(pad_time_mel(x, op.padding, 0), op.window, op.stride).sum(axis=1, dtype=np.float64)
            means = sums / average_counts(x, op)[:, None]
            return _activate(means.astype(np.float32).reshape(shape), op.activation)
        case MaxPool2D():
            padded = pad_time_mel(x, op.padding, -np.inf)
            return _activate(pooling_windows(padded, op.window, op.stride).max(axis=1).reshape(shape), op.activation)
        case Mean():
            return np.asarray(x.mean(axis=op.axes, keepdims=True, dtype=np.float64), np.float32)
        case Requantize():
            return x


def _depthwise(op: DepthwiseConv2D, operands: Sequence[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    x, weights, bias = operands
    total = np.broadcast_to(bias, shape[1:]).copy()
    product = np.empty_like(total)
    for row, column, samples in shifted_views(pad_time_mel(x, op.padding, 0), weights.shape[1:3], op.stride):
        np.multiply(samples, weights[0, row, column], out=product)
        total += product
    return total[None]
