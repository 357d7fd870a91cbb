"""The rungs on one tiny detector and one autoencoder: each against an independent computation and against the next."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from asd_edge.backends.clip_features import clip_features, quantized_features
from asd_edge.backends.ladder import RUNGS_OF_THIS_MACHINE, open_rung
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.tflite_rung import TOLERANCE_LSB
from asd_edge.errors import ClipError, DatasetError
from asd_edge.export.detector import load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.frontend.torch_log_mel import LogMel
from asd_edge.model.arcface import arcface_logits
from asd_edge.model.checkpoint import load_checkpoint, write_checkpoint
from asd_edge.model.network import autoencoder_from_checkpoint, build_network, network_from_checkpoint
from quantization.interpret_int8 import run_int8
from tests.backends.tiny_detector import FRONTEND, MACHINES, TINY, machine_sound, weights_of

LAST_LAYER = "classifier.linear1.bn"
N_VECTORS, VECTOR_SIZE = FRONTEND.n_frames - 4, 5 * FRONTEND.n_mels


def _clips(work: Path, machines: tuple[str, ...] = MACHINES) -> list[Clip]:
    """Of each machine one sound and one faulty clip."""
    detector = load_detector(work / "detector.safetensors")
    clips = []
    for index, machine in enumerate(machines):
        for is_faulty in (False, True):
            samples = machine_sound(index, is_faulty, seed=90 + index)
            clips.append(Clip(samples, machine, clip_features(samples, detector)))
    return clips


def _scores(rung: str, work: Path, clips: list[Clip]) -> list[ClipScore]:
    opened = open_rung(rung, work)
    return [opened.score(clip) for clip in clips]


def test_torch_scores_with_the_reference_models_cross_entropy(tiny_work: Path) -> None:
    checkpoint, clips = load_checkpoint(tiny_work), _clips(tiny_work)
    network = network_from_checkpoint(checkpoint)
    for clip, found in zip(clips, _scores("torch", tiny_work, clips), strict=True):
        label = torch.tensor([checkpoint.labels.index(clip.machine)])
        with torch.no_grad():
            embedding = network(torch.from_numpy(clip.samples / 32768.0).float()[None])
            rows = functional.normalize(network.head.weight.double())
            cosines = functional.linear(functional.normalize(embedding.double()), rows)
            entropy = functional.cross_entropy(arcface_logits(cosines, label, checkpoint.head), label)
        assert found.cross_entropy == pytest.approx(float(entropy), rel=1e-6)
        np.testing.assert_allclose(found.output, embedding[0].numpy(), atol=1e-5)
        assert found.codes is None


def test_torch_leaves_its_number_of_threads_as_it_was(tiny_work: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        _scores("torch", tiny_work, _clips(tiny_work)[:1])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("fixture", ["tiny_work", "tiny_autoencoder_work"])
def test_onnx_equals_torch_on_its_own_front_end(fixture: str, request: pytest.FixtureRequest) -> None:
    work: Path = request.getfixturevalue(fixture)
    clips = _clips(work, load_checkpoint(work).labels.machines)
    for torch_score, onnx_score in zip(_scores("torch", work, clips), _scores("onnx", work, clips), strict=True):
        np.testing.assert_allclose(onnx_score.output, torch_score.output, atol=1e-3)
        assert onnx_score.score == pytest.approx(torch_score.score, rel=1e-4, abs=1e-3)


def test_the_reference_rung_is_the_int8_interpreter_on_the_quantized_features(tiny_work: Path) -> None:
    graph, detector = read_tflite(tiny_work / "model.tflite"), load_detector(tiny_work / "detector.safetensors")
    quantization = graph.tensors["embedding"].quantization
    assert quantization is not None
    clips = _clips(tiny_work)
    for clip, found in zip(clips, _scores("reference", tiny_work, clips), strict=True):
        codes = run_int8(graph, quantized_features(clip.features, detector))["embedding"].reshape(-1)
        assert found.codes is not None
        np.testing.assert_array_equal(found.codes, codes)
        real = quantization.scale[0].astype(np.float64) * (codes.astype(np.float64) - quantization.zero_point[0])
        np.testing.assert_array_equal(found.output, real)


@pytest.mark.parametrize("fixture", ["tiny_work", "tiny_autoencoder_work"])
def test_tflite_stays_within_its_stated_tolerance_of_the_reference(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    work: Path = request.getfixturevalue(fixture)
    clips = _clips(work, load_checkpoint(work).labels.machines)
    for tflite, reference in zip(_scores("tflite", work, clips), _scores("reference", work, clips), strict=True):
        assert tflite.codes is not None
        assert reference.codes is not None
        assert len(np.unique(reference.codes)) > 4  # a constant output would agree too
        assert np.abs(tflite.codes.astype(int) - reference.codes.astype(int)).max() <= TOLERANCE_LSB
    assert open_rung("tflite", work).tolerance_lsb == TOLERANCE_LSB


def test_every_rung_gives_an_autoencoder_the_mean_squared_error(tiny_autoencoder_work: Path) -> None:
    work = tiny_autoencoder_work
    checkpoint = load_checkpoint(work)
    (clip, *_) = _clips(work, checkpoint.labels.machines)
    with torch.no_grad():
        frames = LogMel(FRONTEND)(torch.from_numpy(clip.samples / 32768.0).float()[None])[0, 0].T
        vectors = torch.stack([frames[t : t + 5].flatten() for t in range(N_VECTORS)])
        expected = float((autoencoder_from_checkpoint(checkpoint)(vectors) - vectors).double().square().mean())
    tolerances = {"torch": 1e-5, "onnx": 1e-4, "tflite": 0.05, "reference": 0.05, "host": 0.05}
    for rung in RUNGS_OF_THIS_MACHINE:
        (found,) = _scores(rung, work, [clip])
        assert found.score == pytest.approx(expected, rel=tolerances[rung])
        assert found.cross_entropy is None
        assert found.output.shape == (N_VECTORS * VECTOR_SIZE,)


@pytest.mark.parametrize("rung", RUNGS_OF_THIS_MACHINE)
def test_a_faulty_clip_scores_higher_than_a_sound_one(tiny_work: Path, rung: str) -> None:
    found = _scores(rung, tiny_work, _clips(tiny_work))
    assert all(sound.score < faulty.score for sound, faulty in zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("rung", RUNGS_OF_THIS_MACHINE)
def test_a_machine_outside_the_label_table_is_refused_by_name(tiny_work: Path, rung: str) -> None:
    (clip, *_) = _clips(tiny_work)
    with pytest.raises(DatasetError, match="valve/id_00"):
        open_rung(rung, tiny_work).score(replace(clip, machine="valve/id_00"))


@pytest.mark.parametrize("rung", RUNGS_OF_THIS_MACHINE)
def test_a_rung_names_its_runtime_with_a_version(tiny_work: Path, rung: str) -> None:
    words = {
        "torch": "torch",
        "onnx": "onnxruntime",
        "tflite": "ai-edge-litert",
        "reference": "numpy",
        "host": "asd-edge",
    }
    opened = open_rung(rung, tiny_work)
    name, version = opened.runtime.split(" ")
    assert (opened.name, name) == (rung, words[rung])
    assert version[0].isdigit()


def test_torch_scores_what_export_refuses(tmp_path: Path, tiny_work: Path) -> None:
    model = replace(TINY, separable_wavegram=False)
    weights = weights_of(build_network(model, FRONTEND, len(MACHINES)))
    write_checkpoint(replace(load_checkpoint(tiny_work), model=model, weights=weights), tmp_path)
    found = open_rung("torch", tmp_path).score(Clip(machine_sound(0, False, seed=1), MACHINES[0], {}))
    assert np.isfinite(found.score)


def test_an_embedding_of_zeros_is_refused(tmp_path: Path, tiny_work: Path) -> None:
    checkpoint = load_checkpoint(tiny_work)
    dead = {name: 0 * checkpoint.weights[name] for name in (f"{LAST_LAYER}.weight", f"{LAST_LAYER}.bias")}
    write_checkpoint(replace(checkpoint, weights={**checkpoint.weights, **dead}), tmp_path)
    with pytest.raises(ClipError, match="no score"):
        open_rung("torch", tmp_path).score(Clip(machine_sound(0, False, seed=1), MACHINES[0], {}))


def test_the_onnx_rung_feeds_the_file_with_float32_features(tiny_work: Path) -> None:
    (clip, *_) = _clips(tiny_work)
    inputs = {name: values.astype(np.float32) for name, values in clip.features.items()}
    (expected,) = OnnxModel(tiny_work / "model.onnx").outputs([inputs])
    (found,) = _scores("onnx", tiny_work, [clip])
    np.testing.assert_array_equal(found.output, expected.astype(np.float64))
