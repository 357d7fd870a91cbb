"""Softmax in fixed point: close to the real function, equal rows, its limits. LiteRT: test_interpret_int8.py."""

import numpy as np
import pytest

from quantization.softmax import MAX_CHANNELS, softmax


@pytest.mark.parametrize("n_channels", [1, 2, 12, MAX_CHANNELS])
@pytest.mark.parametrize(("scale", "beta"), [(0.001, 1.0), (0.05, 1.0), (0.1, 0.5), (2.0, 1.0)])
def test_codes_are_within_one_of_the_real_function(scale: float, beta: float, n_channels: int) -> None:
    codes = np.random.default_rng(0).integers(-128, 128, (20, n_channels)).astype(np.int8)
    x = beta * scale * codes.astype(np.float64)
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    real = np.clip(256 * powers / powers.sum(axis=1, keepdims=True) - 128, -128, 127)
    assert np.abs(softmax(codes, np.float32(scale), beta) - real).max() < 1


@pytest.mark.parametrize("n_channels", [1, 2, 4, 256, MAX_CHANNELS])
def test_equal_codes_share_one(n_channels: int) -> None:
    found = softmax(np.full((1, 1, 1, n_channels), 17, np.int8), np.float32(0.1), 1.0)
    assert set(found.ravel().tolist()) == {min(127, int(256 / n_channels + 0.5) - 128)}


def test_more_channels_than_the_kernel_bears_are_not_computed() -> None:
    with pytest.raises(AssertionError, match="too many channels"):
        softmax(np.zeros((1, MAX_CHANNELS + 1), np.int8), np.float32(0.1), 1.0)
