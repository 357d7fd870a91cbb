"""Cross-layer equalization where it costs nothing: each channel of an activation fills the tensor's int8 range.

An activation has one scale for all channels, so a channel ten times smaller than the widest has a tenth of the codes.
Let a convolution feed, through PReLU or a fused ReLU, a depthwise convolution. For any factors s > 0

    depthwise(w / s, act(conv(s * v, s * b))) = depthwise(w, act(conv(v, b)))        act(s x) = s act(x)

exactly, and both sets of weights have a scale per channel, so that the factors cost them no precision either
(Nagel et al. 2019, Data-Free Quantization, section 4.1, with the activations' own ranges in place of the weights').
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, float_weight, with_ops
from asd_edge.graph.ops import Activation, Conv2D, DepthwiseConv2D, Pad, PRelu
from quantization.observers import ChannelStatistics

_GREATEST_FACTOR = 64.0  # a channel that hardly moves on normal clips is not blown up beyond this


Factors = Mapping[str, NDArray[np.float64]]  # activation -> (n_channels,), positive


def channel_factors(graph: Graph, statistics: Mapping[str, ChannelStatistics]) -> dict[str, NDArray[np.float64]]:
    """For each convolution's output that a depthwise convolution reads: what fills its channels, at least 1.

    A channel grows until it reaches the edge of the range of some tensor on the way. Requires lowered affines and fused
    relus (`asd_edge.graph.passes`).
    """
    return {
        op.output: _filling_factors([statistics[name] for name in names])
        for op in graph.ops
        if isinstance(op, Conv2D | DepthwiseConv2D) and op.activation is not Activation.RELU6
        for names, reader in [_path_to_depthwise(graph, op.output)]
        if reader is not None
    }


def equalize_channels(graph: Graph, factors: Factors) -> Graph:
    """The same outputs in real arithmetic, with each activation in `factors` grown by them.

    Raises GraphError for a factor that the graph can't take.
    """
    for name, grown in factors.items():
        op = graph.producer(name) if name in graph.tensors else None
        _, reader = _path_to_depthwise(graph, name) if op is not None else ([], None)
        if not isinstance(op, Conv2D | DepthwiseConv2D) or reader is None:
            raise GraphError(f"activation {name} can't be equalized in this graph; use the factors of its own export")
        of_outputs = grown if isinstance(op, DepthwiseConv2D) else grown[:, None, None, None]
        added = (
            float_weight(op.inputs[1], graph.values(op.inputs[1]).astype(np.float64) * of_outputs),
            float_weight(op.inputs[2], graph.values(op.inputs[2]).astype(np.float64) * grown),
        )
        graph = with_ops(graph, graph.ops, added)
        read = graph.values(reader.inputs[1]).astype(np.float64) / grown
        graph = with_ops(graph, graph.ops, (float_weight(reader.inputs[1], read),))
    return graph


def grown_statistics(
    graph: Graph, statistics: Mapping[str, ChannelStatistics], factors: Factors
) -> dict[str, ChannelStatistics]:
    """The statistics of the equalized graph's activations."""
    grown = dict(statistics)
    for name, values in factors.items():
        for reached in _path_to_depthwise(graph, name)[0]:
            grown[reached] = grown[reached].scaled(values)
    return grown


def _path_to_depthwise(graph: Graph, name: str) -> tuple[list[str], DepthwiseConv2D | None]:
    """The tensors from `name` through PReLU and Pad to the depthwise convolution that alone reads them, if one does."""
    names = [name]
    while len(graph.consumers(names[-1])) == 1 and names[-1] not in graph.outputs:
        (reader,) = graph.consumers(names[-1])
        if isinstance(reader, DepthwiseConv2D):
            return names, reader
        if not isinstance(reader, PRelu | Pad):
            break
        names.append(reader.output)
    return names, None


def _filling_factors(path: list[ChannelStatistics]) -> NDArray[np.float64]:
    """(n_channels,) at least 1: how far each channel can grow before it reaches the edge of some tensor's range."""
    greatest_share = np.full(len(path[0].mean), 1.0 / _GREATEST_FACTOR)
    for statistics in path:
        magnitudes = np.maximum(np.abs(statistics.low), np.abs(statistics.high))
        widest = float(magnitudes.max())
        if widest > 0.0:
            greatest_share = np.maximum(greatest_share, magnitudes / widest)
    factors: NDArray[np.float64] = 1.0 / greatest_share
    return factors
