"""Float weights and bias of a convolution -> int8 per output channel and int32, after TFLite's quantization spec."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Quantization, Tensor

_BIAS_LIMIT = 2**30  # half of int32: the other half is for the products
_WEIGHT_LIMIT = 127


@dataclass(frozen=True)
class QuantizedWeights:
    """The tensors that replace a convolution's float weights and bias."""

    weights: Tensor
    bias: Tensor


def quantize_weights(
    weights: NDArray[np.float64], bias: NDArray[np.float64], axis: int, input_scale: float, names: tuple[str, str]
) -> QuantizedWeights:
    """Symmetric int8 weights in [-127, 127] with one scale per channel of `axis`; bias at input scale * weight scale.

    A channel's scale is its greatest weight / 127, or as large as its bias needs to stay below 2^30: a dead channel
    with a bias would overflow int32 otherwise.
    """
    other_axes = tuple(index for index in range(weights.ndim) if index != axis)
    greatest = np.abs(weights).max(axis=other_axes)
    scale = np.maximum(greatest / _WEIGHT_LIMIT, np.abs(bias) / (input_scale * _BIAS_LIMIT))
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    shape = tuple(-1 if index == axis else 1 for index in range(weights.ndim))
    codes = np.clip(np.rint(weights / scale.astype(np.float64).reshape(shape)), -_WEIGHT_LIMIT, _WEIGHT_LIMIT)
    bias_scale = (np.float32(input_scale) * scale).astype(np.float32)
    bias_codes = np.rint(bias / (float(np.float32(input_scale)) * scale.astype(np.float64)))
    assert np.abs(bias_codes).max(initial=0) <= _BIAS_LIMIT + 1, "bias beyond the range that its scale was chosen for"
    zeros = np.zeros(len(scale), np.int32)
    return QuantizedWeights(
        Tensor(names[0], weights.shape, "int8", codes.astype(np.int8), Quantization(scale, zeros, axis)),
        Tensor(names[1], bias.shape, "int32", bias_codes.astype(np.int32), Quantization(bias_scale, zeros, 0)),
    )


def quantize_slopes(slopes: NDArray[np.float64], name: str) -> Tensor:
    """PReLU slopes [1, 1, channels] -> int8, symmetric, one scale: TFLite's PRELU has no per-channel form."""
    scale = np.array([max(float(np.abs(slopes).max()), 1e-6) / _WEIGHT_LIMIT], np.float32)
    codes = np.clip(np.rint(slopes / float(scale[0])), -_WEIGHT_LIMIT, _WEIGHT_LIMIT).astype(np.int8)
    return Tensor(name, slopes.shape, "int8", codes, Quantization(scale, np.zeros(1, np.int32)))
