"""Weights, biases and slopes in int8 and int32: TFLite's quantization spec, and no accumulator that can overflow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantization.quantize_weights import QuantizedWeights, quantize_slopes, quantize_weights

NAMES = ("w", "b")


def parts(quantized: QuantizedWeights) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weight codes and scales, bias codes and scales."""
    weights, bias = quantized.weights, quantized.bias
    assert weights.values is not None
    assert bias.values is not None
    assert weights.quantization is not None
    assert bias.quantization is not None
    return weights.values, weights.quantization.scale, bias.values, bias.quantization.scale


@pytest.mark.parametrize(("axis", "shape"), [(0, (5, 3, 2, 4)), (3, (1, 3, 3, 5))])
def test_every_output_channel_has_its_own_symmetric_scale(axis: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    spread = np.exp2(np.arange(5.0)).reshape([-1 if index == axis else 1 for index in range(4)])
    weights = rng.normal(size=shape) * spread
    quantized = quantize_weights(weights, rng.normal(size=5), axis, 0.02, NAMES)
    codes, scales, _, _ = parts(quantized)
    assert quantized.weights.quantization is not None
    assert quantized.weights.quantization.axis == axis
    assert not quantized.weights.quantization.zero_point.any()
    assert codes.dtype == np.int8
    greatest = np.abs(weights).max(axis=tuple(index for index in range(4) if index != axis))
    np.testing.assert_allclose(scales, greatest / 127, rtol=1e-6)
    assert np.abs(codes.astype(int)).max() == 127  # -128 never occurs
    per_channel = scales.astype(np.float64).reshape(spread.shape)
    assert (np.abs(codes * per_channel - weights) <= per_channel * 0.5000001).all()


def test_bias_is_int32_at_the_scale_of_the_products() -> None:
    weights, bias = np.array([[[[1.27]]], [[[-0.635]]]]), np.array([0.3, -2.0])
    _, scales, bias_codes, bias_scales = parts(quantize_weights(weights, bias, 0, 0.1, NAMES))
    assert bias_codes.dtype == np.int32
    np.testing.assert_allclose(scales, [0.01, 0.005], rtol=1e-6)
    np.testing.assert_allclose(bias_scales, [0.001, 0.0005], rtol=1e-6)
    assert bias_codes.tolist() == [300, -4000]


@pytest.mark.parametrize(
    ("weight", "bias"),
    [(0.0, 5.0), (0.0, 0.0), (1e-12, 100.0), (1e-44, 0.0), (1e-30, -1e6)],
)
def test_dead_channel_keeps_its_bias(weight: float, bias: float) -> None:
    weights = np.full((1, 1, 1, 3), weight)
    codes, scales, bias_codes, _ = parts(quantize_weights(weights, np.array([bias]), 0, 0.05, NAMES))
    assert scales[0] > 0
    assert abs(int(bias_codes[0])) <= 2**30 * (1 + 2**-23)
    assert float(bias_codes[0]) * 0.05 * float(scales[0]) == pytest.approx(bias, rel=1e-6)
    assert np.abs(codes.astype(int)).max() <= 127


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_products=st.sampled_from([1, 9, 1000, 34_000, 90_000]),
    bias_to_weight=st.sampled_from([0.0, 1.0, 1e4, 1e9, 1e12]),
)
def test_no_input_can_overflow_the_accumulator(seed: int, n_products: int, bias_to_weight: float) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 1, (2, n_products, 1, 1)) * rng.choice([-1, 1])  # the hardest case: all of one sign
    bias = rng.choice([-1, 1], 2) * bias_to_weight
    codes, _, bias_codes, _ = parts(quantize_weights(weights, bias, 0, 0.5, NAMES))
    worst = np.abs(codes.astype(np.int64)).sum(axis=(1, 2, 3)) * 255 + np.abs(bias_codes.astype(np.int64))
    assert worst.max() < 2**31


def test_slopes_have_one_scale_because_tflite_has_no_other() -> None:
    slopes = np.array([0.25, -0.5, 1.0, 0.0]).reshape(1, 1, 4)
    tensor = quantize_slopes(slopes, "slope")
    assert tensor.quantization is not None
    assert tensor.values is not None
    assert tensor.quantization.axis is None
    np.testing.assert_allclose(tensor.quantization.scale, [1 / 127], rtol=1e-6)
    assert tensor.values.ravel().tolist() == [32, -64, 127, 0]
    assert tensor.values.dtype == np.int8
    assert tensor.shape == (1, 1, 4)


def test_slopes_that_are_all_zero_have_a_scale_too() -> None:
    tensor = quantize_slopes(np.zeros((1, 1, 2)), "slope")
    assert tensor.quantization is not None
    assert tensor.quantization.scale[0] > 0
    assert tensor.values is not None
    assert not tensor.values.any()
