"""The network's inputs of a clip: shapes, values, and the order of frames within a vector."""

import numpy as np
import pytest
import torch

from asd_edge.backends.clip_features import clip_features, network_runs, quantized_features
from asd_edge.clip.label_table import LabelTable
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector, InputScale
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.wavegram_fir import FirTaps, wavegram_fir
from asd_edge.model.config import HeadConfig
from asd_edge.train.data_module import VectorDataset
from tests.backends.tiny_detector import FRONTEND, machine_sound

SAMPLES = machine_sound(0, False, seed=1)
N_FRAMES, N_MELS = FRONTEND.n_frames, FRONTEND.n_mels
SCALES = {"log_mel": InputScale(0.5, 10), "wavegram_fir": InputScale(0.125, -128)}


def _detector(kind: str, inputs: tuple[str, ...]) -> Detector:
    taps = FirTaps(np.random.default_rng(2).normal(size=FRONTEND.n_fft), 0.25) if "wavegram_fir" in inputs else None
    rows = np.eye(2, dtype=np.float32) if kind == ARCFACE else None
    scales = {name: SCALES[name] for name in inputs}
    return Detector(kind, FRONTEND, LabelTable(("a/id_00", "b/id_00")), HeadConfig(), rows, taps, scales)


@pytest.mark.parametrize(
    ("inputs", "shapes"),
    [
        (("log_mel", "wavegram_fir"), {"log_mel": (1, N_FRAMES, N_MELS, 1), "wavegram_fir": (1, N_FRAMES, 1, 1)}),
        (("log_mel",), {"log_mel": (1, N_FRAMES, N_MELS, 1)}),
        (("wavegram_fir",), {"wavegram_fir": (1, N_FRAMES, 1, 1)}),
    ],
)
def test_a_detector_gets_the_inputs_that_it_reads(inputs: tuple[str, ...], shapes: dict[str, tuple[int, ...]]) -> None:
    features = clip_features(SAMPLES, _detector(ARCFACE, inputs))
    assert {name: values.shape for name, values in features.items()} == shapes


def test_the_values_are_those_of_the_float_front_end() -> None:
    detector = _detector(ARCFACE, ("log_mel", "wavegram_fir"))
    assert detector.fir is not None
    features = clip_features(SAMPLES, detector)
    # BLAS adds in another order on another number of threads
    np.testing.assert_allclose(features["log_mel"][0, :, :, 0], log_mel(SAMPLES, FRONTEND), rtol=0, atol=1e-12)
    expected = wavegram_fir(SAMPLES, detector.fir.taps, detector.fir.bias, FRONTEND)
    np.testing.assert_allclose(features["wavegram_fir"][0, :, 0, 0], expected, rtol=0, atol=1e-12)


def test_an_autoencoder_reads_the_vectors_that_it_was_trained_on() -> None:
    vectors = clip_features(SAMPLES, _detector(RECONSTRUCTION, ("log_mel",)))["log_mel"]
    frames = torch.from_numpy(log_mel(SAMPLES, FRONTEND))
    trained_on, _ = VectorDataset(frames[None]).__getitems__(list(range(len(vectors))))
    assert vectors.shape == (N_FRAMES - 4, 1, 1, 5 * N_MELS)
    np.testing.assert_allclose(vectors[:, 0, 0], trained_on.numpy(), rtol=0, atol=1e-12)


def test_codes_are_the_inputs_at_their_own_scales() -> None:
    detector = _detector(ARCFACE, ("log_mel", "wavegram_fir"))
    features = {"log_mel": np.array([-1000.0, 0.0, 1.25, 1000.0]), "wavegram_fir": np.array([0.0, 1.0])}
    codes = quantized_features(features, detector)
    assert codes["log_mel"].tolist() == [-128, 10, 13, 127]
    assert codes["wavegram_fir"].tolist() == [-128, -120]


def test_runs_go_through_the_vectors_one_by_one() -> None:
    inputs = {"log_mel": np.arange(6.0).reshape(3, 1, 1, 2)}
    assert [run["log_mel"].tolist() for run in network_runs(inputs)] == [[[[[0, 1]]]], [[[[2, 3]]]], [[[[4, 5]]]]]
