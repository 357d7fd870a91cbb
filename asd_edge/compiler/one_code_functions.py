"""Chains of operators whose output is a function of one code (and its channel) -> one table of 256 codes each."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    DepthwiseConv2D,
    Elu,
    LeakyRelu,
    Logistic,
    Op,
    Padding,
    PRelu,
    Relu,
    Requantize,
    Tanh,
)
from quantization.interpret_int8 import run_int8

MOST_TABLE_BYTES = 16_384  # of a chain that differs by channel: 64 channels
_SHARED = (Elu, LeakyRelu, Logistic, Relu, Requantize, Tanh)
_ALL_CODES = np.arange(-128, 128, dtype=np.int8)


def is_one_code_function(graph: Graph, op: Op) -> bool:
    """Whether each output code depends on the one input code at its place, and on the channel."""
    match op:
        case DepthwiseConv2D():
            is_single = graph.tensors[op.inputs[1]].shape[1:3] == (1, 1)
            return is_single and op.stride == (1, 1) and op.padding == Padding()
        case PRelu():
            return True
        case _:
            return isinstance(op, _SHARED)


def table_of(graph: Graph, chain: tuple[Op, ...]) -> NDArray[np.int8]:
    """(n_channels, 256), or (1, 256) where all channels agree: entry q + 128 is what the chain makes of code q.

    `chain`: one-code functions, each reading the one before it.
    """
    first, last = chain[0].inputs[0], chain[-1].output
    n_channels = graph.tensors[first].shape[3]
    shape = (1, 1, len(_ALL_CODES), n_channels)
    names = {first, *(op.output for op in chain)}
    resized = {name: replace(graph.tensors[name], shape=shape) for name in names}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if tensor.values is not None}
    codes = np.ascontiguousarray(np.broadcast_to(_ALL_CODES[:, None], shape[2:])[None, None])
    run = run_int8(Graph(tensors | resized, chain, (first,), (last,)), {first: codes})
    table = np.ascontiguousarray(run[last][0, 0].T)
    return table[:1] if (table == table[:1]).all() else table


def as_clamp(table: NDArray[np.int8]) -> tuple[int, int] | None:
    """The bounds, where the table (n, 256) only clamps codes."""
    low, high = int(table.min()), int(table.max())
    return (low, high) if len(table) == 1 and (table[0] == np.clip(_ALL_CODES, low, high)).all() else None
