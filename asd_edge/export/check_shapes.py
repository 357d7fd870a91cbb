"""Checks an int8 Graph read from a file: order of execution, shapes and types fit, so an interpreter can run it."""

from math import prod

import numpy as np

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Reshape,
    Softmax,
    Tanh,
    output_size,
)

Shape = tuple[int, ...]
Pair = tuple[int, int]  # (time, mel)


def check_shapes(graph: Graph) -> None:
    """Raise GraphError naming the first tensor that comes too late or has another shape than its operator gives."""
    computed = set(graph.inputs)
    for name in graph.inputs:
        _check_activation(graph, name)
    for op in graph.ops:
        for index, name in enumerate(op.inputs):
            is_constant = graph.tensors[name].values is not None
            if is_constant not in _may_be_constant(graph, op, index):
                raise GraphError(f"tensor {name} of {op.output}: a constant and an activation are confused")
            if not is_constant and name not in computed:
                raise GraphError(f"tensor {name} is read by {op.output} before an operator gives it")
        if op.output in computed:
            raise GraphError(f"tensor {op.output} is written twice")
        _check_activation(graph, op.output)
        expected, found = _output_shape(graph, op), graph.tensors[op.output].shape
        if expected != found:
            raise GraphError(f"tensor {op.output} has the shape {found}; its operator gives {expected}")
        _check_quantization(graph, op)
        computed.add(op.output)
    for name in graph.outputs:
        if name not in computed:
            raise GraphError(f"output {name} is given by no operator")


def _may_be_constant(graph: Graph, op: Op, index: int) -> tuple[bool, ...]:
    """Which of False and True are right for an operand: weights are constants, one summand may be."""
    if isinstance(op, Add | Mul | Maximum):
        is_other_constant = graph.tensors[op.inputs[1 - index]].values is not None
        return (False,) if is_other_constant else (False, True)
    weighted = Conv2D | DepthwiseConv2D | FullyConnected | PRelu
    return (isinstance(op, weighted) and index > 0,)


def _check_activation(graph: Graph, name: str) -> None:
    tensor = graph.tensors[name]
    if tensor.dtype != "int8" or len(tensor.shape) != 4 or tensor.shape[0] != 1 or min(tensor.shape) < 1:
        raise GraphError(f"tensor {name} is {tensor.dtype} {tensor.shape}, not int8 [1, time, mel, channels]")
    if tensor.quantization is None or len(tensor.quantization.scale) != 1:
        raise GraphError(f"tensor {name} needs one scale and one zero point")


def _check_quantization(graph: Graph, op: Op) -> None:
    """Operators that copy codes have one quantization; that of a table's output is fixed by TFLite's specification."""
    output = graph.tensors[op.output].quantization
    assert output is not None, "checked as an activation"
    found = (float(output.scale[0]), int(output.zero_point[0]))
    if isinstance(op, Concat | Pad | Reshape | AveragePool2D | MaxPool2D | Maximum):
        for name in op.inputs:
            source = graph.tensors[name].quantization
            if source is None or (float(source.scale[0]), int(source.zero_point[0])) != found:
                raise GraphError(
                    f"tensor {name} has another scale or zero point than {op.output}, which copies its codes"
                )
    if isinstance(op, Logistic | Softmax | Tanh):
        fixed = (1 / 128, 0) if isinstance(op, Tanh) else (1 / 256, -128)
        if found != fixed:
            raise GraphError(
                f"tensor {op.output} has the scale {found[0]:g} and zero point {found[1]}; its operator gives "
                f"{fixed[0]:g} and {fixed[1]}"
            )


def _output_shape(graph: Graph, op: Op) -> Shape | None:
    """What the operator makes of its inputs; None where they don't fit together."""
    shapes = [graph.tensors[name].shape for name in op.inputs]
    _, time, mel, channels = shapes[0]
    match op:
        case Conv2D():
            n_outputs, kernel_time, kernel_mel, n_inputs = _weights_shape(graph, op)
            fits = n_inputs == channels and shapes[2] == (n_outputs,)
            window = _window((time, mel), (kernel_time, kernel_mel), op.stride, op.padding)
            return (1, *window, n_outputs) if fits else None
        case DepthwiseConv2D():
            n_filters, kernel_time, kernel_mel, n_channels = _weights_shape(graph, op)
            fits = n_filters == 1 and n_channels == channels and shapes[2] == (channels,)
            window = _window((time, mel), (kernel_time, kernel_mel), op.stride, op.padding)
            return (1, *window, channels) if fits else None
        case FullyConnected():
            n_outputs, n_inputs = _weights_shape(graph, op)
            return (1, 1, 1, n_outputs) if n_inputs == prod(shapes[0]) and shapes[2] == (n_outputs,) else None
        case AveragePool2D() | MaxPool2D():
            return (1, *_window((time, mel), op.window, op.stride, op.padding), channels)
        case Mean():
            return (1, 1 if 1 in op.axes else time, 1 if 2 in op.axes else mel, channels)
        case Add() | Mul() | Maximum():
            return _broadcast(shapes[0], shapes[1]) or _broadcast(shapes[1], shapes[0])
        case PRelu():
            slopes = graph.tensors[op.inputs[1]]
            fits = slopes.shape == (1, 1, channels) and slopes.dtype == "int8"
            return shapes[0] if fits else None
        case Concat():
            fits = len({shape[:3] for shape in shapes}) == 1
            return (1, time, mel, sum(shape[3] for shape in shapes)) if fits else None
        case Pad(padding=p):
            return (1, time + p.time_before + p.time_after, mel + p.mel_before + p.mel_after, channels)
        case Reshape():
            shape = graph.tensors[op.output].shape
            return shape if prod(shape) == prod(shapes[0]) else None
        case _:
            return shapes[0]


def _broadcast(shape: Shape, other: Shape) -> Shape | None:
    """`shape` where the other is the same, one value per channel or one value."""
    return shape if other in (shape, (1, 1, 1, shape[3]), (1, 1, 1, 1)) else None


def _weights_shape(graph: Graph, op: Conv2D | DepthwiseConv2D | FullyConnected) -> Shape:
    weights, bias = (graph.tensors[name] for name in op.inputs[1:])
    rank = 2 if isinstance(op, FullyConnected) else 4
    if weights.dtype != "int8" or len(weights.shape) != rank or bias.dtype != "int32":
        raise GraphError(
            f"{op.output}: weights {weights.dtype} {weights.shape}, bias {bias.dtype}; want rank {rank} int8, int32"
        )
    quantization = weights.quantization
    if quantization is None or np.any(quantization.zero_point):
        raise GraphError(f"tensor {weights.name} needs symmetric scales")
    return weights.shape


def _window(size: Pair, kernel: Pair, stride: Pair, padding: Padding) -> Pair:
    if min(*kernel, *stride) < 1:
        raise GraphError(f"window {kernel} with stride {stride}; both must be positive")
    return (
        output_size(size[0], kernel[0], stride[0], padding.time_before, padding.time_after),
        output_size(size[1], kernel[1], stride[1], padding.mel_before, padding.mel_after),
    )
