"""Checks that no input can take an int8 Graph's integers out of 32 bits, where the kernels' results are undefined.

A sum of products is at most 255 * sum |w| + |bias|; a left shift, which a scale too small for it asks for, comes before
the multiplication. Graphs that quantize_graph made pass; a file from elsewhere may not.
"""

import numpy as np

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    LeakyRelu,
    Mean,
    Mul,
    Op,
    PRelu,
    Relu,
    Requantize,
    Softmax,
)
from quantization.factors import (
    add_factors,
    convolution_factors,
    fully_connected_factors,
    leaky_relu_factors,
    mean_count,
    mean_factor,
    mul_factor,
    prelu_factors,
    rescale_factor,
)
from quantization.softmax import MAX_CHANNELS
from quantization.wide_factor import LEAST_SHIFT

_GREATEST_CODE = 255  # of a code minus its zero point
_LIMIT = 2**31


def check_accumulators(graph: Graph) -> None:
    """Raise GraphError naming the first operator whose sum, shifted left as its scales ask, could reach 2^31."""
    for op in graph.ops:
        if isinstance(op, Softmax) and graph.tensors[op.output].shape[3] > MAX_CHANNELS:
            raise GraphError(f"{op.output}: softmax over {graph.tensors[op.output].shape[3]} channels; at most 511")
        if isinstance(op, Add) and add_factors(graph, op)[2].shift > 0:
            raise GraphError(f"{op.output}: the output's scale is below 2^-19 of its inputs'; calibrate it again")
        if isinstance(op, FullyConnected) and fully_connected_factors(graph, op).shifts.min() < LEAST_SHIFT:
            raise GraphError(f"{op.output}: the output's scale is below 2^-20 of its sums'; calibrate it again")
        greatest = _greatest_shifted(graph, op)
        if greatest >= _LIMIT:
            raise GraphError(
                f"{op.output}: at these scales a sum could reach {float(greatest):.3g}, beyond 32 bits; calibrate again"
            )


def _greatest_shifted(graph: Graph, op: Op) -> int:
    """The greatest magnitude that is multiplied; 0 where nothing is."""
    match op:
        case Conv2D() | DepthwiseConv2D() | FullyConnected():
            return _greatest_weighted_sum(graph, op)
        case Relu() | Requantize():
            return _GREATEST_CODE << max(rescale_factor(graph, op).shift, 0)
        case LeakyRelu():
            return _GREATEST_CODE << max(0, *(factor.shift for factor in leaky_relu_factors(graph, op)))
        case PRelu():
            above, below = prelu_factors(graph, op)
            return max(_GREATEST_CODE << max(above.shift, 0), _GREATEST_CODE**2 << max(below.shift, 0))
        case Mul():
            return _GREATEST_CODE**2 << max(mul_factor(graph, op).shift, 0)
        case Mean():
            return _GREATEST_CODE * mean_count(graph, op) << max(mean_factor(graph, op).shift, 0)
        case _:
            return 0


def _greatest_weighted_sum(graph: Graph, op: Conv2D | DepthwiseConv2D | FullyConnected) -> int:
    weights, bias = (np.abs(graph.values(name).astype(np.int64)) for name in op.inputs[1:])
    channel_axis = 3 if isinstance(op, DepthwiseConv2D) else 0
    totals = _GREATEST_CODE * weights.sum(axis=tuple(i for i in range(weights.ndim) if i != channel_axis)) + bias
    if isinstance(op, FullyConnected):
        return int(totals.max())
    _, shifts = convolution_factors(graph, op)
    return max(int(total) << max(int(shift), 0) for total, shift in zip(totals, shifts, strict=True))
