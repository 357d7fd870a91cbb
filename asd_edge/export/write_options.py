"""One operator's options table in a .tflite file: stride, padding, fused activation, axis, slope."""

from collections.abc import Callable

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.export.tflite_operators import ACTIVATIONS, SAME, VALID, keeps_dimensions
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    LeakyRelu,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Padding,
    Requantize,
    Reshape,
    Softmax,
    same_padding,
)


def write_options(
    builder: flatbuffers.Builder, graph: Graph, op: Op, write_vector: Callable[[NDArray[np.int32]], int]
) -> int | None:
    """The table's offset; None for an operator that has none. Raises GraphError for a padding TFLite can't say."""
    match op:
        case Conv2D():
            schema.Conv2DOptionsStart(builder)
            schema.Conv2DOptionsAddPadding(builder, _padding(graph, op))
            schema.Conv2DOptionsAddStrideH(builder, op.stride[0])
            schema.Conv2DOptionsAddStrideW(builder, op.stride[1])
            schema.Conv2DOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            return int(schema.Conv2DOptionsEnd(builder))
        case DepthwiseConv2D():
            schema.DepthwiseConv2DOptionsStart(builder)
            schema.DepthwiseConv2DOptionsAddPadding(builder, _padding(graph, op))
            schema.DepthwiseConv2DOptionsAddStrideH(builder, op.stride[0])
            schema.DepthwiseConv2DOptionsAddStrideW(builder, op.stride[1])
            schema.DepthwiseConv2DOptionsAddDepthMultiplier(builder, 1)
            schema.DepthwiseConv2DOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            return int(schema.DepthwiseConv2DOptionsEnd(builder))
        case FullyConnected():
            schema.FullyConnectedOptionsStart(builder)
            schema.FullyConnectedOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            schema.FullyConnectedOptionsAddKeepNumDims(builder, keeps_dimensions(graph, op))
            return int(schema.FullyConnectedOptionsEnd(builder))
        case AveragePool2D() | MaxPool2D():
            schema.Pool2DOptionsStart(builder)
            schema.Pool2DOptionsAddPadding(builder, _padding(graph, op))
            schema.Pool2DOptionsAddStrideH(builder, op.stride[0])
            schema.Pool2DOptionsAddStrideW(builder, op.stride[1])
            schema.Pool2DOptionsAddFilterHeight(builder, op.window[0])
            schema.Pool2DOptionsAddFilterWidth(builder, op.window[1])
            schema.Pool2DOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            return int(schema.Pool2DOptionsEnd(builder))
        case Add():
            schema.AddOptionsStart(builder)
            schema.AddOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            return int(schema.AddOptionsEnd(builder))
        case Mul():
            schema.MulOptionsStart(builder)
            schema.MulOptionsAddFusedActivationFunction(builder, ACTIVATIONS[op.activation])
            return int(schema.MulOptionsEnd(builder))
        case Maximum():
            schema.MaximumMinimumOptionsStart(builder)
            return int(schema.MaximumMinimumOptionsEnd(builder))
        case LeakyRelu():
            schema.LeakyReluOptionsStart(builder)
            schema.LeakyReluOptionsAddAlpha(builder, op.alpha)
            return int(schema.LeakyReluOptionsEnd(builder))
        case Softmax():
            schema.SoftmaxOptionsStart(builder)
            schema.SoftmaxOptionsAddBeta(builder, op.beta)
            return int(schema.SoftmaxOptionsEnd(builder))
        case Mean():
            schema.ReducerOptionsStart(builder)
            schema.ReducerOptionsAddKeepDims(builder, True)
            return int(schema.ReducerOptionsEnd(builder))
        case Concat():
            schema.ConcatenationOptionsStart(builder)
            schema.ConcatenationOptionsAddAxis(builder, 3)
            return int(schema.ConcatenationOptionsEnd(builder))
        case Pad():
            schema.PadOptionsStart(builder)
            return int(schema.PadOptionsEnd(builder))
        case Reshape():
            shape = write_vector(np.array(graph.tensors[op.output].shape, np.int32))
            schema.ReshapeOptionsStart(builder)
            schema.ReshapeOptionsAddNewShape(builder, shape)
            return int(schema.ReshapeOptionsEnd(builder))
        case Requantize():
            schema.QuantizeOptionsStart(builder)
            return int(schema.QuantizeOptionsEnd(builder))
        case _:
            return None


def _padding(graph: Graph, op: Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D) -> int:
    if op.padding == Padding():
        return int(VALID)
    _, time, mel, _ = graph.tensors[op.inputs[0]].shape
    if isinstance(op, AveragePool2D | MaxPool2D):
        kernel = op.window
    else:
        _, *kernel_sizes, _ = graph.tensors[op.inputs[1]].shape
        kernel = (kernel_sizes[0], kernel_sizes[1])
    same = Padding(*same_padding(time, kernel[0], op.stride[0]), *same_padding(mel, kernel[1], op.stride[1]))
    if op.padding == same:
        return int(SAME)
    raise GraphError(f"{op.output}: {op.padding} is neither VALID nor SAME; run the float passes before quantizing")
