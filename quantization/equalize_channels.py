"""Cross-layer equalization where it costs nothing: each channel of an activation fills the tensor's int8 range.

An activation has one scale for all channels, so a channel ten times smaller than the widest has a tenth of the codes.
Let a convolution feed, through PReLU, ReLU or a sum, a depthwise convolution. For any factors s > 0

    depthwise(w / s, act(conv(s * v, s * b))) = depthwise(w, act(conv(v, b)))        act(s x) = s act(x)

exactly, and both sets of weights have a scale per channel, so that the factors cost them no precision either
(Nagel et al. 2019, Data-Free Quantization, section 4.1, with the activations' own ranges in place of the weights').
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import DepthwiseConv2D
from quantization.channel_groups import ChannelGroup, channel_groups
from quantization.observers import ChannelStatistics

GREATEST_FACTOR = 64.0  # a channel that hardly moves on normal clips is not blown up beyond this


def channel_factors(
    graph: Graph, statistics: Mapping[str, ChannelStatistics], exponent: float = 1.0
) -> dict[str, NDArray[np.float64]]:
    """For each group of activations that depthwise convolutions alone read: factors of at least 1.

    A channel grows until it reaches the edge of the range of some tensor on the way, or to that power less. Requires
    lowered affines and fused relus (`asd_edge.graph.passes`).
    """
    return {
        name: (1.0 / greatest_shares([statistics[member] for member in group.names])) ** exponent
        for name, group in channel_groups(graph).items()
        if is_free(group)
    }


def is_free(group: ChannelGroup) -> bool:
    """Whether factors cost no weight its precision: a producer's have a scale per channel, and so have a reader's."""
    return all(isinstance(reader, DepthwiseConv2D) for reader in group.readers)


def greatest_shares(members: list[ChannelStatistics]) -> NDArray[np.float64]:
    """(n_channels,) up to 1: the greatest part of a tensor's magnitude that each channel takes in some tensor."""
    greatest = np.full(len(members[0].mean), 1.0 / GREATEST_FACTOR)
    for statistics in members:
        widest = float(statistics.magnitudes.max())
        if widest > 0.0:
            greatest = np.maximum(greatest, statistics.magnitudes / widest)
    return greatest
