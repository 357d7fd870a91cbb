"""Float weights and bias of a convolution -> int8 per output channel and int32, after TFLite's quantization spec."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Quantization, Tensor

# Two summands of an accumulator that share int32's range, whatever the input's codes are.
_BIAS_LIMIT = 2**30
_PRODUCTS_LIMIT = 2**30 - 2**26  # the rest is for the rounding of up to half a million weights per channel
_GREATEST_INPUT = 255  # of a code minus its zero point
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

    A channel's scale is its greatest weight / 127, or as large as it must be for no input to overflow the int32
    accumulator: a dead channel with a bias, or a very long sum, would otherwise.
    """
    other_axes = tuple(index for index in range(weights.ndim) if index != axis)
    magnitudes = np.abs(weights)
    scale = np.maximum.reduce(
        [
            magnitudes.max(axis=other_axes) / _WEIGHT_LIMIT,
            magnitudes.sum(axis=other_axes) * _GREATEST_INPUT / _PRODUCTS_LIMIT,
            np.abs(bias) / (input_scale * _BIAS_LIMIT),
        ]
    ).astype(np.float32)
    scale = np.where(scale > 0, scale, np.float32(1))
    shape = tuple(-1 if index == axis else 1 for index in range(weights.ndim))
    codes = np.clip(np.rint(weights / scale.astype(np.float64).reshape(shape)), -_WEIGHT_LIMIT, _WEIGHT_LIMIT)
    bias_scale = np.float32(input_scale) * scale
    bias_codes = np.rint(bias / (float(np.float32(input_scale)) * scale.astype(np.float64)))
    greatest = np.abs(codes).sum(axis=other_axes) * _GREATEST_INPUT + np.abs(bias_codes)
    assert greatest.max(initial=0) < 2**31, "an accumulator could overflow"
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
