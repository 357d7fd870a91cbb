"""Takes the mean error of rounded weights out of the biases.

A convolution with weights w and int8 weights w' errs by sum (w' - w) x. Its mean over the normal clips follows from the
mean of each input channel, and is subtracted (Nagel et al. 2019, Data-Free Quantization, section 4.2, with the mean
from calibration in place of BatchNorm's). log-Mel lies around -30 dB, so that mean is no trifle.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import Conv2D, DepthwiseConv2D
from quantization.observers import ChannelStatistics


def correct_biases(float_graph: Graph, int8_graph: Graph, statistics: Mapping[str, ChannelStatistics]) -> Graph:
    """The int8 graph with other biases; both graphs have the same operators and `statistics` are the float graph's.

    Padding is left out of the mean: at the two ends of an axis fewer inputs enter a sum.
    """
    corrected: dict[str, Tensor] = {}
    for op in float_graph.ops:
        if not isinstance(op, Conv2D | DepthwiseConv2D):
            continue
        exact = float_graph.values(op.inputs[1]).astype(np.float64)
        error = _real_values(int8_graph.tensors[op.inputs[1]]) - exact
        axes = (0, 1, 2) if isinstance(op, DepthwiseConv2D) else (1, 2, 3)
        mean_error = (error * statistics[op.inputs[0]].mean).sum(axis=axes)  # (n_outputs,)
        bias = int8_graph.tensors[op.inputs[2]]
        codes = np.rint(_real_values(bias) / _scales(bias) - mean_error / _scales(bias))
        corrected[bias.name] = replace(bias, values=codes.astype(np.int32))
    return replace(int8_graph, tensors={**int8_graph.tensors, **corrected})


def _real_values(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """scale * q of weights or a bias, whose zero points are 0."""
    assert tensor.values is not None, f"{tensor.name} holds no values"
    return tensor.values.astype(np.float64) * _scales(tensor)


def _scales(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """One scale per channel, shaped to multiply the tensor's values."""
    quantization: Quantization | None = tensor.quantization
    assert quantization is not None, f"{tensor.name} has no scale"
    assert quantization.axis is not None, f"{tensor.name} has one scale"
    shape = tuple(-1 if axis == quantization.axis else 1 for axis in range(len(tensor.shape)))
    return quantization.scale.astype(np.float64).reshape(shape)
