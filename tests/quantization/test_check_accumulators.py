"""Bounds of an int8 graph's integers: each operator just inside passes, just beyond is refused in one line."""

import numpy as np
import pytest

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
    Softmax,
)
from quantization.check_accumulators import check_accumulators
from tests.quantization.one_operator import OneOperator

WIDEST_BIAS = 2**31 - 1 - 255 * 127  # beside one weight of 127


def weighted(kind: type[Conv2D | DepthwiseConv2D | FullyConnected], bias: int, factor: float) -> Graph:
    build = OneOperator(np.random.default_rng(0))
    shape = (1, 1) if kind is FullyConnected else (1, 1, 1, 1)
    build.constant("w", np.full(shape, -127, np.int8), np.array([factor]), 3 if kind is DepthwiseConv2D else 0)
    build.constant("b", np.array([bias], np.int32), np.array([factor]), 0)
    build.activation("y", (1, 1, 1, 1), 1.0, 0)
    return build.graph(kind((build.input("x", (1, 1, 1, 1), 1.0, 0), "w", "b"), "y"))[0]


def unary(op: Op, factor: float, shape: tuple[int, ...] = (1, 1, 1, 1)) -> Graph:
    build = OneOperator(np.random.default_rng(0))
    build.input("x", shape, factor, 0)
    kept = (1, 1, 1, shape[3]) if isinstance(op, Mean) else shape
    build.activation("y", kept, 1.0, 0)
    return build.graph(op)[0]


def binary(kind: type[Add | Mul], factor: float) -> Graph:
    build = OneOperator(np.random.default_rng(0))
    names = (
        build.input("a", (1, 1, 1, 1), factor, 0),
        build.input("b", (1, 1, 1, 1), 1.0 if kind is Mul else factor, 0),
    )
    build.activation("y", (1, 1, 1, 1), 1.0, 0)
    return build.graph(kind(names, "y"))[0]


def prelu(factor: float) -> Graph:
    build = OneOperator(np.random.default_rng(0))
    names = (
        build.input("x", (1, 1, 1, 1), 1.0, 0),
        build.constant("s", np.full((1, 1, 1), 127, np.int8), np.array([factor]), None),
    )
    build.activation("y", (1, 1, 1, 1), 1.0, 0)
    return build.graph(PRelu(names, "y"))[0]


INSIDE_AND_BEYOND = {
    "Conv2D's bias": (weighted(Conv2D, WIDEST_BIAS, 0.5), weighted(Conv2D, WIDEST_BIAS + 1, 0.5)),
    "Conv2D's shift": (weighted(Conv2D, 0, 2.0**15), weighted(Conv2D, 0, 2.0**16)),
    "DepthwiseConv2D": (weighted(DepthwiseConv2D, -WIDEST_BIAS, 0.5), weighted(DepthwiseConv2D, -WIDEST_BIAS - 1, 0.5)),
    "FullyConnected": (weighted(FullyConnected, WIDEST_BIAS, 3.0), weighted(FullyConnected, WIDEST_BIAS + 1, 3.0)),
    "FullyConnected's factor": (weighted(FullyConnected, 0, 2.0**19), weighted(FullyConnected, 0, 2.0**20)),
    "Relu": (unary(Relu(("x",), "y"), 2.0**22), unary(Relu(("x",), "y"), 2.0**23)),
    "LeakyRelu": (unary(LeakyRelu(("x",), "y", 4.0), 2.0**20), unary(LeakyRelu(("x",), "y", 4.0), 2.0**21)),
    "PRelu": (prelu(2.0**14), prelu(2.0**15)),
    "Mul": (binary(Mul, 2.0**14), binary(Mul, 2.0**15)),
    "Add": (binary(Add, 2.0**18), binary(Add, 2.0**20)),
    "Mean": (
        unary(Mean(("x",), "y", (1, 2)), 2.0**22, (1, 4, 1, 1)),
        unary(Mean(("x",), "y", (1, 2)), 2.0**23, (1, 4, 1, 1)),
    ),
    "Softmax": (
        unary(Softmax(("x",), "y", 1.0), 0.1, (1, 1, 1, 511)),
        unary(Softmax(("x",), "y", 1.0), 0.1, (1, 1, 1, 512)),
    ),
}


@pytest.mark.parametrize("name", INSIDE_AND_BEYOND)
def test_operator_just_inside_passes_and_just_beyond_is_refused(name: str) -> None:
    inside, beyond = INSIDE_AND_BEYOND[name]
    check_accumulators(inside)
    with pytest.raises(GraphError, match=r"^y: [^\n]*$"):
        check_accumulators(beyond)
