"""An int8 Graph of one operator -> the records that make firmware/apps/kernels/kernel_check run it, one per kernel."""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
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
    Padding,
    PRelu,
    Relu,
    Requantize,
    Softmax,
    Tanh,
)
from quantization.elementwise import ALL_CODES, prelu_table
from quantization.factors import (
    Factor,
    activation_bounds,
    add_factors,
    convolution_factors,
    fully_connected_factors,
    mean_factor,
    mul_factor,
    output_bounds,
    prelu_factors,
    scale_and_zero_point,
)
from quantization.interpret_int8 import run_int8
from quantization.softmax import exp_table

Int8Array = NDArray[np.int8]


class OpCode(IntEnum):
    """asd_op"""

    CONV2D = 1
    POINTWISE = 2
    DEPTHWISE = 3
    ACCUMULATE_CONV2D = 4
    ACCUMULATE_DEPTHWISE = 5
    ACCUMULATE_MEAN = 6
    MEAN = 7
    LOOKUP = 8
    PRELU = 9
    ADD = 10
    MUL = 11
    MAXIMUM = 12
    CONCAT = 13
    AVERAGE_POOL = 15
    MAX_POOL = 16
    SOFTMAX = 17


@dataclass(frozen=True)
class Sums:
    """What a convolution multiplies by, and how its sums become codes."""

    weights: Int8Array
    bias: NDArray[np.int32]  # (n_channels_out,)
    multipliers: NDArray[np.int32] | NDArray[np.int64]  # (n_channels_out,); int64: mantissas of asd_rounding ONCE
    shifts: NDArray[np.int32] | NDArray[np.int64]

    def content(self) -> bytes:
        words = self.multipliers.astype(self.multipliers.dtype.newbyteorder("<"))
        parts = (self.bias.astype("<i4"), words, self.shifts.astype("i1"), self.weights)
        return b"".join(part.tobytes() for part in parts)


@dataclass(frozen=True)
class Record:
    """A kernel_record and what follows it."""

    op: OpCode
    inputs: tuple[Int8Array, ...]  # (n_columns, n_mels, n_channels) each
    output_shape: tuple[int, int, int]
    kernel: tuple[int, int] = (1, 1)  # (time, mel)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int] = (0, 0)  # before
    input_zero_points: tuple[int, ...] = ()
    zero_point: int = 0
    prelu_zero_point: int = 0
    bounds: tuple[int, int] = (-128, 127)
    activation: int = 0  # asd_activation
    factors: tuple[Factor, ...] = ()
    sums: Sums | None = None
    table: bytes = b""

    def content(self) -> bytes:
        """The bytes that kernel_check reads."""
        n_columns, n_mels, _ = self.inputs[0].shape
        n_columns_out, n_mels_out, n_channels_out = self.output_shape
        channels = [x.shape[2] for x in self.inputs] + [0] * (4 - len(self.inputs))
        zero_points = [*self.input_zero_points, 0, 0][:2]
        factors = [*self.factors, *[Factor(0, 0)] * 3][:3]
        sizes = (self.op, len(self.inputs), n_columns, n_columns_out, self.kernel[0], self.stride[0], self.pads[0])
        rows = (n_mels, n_mels_out, self.kernel[1], self.stride[1], self.pads[1])
        header = struct.pack(
            "<17I6i2I6i3I",
            *(*sizes, *rows, *channels, n_channels_out),
            *(*zero_points, self.zero_point, self.prelu_zero_point, *self.bounds),
            *(self.activation, self.sums is not None and self.sums.multipliers.dtype == np.int64),
            *(number for factor in factors for number in factor),
            *((0, 0) if self.sums is None else (self.sums.bias.size, self.sums.weights.size)),
            len(self.table),
        )
        sums = b"" if self.sums is None else self.sums.content()
        return b"".join((header, sums, self.table, *(x.tobytes() for x in self.inputs)))


def records(graph: Graph, inputs: dict[str, Int8Array]) -> list[Record]:
    """Every way in which the kernels can run the graph: an operator, or a convolution and the PReLU or ELU after it."""
    first, *rest = graph.ops
    activations = [name for name in first.inputs if name in inputs]
    _, *output_shape = graph.tensors[first.output].shape
    plain = Record(
        OpCode.LOOKUP,
        tuple(inputs[name][0] for name in activations),
        (output_shape[0], output_shape[1], output_shape[2]),
        input_zero_points=tuple(_zero_point(graph, name) for name in activations)[:2],
        zero_point=_zero_point(graph, first.output),
    )
    if isinstance(first, Conv2D | DepthwiseConv2D | FullyConnected):
        found = _weighted(graph, first, plain)
        return [fused for record in found for fused in _with_activation(graph, record, rest[0])] if rest else found
    return _unweighted(graph, first, plain)


def _zero_point(graph: Graph, name: str) -> int:
    return scale_and_zero_point(graph, name)[1]


