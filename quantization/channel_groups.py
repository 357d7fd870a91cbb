"""Which channels of a float Graph may be scaled without changing its outputs: groups of activations, and the rewriting.

PReLU, ReLU, maxima, pooling, Pad and sums commute with a positive factor per channel, act(s x) = s act(x) and
s a + s b = s (a + b). Activations that such operators connect, above all a residual stream, form a group that can share
one factor per channel. It is exact in real arithmetic where every layer that writes into the group takes s into its
output channels and every layer that reads from it divides its input channels by s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, float_weight, with_ops
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    LeakyRelu,
    Maximum,
    MaxPool2D,
    Mean,
    Op,
    Pad,
    PRelu,
    Relu,
)
from quantization.observers import ChannelStatistics

Layer = Conv2D | DepthwiseConv2D | FullyConnected
Factors = Mapping[str, NDArray[np.float64]]  # first activation of a group -> (n_channels,), positive
_COMMUTE = PRelu | LeakyRelu | Pad | Mean | Maximum
_COMMUTE_UNBOUNDED = Relu | AveragePool2D | MaxPool2D | Add  # where no bound of 1 or 6 is fused


@dataclass(frozen=True)
class ChannelGroup:
    """Activations that share their channels' factors, and the layers that take the factors in.

    A product with constants that leads from one of them to another, as in a PReLU written max(x, a x), needs nothing.
    """

    names: tuple[str, ...]  # in execution order; the first names the group
    producers: tuple[Layer, ...]
    readers: tuple[Layer, ...]


def channel_groups(graph: Graph) -> dict[str, ChannelGroup]:
    """Every group that can be scaled, by its first activation, in execution order.

    Left out is a group that holds an input or output of the network, or that any other operator writes or reads.
    """
    groups = (_group(graph, names) for names in _connected(graph))
    return {group.names[0]: group for group in groups if group is not None}


def scale_channels(graph: Graph, factors: Factors) -> Graph:
    """The same outputs in real arithmetic, with each group in `factors` multiplied by them.

    Raises GraphError for a factor that the graph can't take.
    """
    groups = channel_groups(graph)
    for name, scaled_by in factors.items():
        if name not in groups:
            raise GraphError(f"activation {name} can't be equalized in this graph; use the factors of its own export")
        for op in groups[name].producers:
            weights, bias = (graph.values(each).astype(np.float64) for each in op.inputs[1:])
            shape = scaled_by.shape if isinstance(op, DepthwiseConv2D) else (-1, *[1] * (weights.ndim - 1))
            added = (
                float_weight(op.inputs[1], weights * scaled_by.reshape(shape)),
                float_weight(op.inputs[2], bias * scaled_by),
            )
            graph = with_ops(graph, graph.ops, added)
        for op in groups[name].readers:
            weights = graph.values(op.inputs[1]).astype(np.float64)
            divided = (weights.reshape(-1, len(scaled_by)) / scaled_by).reshape(weights.shape)
            graph = with_ops(graph, graph.ops, (float_weight(op.inputs[1], divided),))
    return graph


def scaled_statistics(
    graph: Graph, statistics: Mapping[str, ChannelStatistics], factors: Factors
) -> dict[str, ChannelStatistics]:
    """The statistics of the scaled graph's activations."""
    groups = channel_groups(graph)
    scaled = dict(statistics)
    for name, scaled_by in factors.items():
        for member in groups[name].names:
            scaled[member] = scaled[member].scaled(scaled_by)
    return scaled


def _commutes(graph: Graph, op: Op) -> bool:
    if isinstance(op, Add | Maximum):  # a constant would have to be scaled too, and one value for all channels can't be
        shapes = [graph.tensors[name].shape for name in (*op.inputs, op.output)]
        is_constant = any(graph.tensors[name].values is not None for name in op.inputs)
        if is_constant or len({shape[3] for shape in shapes}) > 1:
            return False
    return isinstance(op, _COMMUTE) or (isinstance(op, _COMMUTE_UNBOUNDED) and _is_unbounded(op.activation))


def _is_product(graph: Graph, op: Op) -> bool:
    """Whether it multiplies each channel by a constant: the a x of a PReLU that is written max(x, a x)."""
    if not isinstance(op, DepthwiseConv2D) or op.activation is not Activation.NONE:
        return False
    return graph.tensors[op.inputs[1]].shape[1:3] == (1, 1) and not graph.values(op.inputs[2]).any()


def _is_unbounded(activation: Activation) -> bool:
    return activation in (Activation.NONE, Activation.RELU)


def _connected(graph: Graph) -> Iterator[tuple[str, ...]]:
    """Activations joined by operators that commute with factors, in execution order."""
    group_of = {name: [name] for name in graph.activations()}
    for op in graph.ops:
        if _commutes(graph, op):
            for name in op.inputs:
                if name in group_of and group_of[name] is not group_of[op.output]:
                    joined = group_of[name] + group_of[op.output]
                    group_of.update(dict.fromkeys(joined, joined))
    order = {name: index for index, name in enumerate(group_of)}
    for name, names in group_of.items():
        if name == min(names, key=order.__getitem__):
            yield tuple(sorted(names, key=order.__getitem__))


def _group(graph: Graph, names: tuple[str, ...]) -> ChannelGroup | None:
    """None where some operator around these activations can't take factors in."""
    if not {*names}.isdisjoint((*graph.inputs, *graph.outputs)):
        return None
    producers: list[Layer] = []
    readers: list[Layer] = []
    for op in graph.ops:
        writes, reads = op.output in names, any(name in names for name in op.inputs)
        if (not writes and not reads) or _commutes(graph, op) or (writes and reads and _is_product(graph, op)):
            continue
        if not isinstance(op, Layer) or (writes and not _is_unbounded(op.activation)):
            return None
        producers += [op] if writes else []
        readers += [op] if reads else []
    return ChannelGroup(names, tuple(producers), tuple(readers)) if readers else None
