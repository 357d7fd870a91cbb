"""Whose kernel runs a step on a core, the weights as that kernel reads them, and the scratch that it needs."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler import pack_dsp, pack_mve
from asd_edge.compiler.step_cost import n_taps
from asd_edge.compiler.stream_graph import Layout, StepOp, StreamGraph, StreamStep

_POSITIONS = 4  # ASD_PATCHES: rows that the plain kernels expand to int16 together
_LARGEST_PRODUCT = 255 * 128
_MATRIX = (StepOp.CONV2D, StepOp.POINTWISE)


class Core(IntEnum):
    """asd_core."""

    GENERIC = 0
    DSP = 1
    MVE = 2


def greatest_sum(graph: StreamGraph, step: StreamStep) -> int:
    """What no sum of a convolution exceeds in magnitude, whatever its weights."""
    assert step.requantization is not None, "every convolution has one"
    bias = np.abs(step.requantization.bias.astype(np.int64))
    return _LARGEST_PRODUCT * n_taps(graph, step) + int(bias.max())


def layout_of(graph: StreamGraph, step: StreamStep, core: Core) -> Layout:
    """Of the fastest kernel that can run a convolution."""
    if step.requantization is None or step.requantization.rounds_once or greatest_sum(graph, step) >= 2**30:
        return Layout.PLAIN
    (kernel, stride_mel), n_channels = (step.kernel, step.stride[1]), graph.tensors[step.output].n_channels
    is_matrix, is_depthwise = step.op in _MATRIX, step.op == StepOp.DEPTHWISE
    match core:
        case Core.DSP if is_matrix or (is_depthwise and pack_dsp.runs_depthwise(kernel, stride_mel)):
            return Layout.DSP
        case Core.MVE if is_matrix or (is_depthwise and pack_mve.has_depthwise_kernel(kernel, stride_mel, n_channels)):
            return Layout.MVE
        case _:
            return Layout.PLAIN


def packed_weights(graph: StreamGraph, step: StreamStep, layout: Layout) -> tuple[bytes, NDArray[np.int32]]:
    """Weights and bias of a convolution as the kernel reads them."""
    assert step.weights is not None, "every convolution has weights"
    assert step.requantization is not None, "and a bias"
    weights, bias = step.weights, step.requantization.bias
    if layout == Layout.DSP:
        return weights.tobytes() if step.op == StepOp.DEPTHWISE else pack_dsp.pack_rows(weights), bias
    if layout == Layout.MVE:
        pack = pack_mve.pack_depthwise if step.op == StepOp.DEPTHWISE else pack_mve.pack_matrix
        packed = pack(weights, bias, graph.tensors[step.inputs[0]].zero_point)
        return packed.weights.tobytes(), packed.bias
    return weights.tobytes(), bias


def scratch_bytes(graph: StreamGraph, step: StreamStep, core: Core) -> int:
    """Arena bytes that hold nothing before and after the step."""
    layout, n_rows = layout_of(graph, step, core), graph.tensors[step.output].n_mels
    is_pointwise, taps = step.op == StepOp.POINTWISE, 0
    if step.op in _MATRIX:
        taps = n_taps(graph, step)
    elif step.op != StepOp.DEPTHWISE:
        return 0
    if layout == Layout.PLAIN:
        n_bytes = 2 * taps * min(_POSITIONS, n_rows)
    elif layout == Layout.DSP and taps:
        n_bytes = (pack_dsp.pointwise_scratch_bytes if is_pointwise else pack_dsp.conv2d_scratch_bytes)(n_rows, taps)
    elif layout == Layout.DSP:
        n_bytes = pack_dsp.DEPTHWISE_SCRATCH_BYTES
    elif taps:
        n_bytes = pack_mve.matrix_scratch_bytes(taps, n_rows, is_pointwise)
    else:
        n_bytes = pack_mve.depthwise_scratch_bytes(n_rows, step.stride[1])
    return (n_bytes + 3) // 4 * 4
