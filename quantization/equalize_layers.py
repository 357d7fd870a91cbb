"""Cross-layer equalization where it has a price: factors for channels that a plain convolution reads.

A convolution's weights have one scale per *output* channel. Dividing input channel c by s_c makes room for that channel
in its activation, and takes room from the other weights of the layer where s_c is small. Both are noise of rounding, of
variance step^2 / 12. For one layer with weights w[o, t, c] (t: taps) that reads a group of tensors of steps D_i, and
whose input's channel has the mean square m_c, the noise of its output, summed over the output channels, is

    activations   sum_otc w[o, t, c]^2 / s_c^2 * sum_i D_i(s)^2 / 12        D_i(s) = max_c s_c r_ic / 127.5
    weights       sum_otc s_c^2 m_c * d_o(s)^2 / 12                         d_o(s) = max_tc |w[o, t, c]| / s_c / 127

as a part of the output's mean square. The factors of a group are s = v^b / r^a, r and v being the share of the range
that each channel takes of its activations and of its readers' weights, with those exponents of a small grid for which
the sum over the readers is least; a = b = 1/2 is the choice of Nagel et al. 2019 (Data-Free Quantization, section 4.1),
and a = b = 0 leaves the group as it is. More than half of the way is not tried: a channel that fills its range with
what calibration saw clips what it didn't see.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import DepthwiseConv2D
from quantization.channel_groups import ChannelGroup, Layer, channel_groups
from quantization.equalize_channels import GREATEST_FACTOR, greatest_shares, is_free
from quantization.observers import ChannelStatistics

_EXPONENTS = (0.0, 0.25, 0.5)
_LEAST_GAIN = 0.05  # of the predicted noise; below it a group stays as it is

FloatArray = NDArray[np.float64]


def layer_factors(graph: Graph, statistics: Mapping[str, ChannelStatistics]) -> dict[str, FloatArray]:
    """Factors for each group that `equalize_channels` leaves alone and that gains by some."""
    found: dict[str, FloatArray] = {}
    for name, group in channel_groups(graph).items():
        if is_free(group):
            continue
        candidates = _candidates(graph, group, statistics)
        noises = [predicted_noise(graph, group, statistics, factors) for factors in candidates]
        best = int(np.argmin(noises))
        if noises[best] < (1 - _LEAST_GAIN) * noises[0]:
            found[name] = candidates[best]
    return found


def _candidates(graph: Graph, group: ChannelGroup, statistics: Mapping[str, ChannelStatistics]) -> list[FloatArray]:
    """(n_channels,) each, at least 1; the first is all ones."""
    of_activations = greatest_shares([statistics[name] for name in group.names])
    of_weights = np.full(len(of_activations), 1.0 / GREATEST_FACTOR)
    for reader in group.readers:
        greatest = np.abs(_weights(graph, reader)).max(axis=(0, 1))
        of_weights = np.maximum(of_weights, greatest / max(float(greatest.max()), 1e-30))
    candidates = []
    for of_range, of_weight in product(_EXPONENTS, _EXPONENTS):
        factors = of_weights**of_weight / of_activations**of_range
        candidates.append(factors / factors.min())
    return candidates


def predicted_noise(
    graph: Graph, group: ChannelGroup, statistics: Mapping[str, ChannelStatistics], factors: FloatArray
) -> float:
    """Rounding noise at the outputs of the group's readers, as a part of each output's mean square, summed."""
    steps = [float((statistics[name].magnitudes * factors).max()) / 127.5 for name in group.names]
    of_activations = sum(step**2 for step in steps) / 12
    total = 0.0
    for reader in group.readers:
        signal = float(statistics[reader.output].mean_square.sum())
        if signal == 0:
            continue
        weights = _weights(graph, reader) / factors
        noise = float(np.square(weights).sum()) * of_activations
        if not isinstance(reader, DepthwiseConv2D):  # whose weights have a scale for each channel
            squares = statistics[reader.inputs[0]].mean_square * factors**2
            of_outputs = np.square(np.abs(weights).max(axis=(1, 2)) / 127) / 12
            noise += float(of_outputs.sum()) * weights.shape[1] * float(squares.sum())
        total += noise / signal
    return total


def _weights(graph: Graph, reader: Layer) -> FloatArray:
    """(outputs, taps, input channels); a depthwise convolution has one output per channel and counts as one."""
    weights = graph.values(reader.inputs[1]).astype(np.float64)
    n_channels = graph.tensors[reader.inputs[0]].shape[3]
    return weights.reshape(len(weights), -1, n_channels)
