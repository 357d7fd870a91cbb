"""What the rungs read: the firmware's very codes by default, the float front end's where asked for or needed."""

from dataclasses import replace

import numpy as np
import pytest

from asd_edge.backends.clip_features import clip_features, quantized_features
from asd_edge.backends.network_inputs import FIXED, FLOAT, check_frontend, code_inputs, default_frontend, real_inputs
from asd_edge.backends.rung import Clip
from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import BackendError, FrontendError
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector, InputScale
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_features import FixedInputs, fixed_features_numpy
from asd_edge.frontend.fixed_fir import quantize_fir
from asd_edge.frontend.fixed_quantize import code_scale
from asd_edge.frontend.wavegram_fir import FirTaps
from asd_edge.model.config import HeadConfig
from asd_edge.native import is_built

CONFIG = FrontendConfig(clip_samples=16_384)
FIR = FirTaps(np.random.default_rng(3).normal(0, 0.4, 1024), 0.2)
SCALES = {"log_mel": InputScale(0.36, 93), "wavegram_fir": InputScale(0.021, -128)}
DETECTOR = Detector(ARCFACE, CONFIG, LabelTable(("fan/id_00",)), HeadConfig(), np.ones((1, 4), np.float32), FIR, SCALES)
AUTOENCODER = replace(
    DETECTOR, kind=RECONSTRUCTION, head_rows=None, fir=None, input_scales={"log_mel": SCALES["log_mel"]}
)
needs_library = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")


def clip_of(detector: Detector) -> Clip:
    samples = np.random.default_rng(1).normal(0, 3000, CONFIG.clip_samples).astype(np.int16)
    return Clip(samples, "fan/id_00", clip_features(samples, detector))


@needs_library
def test_fixed_codes_are_the_twins_and_near_the_float_ones() -> None:
    clip, fir = clip_of(DETECTOR), quantize_fir(FIR)
    fir_scale = code_scale(fir.unit, SCALES["wavegram_fir"].scale, SCALES["wavegram_fir"].zero_point)
    twin = fixed_features_numpy(clip.samples, CONFIG, FixedInputs(code_scale(1 / 256, 0.36, 93), fir_scale, fir))
    codes = code_inputs(clip, DETECTOR, FIXED)
    assert twin.fir_codes is not None
    np.testing.assert_array_equal(codes["log_mel"], twin.log_mel_codes[None, :, :, None])
    np.testing.assert_array_equal(codes["wavegram_fir"], twin.fir_codes[None, :, None, None])
    for name, floats in quantized_features(clip.features, DETECTOR).items():
        assert len(np.unique(codes[name])) > 4  # a constant would agree too
        assert np.abs(codes[name].astype(int) - floats.astype(int)).max() <= 1


@needs_library
def test_fixed_values_for_a_float_network_are_the_features_within_their_stated_error() -> None:
    clip = clip_of(DETECTOR)
    values = real_inputs(clip, DETECTOR, FIXED)
    assert {name: found.dtype.name for name, found in values.items()} == {
        "log_mel": "float32",
        "wavegram_fir": "float32",
    }
    np.testing.assert_allclose(values["log_mel"], clip.features["log_mel"], rtol=0, atol=0.03)
    np.testing.assert_allclose(values["wavegram_fir"], clip.features["wavegram_fir"], rtol=0, atol=1e-4)
    assert not np.array_equal(values["log_mel"], real_inputs(clip, DETECTOR, FLOAT)["log_mel"])


@needs_library
def test_an_autoencoder_reads_vectors_of_fixed_codes() -> None:
    clip = clip_of(AUTOENCODER)
    codes = code_inputs(clip, AUTOENCODER, FIXED)
    frames = code_inputs(clip, DETECTOR, FIXED)["log_mel"][0, :, :, 0]  # (n_frames, n_mels)
    assert list(codes) == ["log_mel"]
    assert codes["log_mel"].shape == (CONFIG.n_frames - 4, 1, 1, 640)
    np.testing.assert_array_equal(codes["log_mel"][7].reshape(5, 128), frames[7:12])


def test_float_is_chosen_by_name_or_where_the_settings_are_not_the_fixed_point_front_ends() -> None:
    clip = clip_of(DETECTOR)
    for name, codes in code_inputs(clip, DETECTOR, FLOAT).items():
        np.testing.assert_array_equal(codes, quantized_features(clip.features, DETECTOR)[name])
    other = replace(DETECTOR, frontend=replace(CONFIG, n_mels=64))
    assert (default_frontend(DETECTOR), default_frontend(other)) == (FIXED, FLOAT)
    with pytest.raises(FrontendError, match="--frontend float"):
        code_inputs(clip, other, FIXED)


def test_an_unknown_front_end_is_refused() -> None:
    assert check_frontend(FIXED) == FIXED
    with pytest.raises(BackendError, match="choose float or fixed"):
        check_frontend("fast")
