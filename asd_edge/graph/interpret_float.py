"""Runs a float Graph in NumPy: the definition of every operator in real numbers, and the source of calibration ranges."""

from collections.abc import Mapping
from typing import Any

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
    Logistic,
    MaxPool2D,
    Mul,
    Op,
    Pad,
    PRelu,
    Relu,
    Reshape,
)
from asd_edge.graph.windows import pad_time_mel, shifted_views, windows_as_rows

FloatArray = NDArray[np.float32]


def run_float(graph: Graph, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Every activation of the graph, inputs included: name -> (1, time, mel, channels) float32.

    Raises GraphError for an input of another shape.
    """
    activations: dict[str, FloatArray] = {}
    for name in graph.inputs:
        if inputs[name].shape != graph.tensors[name].shape:
            raise GraphError(
                f"input {name} has the shape {inputs[name].shape}, the graph wants {graph.tensors[name].shape}; "
                "check the front end's settings"
            )
        activations[name] = inputs[name].astype(np.float32, copy=False)
    for op in graph.ops:
        activations[op.output] = _run_op(graph, op, [activations.get(name) for name in op.inputs])
    return activations


def _activate(x: FloatArray, activation: Activation) -> FloatArray:
    match activation:
        case Activation.RELU:
            return np.maximum(x, 0, out=x)
        case Activation.RELU6:
            return np.clip(x, 0, 6, out=x)
        case Activation.NONE:
            return x


def _run_op(graph: Graph, op: Op, operands: list[FloatArray | None]) -> FloatArray:
    x: Any = operands[0]
    constants: list[Any] = [graph.tensors[name].values for name in op.inputs]
    shape = graph.tensors[op.output].shape
    match op:
        case Conv2D():
            weights, bias = constants[1], constants[2]
            rows = windows_as_rows(pad_time_mel(x, op.padding, 0.0), weights.shape[1:3], op.stride)
            return _activate((rows @ weights.reshape(len(weights), -1).T + bias).reshape(shape), op.activation)
        case DepthwiseConv2D():
            weights, bias = constants[1], constants[2]
            padded = pad_time_mel(x, op.padding, 0.0)
            total = np.broadcast_to(bias, shape[1:]).astype(np.float32)
            for row, column, samples in shifted_views(padded, weights.shape[1:3], op.stride):
                total += samples * weights[0, row, column]
            return _activate(total[None], op.activation)
        case Affine():
            return np.asarray(x * constants[1] + constants[2], np.float32)
        case Relu():
            return _activate(x.copy(), op.activation)
        case PRelu():
            return np.where(x >= 0, x, x * constants[1])
        case Elu():
            return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))
        case Logistic():
            return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)
        case Add():
            return _activate(np.asarray(x + operands[1], np.float32), op.activation)
        case Mul():
            return np.asarray(x * operands[1], np.float32)
        case Concat():
            return np.concatenate([part for part in operands if part is not None], axis=3)
        case Pad():
            return np.asarray(pad_time_mel(x, op.padding, 0.0), np.float32)
        case Reshape():
            return x.reshape(shape)  # type: ignore[no-any-return]
        case AveragePool2D():
            taps = [samples for _, _, samples in shifted_views(x, op.window, op.stride)]
            return np.asarray(np.mean(taps, axis=0, dtype=np.float32)[None], np.float32)
        case MaxPool2D():
            return np.asarray(
                np.max([s for _, _, s in shifted_views(x, op.window, op.stride)], axis=0)[None], np.float32
            )
