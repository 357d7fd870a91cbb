"""Records with drawn shapes and constants of any sign and shift, and what a convolution must give, in NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantization.factors import Factor
from quantization.fixed_point import multiply_by_quantized_multiplier
from tests.kernels.kernel_records import OpCode, Record, Sums

Int8Array = NDArray[np.int8]
N_COLUMNS = 3


@dataclass(frozen=True)
class Shape:
    """Of a convolution: its column, its channels, its kernel along time and mel."""

    op: OpCode
    n_mels: int
    n_in: int
    n_out: int
    kernel: tuple[int, int] = (1, 1)
    stride_mel: int = 1
    pad_mel: int = 0


SHAPES = (
    *(Shape(OpCode.POINTWISE, n_mels, n_in, n_out) for n_mels, n_in, n_out in ((1, 1, 9), (2, 16, 4), (7, 64, 6))),
    *(Shape(OpCode.POINTWISE, n_mels, n_in, n_out) for n_mels, n_in, n_out in ((8, 128, 12), (5, 48, 7), (1, 512, 8))),
    *(Shape(OpCode.POINTWISE, n_mels, n_in, n_out) for n_mels, n_in, n_out in ((3, 65, 5), (37, 16, 3), (6, 192, 4))),
    Shape(OpCode.CONV2D, 10, 2, 8, (3, 3), 2, 1),
    Shape(OpCode.CONV2D, 9, 64, 5, (3, 3), 1, 1),
    Shape(OpCode.CONV2D, 8, 5, 6, (2, 4), 1, 3),
    Shape(OpCode.CONV2D, 300, 1, 4, (1, 3), 1, 1),
    Shape(OpCode.DEPTHWISE, 17, 16, 16, (3, 3), 1, 1),
    Shape(OpCode.DEPTHWISE, 17, 5, 5, (3, 3), 2, 1),
    Shape(OpCode.DEPTHWISE, 16, 33, 33, (3, 3), 2, 1),
    Shape(OpCode.DEPTHWISE, 8, 64, 64, (3, 3), 1, 0),
    Shape(OpCode.DEPTHWISE, 3, 18, 18, (1, 3), 1, 2),
    Shape(OpCode.DEPTHWISE, 12, 7, 7, (3, 1), 2, 0),
    Shape(OpCode.DEPTHWISE, 5, 20, 20, (2, 2), 1, 1),
)


def drawn(seed: int) -> Iterator[tuple[Record, bytes]]:
    """Every shape with every activation: the record in TFLite's layout, and its output."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        for activation in range(4):
            for kind in ("usual", "any shift", "extreme"):
                record = _record(rng, shape, activation, kind)
                yield record, _output(record).tobytes()


