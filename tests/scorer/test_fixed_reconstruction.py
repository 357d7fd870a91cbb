"""The integer reconstruction score against the float formula, at the rails and over a whole clip."""

import numpy as np
import pytest

from asd_edge.errors import CheckpointError, ClipError
from asd_edge.scorer.fixed_reconstruction import (
    MOST_VALUES,
    FixedOutputScale,
    fixed_output_scale,
    fixed_reconstruction_score,
)
from asd_edge.scorer.reconstruction_score import reconstruction_score

ROUNDING_DB = 2.0**-13 + 255 * 4.0 * 2.0**-31  # of a code's value: half a step, and the multiplier's own rounding


def clip(seed: int, n_vectors: int, spread_db: float) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Vectors in 1/256 dB and codes that miss them by spread_db rms; scale and zero point of the codes."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-80 * 256, 25 * 256, (n_vectors, 640)).astype(np.int16)
    scale, zero_point = 0.4317, 71
    made = (vectors / 256 + rng.normal(scale=spread_db, size=vectors.shape)) / scale + zero_point
    return vectors, np.clip(np.rint(made), -128, 127).astype(np.int8), scale, zero_point


@pytest.mark.parametrize("spread_db", [0.0, 0.5, 3.0, 30.0])
def test_the_error_stays_below_its_bound(spread_db: float) -> None:
    vectors, codes, scale, zero_point = clip(3, 309, spread_db)
    exact = reconstruction_score(vectors / 256, scale * (codes.astype(np.float64) - zero_point))
    score = fixed_reconstruction_score(vectors, codes, fixed_output_scale(scale, zero_point)) / 65536
    assert abs(score - exact) <= 2.0 * ROUNDING_DB * np.sqrt(exact) + ROUNDING_DB**2 + 2.0**-17
    assert abs(score - exact) <= 1e-4 * max(1.0, exact)


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
@pytest.mark.parametrize("scale", [1e-9, 0.0123, 0.25, 1.0, 3.999])
def test_every_code_has_its_value_within_the_rounding(scale: float, zero_point: int) -> None:
    codes = np.arange(-128, 128, dtype=np.int8)
    fixed = fixed_output_scale(scale, zero_point)
    made = ((codes.astype(np.int64) - zero_point) * fixed.multiplier + (1 << (fixed.shift - 1))) >> fixed.shift
    exact = scale * (codes.astype(np.float64) - zero_point)
    assert np.abs(made / 4096 - exact).max() <= ROUNDING_DB


def test_the_largest_errors_of_the_longest_clip_do_not_overflow() -> None:
    vectors = np.full((MOST_VALUES // 1024, 1024), -32768, np.int16)
    codes = np.full(vectors.shape, 127, np.int8)
    scale = FixedOutputScale((1 << 31) - 1, 17, -128)
    error = 32768 * 16 + 255 * (1 << 14)
    assert fixed_reconstruction_score(vectors, codes, scale) == (error**2 + 128) >> 8
    assert error**2 * MOST_VALUES < 1 << 64
    assert (error**2 + 128) >> 8 > 1 << 32  # 32 bits would have saturated


def test_a_perfect_reconstruction_scores_zero() -> None:
    codes = np.arange(-128, 128, dtype=np.int8).reshape(2, 128)
    vectors = (codes.astype(np.int16) - 5) * 64
    assert fixed_reconstruction_score(vectors, codes, fixed_output_scale(0.25, 5)) == 0


@pytest.mark.parametrize("n_values", [0, MOST_VALUES + 1])
def test_a_clip_of_no_or_too_many_values_is_refused(n_values: int) -> None:
    with pytest.raises(ClipError, match=f"it has {n_values} values"):
        fixed_reconstruction_score(
            np.zeros((1, n_values), np.int16), np.zeros((1, n_values), np.int8), fixed_output_scale(0.5, 0)
        )


@pytest.mark.parametrize("scale", [0.0, -1.0, 4.0, float("nan"), float("inf")])
def test_a_scale_that_no_log_mel_needs_is_refused(scale: float) -> None:
    with pytest.raises(CheckpointError, match="dB per code"):
        fixed_output_scale(scale, 0)