def _weighted(graph: Graph, op: Conv2D | DepthwiseConv2D | FullyConnected, plain: Record) -> list[Record]:
    weights, bias = graph.values(op.inputs[1]).astype(np.int8), graph.values(op.inputs[2]).astype(np.int32)
    plain = replace(plain, bounds=output_bounds(graph, op))
    if isinstance(op, FullyConnected):
        row = plain.inputs[0].reshape(1, 1, -1)
        plain = replace(plain, inputs=(row,), sums=Sums(weights, bias, *fully_connected_factors(graph, op)))
        codes = (OpCode.POINTWISE, OpCode.CONV2D, OpCode.ACCUMULATE_CONV2D)
        return [replace(plain, op=code) for code in codes]
    plain = replace(plain, sums=Sums(weights, bias, *convolution_factors(graph, op)))
    kernel, padding = (weights.shape[1], weights.shape[2]), op.padding
    is_depthwise = isinstance(op, DepthwiseConv2D)
    whole = OpCode.DEPTHWISE if is_depthwise else OpCode.CONV2D
    pads = (padding.time_before, padding.mel_before)
    plain = replace(plain, op=whole, kernel=kernel, stride=op.stride, pads=pads)
    found = [plain]
    if not is_depthwise and kernel == (1, 1) and op.stride[1] == 1 and padding == Padding():
        found.append(replace(plain, op=OpCode.POINTWISE))
    if padding.time_before == padding.time_after == 0:
        by_column = OpCode.ACCUMULATE_DEPTHWISE if is_depthwise else OpCode.ACCUMULATE_CONV2D
        found.append(replace(plain, op=by_column))
    return found


def _with_activation(graph: Graph, record: Record, op: Op) -> list[Record]:
    record = replace(record, prelu_zero_point=_zero_point(graph, op.output))
    if not isinstance(op, PRelu):
        return [replace(record, activation=2, table=_table(graph, op).tobytes())]
    slopes = graph.values(op.inputs[1]).astype(np.int8).tobytes()
    table = prelu_table(graph, op).T.tobytes()
    return [
        replace(record, activation=1, table=slopes, factors=prelu_factors(graph, op)),
        replace(record, activation=3, table=table),
    ]


def _table(graph: Graph, op: Op) -> Int8Array:
    """(256,): the operator's output for every code."""
    tensors = dict(graph.tensors)
    for name in (op.inputs[0], op.output):
        tensors[name] = replace(tensors[name], shape=(1, 256, 1, 1))
    one = Graph(tensors, (op,), (op.inputs[0],), (op.output,))
    return run_int8(one, {op.inputs[0]: ALL_CODES.reshape(1, 256, 1, 1)})[op.output].ravel()


def _unweighted(graph: Graph, op: Op, plain: Record) -> list[Record]:
    match op:
        case PRelu():
            slopes = graph.values(op.inputs[1]).astype(np.int8).tobytes()
            return [
                replace(plain, op=OpCode.PRELU, table=slopes, factors=prelu_factors(graph, op)),
                replace(plain, table=prelu_table(graph, op).T.tobytes()),
            ]
        case Elu() | Logistic() | Tanh() | Relu() | LeakyRelu() | Requantize():
            return [replace(plain, table=_table(graph, op).tobytes())]
        case Add():
            return [replace(plain, op=OpCode.ADD, bounds=output_bounds(graph, op), factors=add_factors(graph, op))]
        case Mul():
            return [replace(plain, op=OpCode.MUL, bounds=output_bounds(graph, op), factors=(mul_factor(graph, op),))]
        case Maximum():
            return [replace(plain, op=OpCode.MAXIMUM)]
        case Concat():
            return [replace(plain, op=OpCode.CONCAT)]
        case Softmax():
            exps = exp_table(float(scale_and_zero_point(graph, op.inputs[0])[0]), op.beta)
            return [replace(plain, op=OpCode.SOFTMAX, table=exps.astype("<i4").tobytes())]
        case Mean():
            code = OpCode.MEAN if op.axes == (2,) else OpCode.ACCUMULATE_MEAN
            kernel_time = 1 if op.axes == (2,) else plain.inputs[0].shape[0]
            return [replace(plain, op=code, kernel=(kernel_time, 1), factors=(mean_factor(graph, op),))]
        case AveragePool2D() | MaxPool2D():
            code = OpCode.MAX_POOL if isinstance(op, MaxPool2D) else OpCode.AVERAGE_POOL
            bounds = activation_bounds(op.activation, *scale_and_zero_point(graph, op.output))
            pads = (op.padding.time_before, op.padding.mel_before)
            return [replace(plain, op=code, kernel=op.window, stride=op.stride, pads=pads, bounds=bounds)]
        case _:
            raise AssertionError(f"no kernel runs {type(op).__name__}")
