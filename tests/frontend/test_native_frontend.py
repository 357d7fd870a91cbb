"""The C front end through its Python binding equals the NumPy twin bit for bit, in chunks of any length."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge import native
from asd_edge.errors import FrontendError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.emit_c_tables import emit_c_tables
from asd_edge.frontend.fixed_features import (
    FixedFeatures,
    FixedInputs,
    fixed_features,
    fixed_features_numpy,
    native_scale,
)
from asd_edge.frontend.fixed_tables import fixed_tables
from asd_edge.native import NativeFir, run_frontend
from tests.frontend.frontend_programs import FIRMWARE, reference_inputs
from tests.frontend.signal_matrix import Row, rows

GOLDEN = Path(__file__).resolve().parents[1] / "golden/asd_frontend/frames.json"
INPUTS = reference_inputs()
CHUNK_LENGTHS = (1, 2, 3, 7, 160, 511, 512, 513, 1023, 1024, 1025, 4096, 100_000)
RAM_BYTES = 12 * 1024

pytestmark = pytest.mark.skipif(
    not native.is_built(), reason="the C library isn't built; install gcc and asd-edge again"
)


def assert_same_bits(features: FixedFeatures, expected: FixedFeatures) -> None:
    for field in fields(FixedFeatures):
        np.testing.assert_array_equal(getattr(features, field.name), getattr(expected, field.name), field.name)


def in_chunks(samples: NDArray[np.int16], chunk_length: int) -> FixedFeatures:
    assert INPUTS.fir is not None
    assert INPUTS.fir_scale is not None
    fir = NativeFir(INPUTS.fir.high, INPUTS.fir.low, INPUTS.fir.bias)
    scales = native_scale(INPUTS.log_mel_scale), native_scale(INPUTS.fir_scale)
    frames = run_frontend(samples, *scales, fir, chunk_length)
    return FixedFeatures(frames.log_mel, frames.log_mel_codes, frames.fir, frames.fir_codes)


@pytest.mark.parametrize("row", tuple(rows()), ids=lambda row: row.name)
def test_c_equals_the_twin_in_every_row_of_the_matrix(row: Row) -> None:
    config = FrontendConfig()
    assert_same_bits(fixed_features(row.samples, config, INPUTS), fixed_features_numpy(row.samples, config, INPUTS))


@pytest.mark.parametrize("chunk_length", CHUNK_LENGTHS)
def test_chunks_of_any_length_give_the_whole_clip(chunk_length: int) -> None:
    samples = np.random.default_rng(chunk_length).integers(-30_000, 30_000, 20_000).astype(np.int16)
    config = FrontendConfig(clip_samples=samples.size)
    assert_same_bits(in_chunks(samples, chunk_length), fixed_features_numpy(samples, config, INPUTS))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(513, 5000),
    st.integers(1, 2000),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["noise", "rails", "lowest", "highest", "alternating", "quiet"]),
)
def test_random_lengths_chunks_and_extremes_equal_the_twin(n: int, chunk_length: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    match kind:
        case "noise":
            samples = rng.integers(-32768, 32768, n)
        case "rails":
            samples = np.where(rng.random(n) < 0.5, -32768, 32767)
        case "lowest":
            samples = np.full(n, -32768)
        case "highest":
            samples = np.full(n, 32767)
        case "alternating":
            samples = np.where(np.arange(n) // (1 + seed % 5) % 2 == 0, -32768, 32767)
        case _:
            samples = rng.integers(-2, 3, n)
    pcm = samples.astype(np.int16)
    expected = fixed_features_numpy(pcm, FrontendConfig(clip_samples=n), INPUTS)
    assert_same_bits(in_chunks(pcm, chunk_length), expected)


def test_without_a_filter_there_is_only_the_log_mel() -> None:
    samples = np.arange(-3000, 3000, dtype=np.int16)
    config = FrontendConfig(clip_samples=samples.size)
    inputs = FixedInputs(INPUTS.log_mel_scale, None, None)
    features = fixed_features(samples, config, inputs)
    assert features.fir is None
    assert features.fir_codes is None
    expected = fixed_features_numpy(samples, config, inputs)
    np.testing.assert_array_equal(features.log_mel_codes, expected.log_mel_codes)


def test_a_clip_too_short_to_be_reflected_is_refused() -> None:
    with pytest.raises(FrontendError, match="at least 513"):
        in_chunks(np.zeros(512, np.int16), 0)


def test_a_missing_library_is_one_line_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "libasd_host.so")
    with pytest.raises(FrontendError, match=r"wasn't built: no C compiler.*--frontend float") as caught:
        native.load_library.__wrapped__()
    assert "\n" not in str(caught.value)
    native.LIBRARY.write_bytes(b"of another machine")
    with pytest.raises(FrontendError, match=r"libasd_host\.so can't be loaded"):
        native.load_library.__wrapped__()


def test_state_and_scratch_fit_into_12_kb() -> None:
    assert native.frontend_ram_bytes() <= RAM_BYTES


def test_c_tables_are_what_the_formulas_give() -> None:
    tables = fixed_tables()
    assert (FIRMWARE / "frontend/asd_frontend_tables.c").read_text() == emit_c_tables(tables)
    assert np.diff(tables.mel_starts)[0] == 0  # asd_mel_power_u64_dsp.S relies on it
    assert np.diff(tables.mel_starts)[1:].min() > 0  # and on this


def test_c_uses_no_float_and_no_heap() -> None:
    for path in sorted((FIRMWARE / "frontend").glob("*.[chS]")) + sorted((FIRMWARE / "include/asd").glob("*.h")):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert re.findall(r"\b(float|double|malloc|calloc|free|alloca|printf)\b", code) == [], path.name


def test_golden_frames_stay_the_same() -> None:
    """The file's numbers were made once; a change of them is a change of every device's scores."""
    golden = json.loads(GOLDEN.read_text())
    samples = np.array(golden["samples"], np.int16)
    features = fixed_features_numpy(samples, FrontendConfig(clip_samples=samples.size), INPUTS)
    assert features.fir is not None
    assert features.fir_codes is not None
    assert features.log_mel.tolist() == golden["log_mel"]
    assert features.log_mel_codes.tolist() == golden["log_mel_codes"]
    assert features.fir.tolist() == golden["fir"]
    assert features.fir_codes.tolist() == golden["fir_codes"]
    assert_same_bits(in_chunks(samples, 100), features)