def _record(rng: np.random.Generator, shape: Shape, activation: int, kind: str) -> Record:
    n_products = shape.kernel[0] * shape.kernel[1] * (1 if shape.op is OpCode.DEPTHWISE else shape.n_in)
    weights_shape = (1, *shape.kernel, shape.n_out)
    if shape.op is not OpCode.DEPTHWISE:
        weights_shape = (shape.n_out, *shape.kernel, shape.n_in)
    weights = rng.integers(-128, 128, weights_shape).astype(np.int8)
    codes = rng.integers(-128, 128, (N_COLUMNS, shape.n_mels, shape.n_in)).astype(np.int8)
    if kind == "extreme":
        weights = rng.choice(np.array([-128, 127], np.int8), weights_shape)
        codes = rng.choice(np.array([-128, 127], np.int8), codes.shape)
    center = -round(np.log2(5000 * n_products**0.5 / 64))  # typical sums become codes
    shifts = rng.integers(center - 1, center + 2, shape.n_out)
    multipliers = rng.integers(2**30, 2**31, shape.n_out)
    if kind != "usual":
        shifts = np.where(rng.random(shape.n_out) < 0.5, shifts, rng.integers(-31, 3, shape.n_out))
        multipliers = np.where(rng.random(shape.n_out) < 0.1, 0, multipliers)
    bias = rng.integers(-20_000, 20_000, shape.n_out).astype(np.int32)
    if kind == "extreme":  # ties in either rounding
        multipliers = rng.choice(np.array([2**30, 2**30 + 2**29, 2**31 - 1]), shape.n_out)
    zero_points = [int(z) for z in rng.choice(np.array([-128, -127, -3, 0, 64, 127]), 3)]
    low, high = sorted(int(b) for b in rng.integers(-128, 128, 2)) if rng.random() < 0.3 else (-128, 127)
    table = {0: 0, 1: shape.n_out, 2: 256, 3: 256 * shape.n_out}[activation]
    left = 8 if kind == "any shift" else 0
    factors = tuple(
        Factor(int(rng.integers(2**30, 2**31)), int(rng.integers(least, most)))
        for least, most in ((-3, 4), (-31 if left else -9, left - 2))
    )
    n_mels_out = (shape.n_mels + 2 * shape.pad_mel - shape.kernel[1]) // shape.stride_mel + 1
    return Record(
        shape.op,
        (codes,),
        (N_COLUMNS, n_mels_out, shape.n_out),
        shape.kernel,
        (1, shape.stride_mel),
        (shape.kernel[0] // 2, shape.pad_mel),
        (zero_points[0],),
        zero_points[1],
        zero_points[2],
        (low, high),
        activation,
        factors,
        Sums(weights, bias, multipliers.astype(np.int32), shifts.astype(np.int32)),
        rng.integers(-128, 128, table).astype(np.int8).tobytes(),
    )


def _output(record: Record) -> Int8Array:
    """(n_columns, n_mels_out, n_channels_out), by quantization/fixed_point.py alone."""
    assert record.sums is not None
    c = _clipped(_sums(record), record.sums.multipliers, record.sums.shifts, record.zero_point, record.bounds)
    table = np.frombuffer(record.table, np.int8).astype(np.int64)
    match record.activation:
        case 1:
            x = c.astype(np.int64) - record.zero_point
            positive = multiply_by_quantized_multiplier(np.maximum(x, 0), *record.factors[0])
            negative = multiply_by_quantized_multiplier(np.minimum(x, 0) * table, *record.factors[1])
            codes = np.where(x >= 0, positive, negative) + record.prelu_zero_point
            return np.asarray(np.clip(codes, -128, 127), np.int8)
        case 2:
            return np.asarray(table[c.astype(np.int64) + 128], np.int8)
        case 3:
            return np.asarray(table[c.astype(np.int64) + 128 + 256 * np.arange(c.shape[2])], np.int8)
        case _:
            return c


def _sums(record: Record) -> NDArray[np.int64]:
    assert record.sums is not None
    codes, (n_time, n_mel), zero_point = record.inputs[0], record.kernel, record.input_zero_points[0]
    n_columns, n_mels_out, n_out = record.output_shape
    (pad_time, pad_mel), stride = record.pads, record.stride[1]
    after_mel = (n_mels_out - 1) * stride + n_mel - codes.shape[1] - pad_mel
    x = np.pad(codes.astype(np.int64) - zero_point, ((pad_time, n_time), (pad_mel, max(after_mel, 0)), (0, 0)))
    weights = record.sums.weights.astype(np.int64)
    sums = np.broadcast_to(record.sums.bias.astype(np.int64), (n_columns, n_mels_out, n_out)).copy()
    for time in range(n_time):
        for mel in range(n_mel):
            part = x[time : time + n_columns, mel : mel + (n_mels_out - 1) * stride + 1 : stride]
            if record.op is OpCode.DEPTHWISE:
                sums += part * weights[0, time, mel]
            else:
                sums += part @ weights[:, time, mel].T
    return sums


def _clipped(
    sums: NDArray[np.int64],
    multipliers: NDArray[np.int32] | NDArray[np.int64],
    shifts: NDArray[np.int32] | NDArray[np.int64],
    zero_point: int,
    bounds: tuple[int, int],
) -> Int8Array:
    values = multiply_by_quantized_multiplier(sums, multipliers.astype(np.int32), shifts.astype(np.int32))
    return np.asarray(np.clip(values + zero_point, *bounds), np.int8)
