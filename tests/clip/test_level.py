"""A clip at other levels, and which level whose turn it is."""

import numpy as np
import pytest

from asd_edge.clip.level import at_level, level_in_turn_db

SAMPLES = np.array([0, 100, -101, 8_000, -10_000], np.int16)


def test_a_level_is_a_factor_on_every_sample() -> None:
    np.testing.assert_array_equal(at_level(SAMPLES, -20.0), [0, 10, -10, 800, -1_000])
    np.testing.assert_array_equal(at_level(SAMPLES, 20 * np.log10(3)), [0, 300, -303, 24_000, -30_000])


@pytest.mark.parametrize("samples", [SAMPLES, np.zeros(4, np.int16)])
def test_nothing_changes_at_0_db(samples: np.typing.NDArray[np.int16]) -> None:
    assert at_level(samples, 0.0) is samples


def test_what_would_clip_becomes_as_loud_as_fits() -> None:
    louder = at_level(SAMPLES, 40.0)
    assert np.abs(louder.astype(int)).max() == 32767
    np.testing.assert_allclose(louder / 3.2767, SAMPLES, atol=0.2)
    full = np.array([32767, -32768, 5], np.int16)
    assert at_level(full, 6.0) is full, "the lowest code has no positive twin"


def test_silence_stays() -> None:
    assert not at_level(np.zeros(4, np.int16), 6.0).any()


def test_levels_come_in_turn_and_a_single_clip_stays_as_it_is() -> None:
    assert [level_in_turn_db(index, 4.0) for index in range(7)] == [0.0, -4.0, 4.0, 0.0, -4.0, 4.0, 0.0]
