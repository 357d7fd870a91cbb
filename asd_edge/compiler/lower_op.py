"""One operator of an int8 Graph -> one `StreamStep`, with the integers that its kernel multiplies by."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.stream_graph import Pair, Requantization, StepOp, StreamStep
from asd_edge.errors import CompilerError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    AveragePool2D,
    Concat,
    DepthwiseConv2D,
    FullyConnected,
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
    output_size,
)
from quantization.factors import (
    Factor,
    WeightedSum,
    add_factors,
    convolution_factors,
    fully_connected_factors,
    mean_factor,
    mul_factor,
    output_bounds,
    prelu_factors,
    scale_and_zero_point,
)
from quantization.softmax import exp_table

MOST_KERNEL_COLUMNS = 64  # ASD_MAX_KERNEL_TIME
Shape = tuple[int, int, int]  # (time, mel, channels)


@dataclass(frozen=True)
class Window:
    """What a convolution reads once pads and flattenings before it are folded into it."""

    source: str
    kernel: Pair
    stride: Pair
    padding: Padding


def shape_of(graph: Graph, name: str) -> Shape:
    """(time, mel, channels) of an activation."""
    _, time, mel, channels = graph.tensors[name].shape
    return time, mel, channels


def is_legal_padding(size: Pair, window: Window) -> bool:
    """Whether every output meets at least one row and column of the map, as the kernels want it."""
    padding = window.padding
    before = (padding.time_before, padding.mel_before)
    after = (padding.time_after, padding.mel_after)
    for axis in (0, 1):
        kernel, stride = window.kernel[axis], window.stride[axis]
        n_outputs = output_size(size[axis], kernel, stride, before[axis], after[axis])
        behind = (n_outputs - 1) * stride + kernel - before[axis] - size[axis]
        if before[axis] >= kernel or behind >= kernel:
            return False
    return True


def lower_weighted_sum(graph: Graph, op: WeightedSum, window: Window, is_endless: bool) -> StreamStep:
    """A convolution, depthwise convolution or fully connected layer over `window`, whose padding is legal."""
    n_columns, n_mels, _ = shape_of(graph, window.source)
    weights, bias = (graph.values(name) for name in op.inputs[1:])
    is_depthwise = isinstance(op, DepthwiseConv2D)
    n_outputs = len(bias)
    padding, (kernel, stride) = window.padding, (window.kernel, window.stride)
    covers_time = kernel[0] == n_columns and padding.time_before == padding.time_after == 0
    n_mels_out = output_size(n_mels, kernel[1], stride[1], padding.mel_before, padding.mel_after)
    n_sums = ceil(kernel[0] / stride[0]) if is_endless else 1
    sum_bytes = 4 * n_sums * n_mels_out * n_outputs
    ring_bytes = (kernel[0] - 1) * n_mels * graph.tensors[window.source].shape[3]
    adds_up = covers_time and kernel[0] > 1 and (sum_bytes < ring_bytes or kernel[0] > MOST_KERNEL_COLUMNS)
    if is_depthwise:
        step_op = StepOp.ACCUMULATE_DEPTHWISE if adds_up else StepOp.DEPTHWISE
    elif kernel == (1, 1) and stride[1] == 1 and padding == Padding():
        step_op = StepOp.POINTWISE
    else:
        step_op = StepOp.ACCUMULATE_CONV2D if adds_up else StepOp.CONV2D
    if not adds_up:
        _check_kernel_columns(op.output, kernel[0])
    rescaling = _rescaling(graph, op, np.ascontiguousarray(bias, np.int32).reshape(-1))
    _, zero_point = scale_and_zero_point(graph, op.output)
    return StreamStep(
        step_op,
        (window.source,),
        op.output,
        kernel,
        stride,
        (padding.time_before, padding.mel_before),
        output_bounds(graph, op),
        zero_point,
        np.ascontiguousarray(weights, np.int8),
        rescaling,
    )


def _rescaling(graph: Graph, op: WeightedSum, bias: NDArray[np.int32]) -> Requantization:
    if isinstance(op, FullyConnected):
        return Requantization(bias, *fully_connected_factors(graph, op), rounds_once=True)
    return Requantization(bias, *convolution_factors(graph, op), rounds_once=False)


def lower_op(graph: Graph, op: Op, is_endless: bool) -> StreamStep:
    """Any operator but those whose input or output vanishes. Raises CompilerError for what no image can hold."""
    activations = tuple(name for name in op.inputs if graph.tensors[name].values is None)
    match op:
        case Add():
            return _step(graph, StepOp.ADD, op, activations, output_bounds(graph, op), add_factors(graph, op))
        case Mul():
            return _step(graph, StepOp.MUL, op, activations, output_bounds(graph, op), (mul_factor(graph, op),))
        case Maximum():
            return _step(graph, StepOp.MAXIMUM, op, activations)
        case Concat():
            return _step(graph, StepOp.CONCAT, op, activations)
        case Pad(padding=padding):
            before = (padding.time_before, padding.mel_before)
            return StreamStep(StepOp.PAD, activations, op.output, padding=before)
        case Reshape():
            step = _step(graph, StepOp.RESHAPE, op, activations)
            if is_endless and shape_of(graph, op.inputs[0])[0] != shape_of(graph, op.output)[0]:
                raise CompilerError(
                    f"{op.output} reshapes time, which a stream without end doesn't have; compile windows"
                )
            return step
        case AveragePool2D() | MaxPool2D():
            return _pool(graph, op)
        case Mean():
            return _mean(graph, op, is_endless)
        case PRelu():
            slopes = prelu_slopes(graph, op)
            return StreamStep(StepOp.PRELU, activations, op.output, table=slopes, factors=prelu_factors(graph, op))
        case Softmax():
            scale, _ = scale_and_zero_point(graph, op.inputs[0])
            exps = exp_table(float(scale), op.beta).astype(np.int32)
            return StreamStep(StepOp.SOFTMAX, activations, op.output, table=exps)
        case _:
            raise CompilerError(f"{type(op).__name__} {op.output} can't be compiled; run the float passes first")


def prelu_slopes(graph: Graph, op: PRelu) -> NDArray[np.int8]:
    """(n_channels,) without their zero point. Raises CompilerError where they leave int8."""
    _, zero_point = scale_and_zero_point(graph, op.inputs[1])
    slopes = graph.values(op.inputs[1]).astype(np.int32).reshape(-1) - zero_point
    if slopes.min() < -128 or slopes.max() > 127:
        raise CompilerError(f"{op.output}: slopes with zero point {zero_point} leave int8; quantize them symmetrically")
    return slopes.astype(np.int8)


def _step(
    graph: Graph,
    step_op: StepOp,
    op: Op,
    inputs: tuple[str, ...],
    clamp: tuple[int, int] = (-128, 127),
    factors: tuple[Factor, ...] = (),
) -> StreamStep:
    _, zero_point = scale_and_zero_point(graph, op.output)
    return StreamStep(step_op, inputs, op.output, clamp=clamp, zero_point=zero_point, factors=factors)


def _pool(graph: Graph, op: AveragePool2D | MaxPool2D) -> StreamStep:
    window = Window(op.inputs[0], op.window, op.stride, op.padding)
    _check_kernel_columns(op.output, op.window[0])
    if not is_legal_padding(shape_of(graph, op.inputs[0])[:2], window):
        raise CompilerError(
            f"{op.output}: padding {op.padding} is wider than the window {op.window}; use SAME or VALID"
        )
    step_op = StepOp.AVERAGE_POOL if isinstance(op, AveragePool2D) else StepOp.MAX_POOL
    before = (op.padding.time_before, op.padding.mel_before)
    _, zero_point = scale_and_zero_point(graph, op.output)
    clamp = output_bounds(graph, op)
    return StreamStep(step_op, (op.inputs[0],), op.output, op.window, op.stride, before, clamp, zero_point)


def _mean(graph: Graph, op: Mean, is_endless: bool) -> StreamStep:
    n_columns, _, _ = shape_of(graph, op.inputs[0])
    factors = (mean_factor(graph, op),)
    _, zero_point = scale_and_zero_point(graph, op.output)
    if 1 not in op.axes or (n_columns == 1 and 2 in op.axes):
        return StreamStep(StepOp.MEAN, op.inputs, op.output, zero_point=zero_point, factors=factors)
    stride = (1 if is_endless else n_columns, 1)
    kernel = (n_columns, 1)
    mean = StepOp.ACCUMULATE_MEAN
    return StreamStep(mean, op.inputs, op.output, kernel, stride, zero_point=zero_point, factors=factors)


def _check_kernel_columns(output: str, n_columns: int) -> None:
    if n_columns > MOST_KERNEL_COLUMNS:
        raise CompilerError(
            f"{output} reads {n_columns} columns at once, an image at most {MOST_KERNEL_COLUMNS}; use a shorter kernel"
        )
