"""The stock converter gets every input's clips in its own layout, and its file the codes back in that layout."""

from pathlib import Path

import numpy as np

from asd_edge.clip.label_table import LabelTable
from asd_edge.export.calibration_set import ClipFeatures
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.context_vectors import context_vectors
from asd_edge.model.config import HeadConfig
from tests.bench.stock_route import in_stock_layout, input_name, stock_commands, stock_inputs

N_FRAMES, N_MELS = 5, 3


def _detector(kind: str) -> Detector:
    return Detector(kind, FrontendConfig(), LabelTable(("fan/id_00",)), HeadConfig(), None, None, {})


def _clips(n: int) -> list[ClipFeatures]:
    rng = np.random.default_rng(0)
    return [
        ClipFeatures(
            rng.normal(size=(N_FRAMES, N_MELS)).astype(np.float32), rng.normal(size=N_FRAMES).astype(np.float32)
        )
        for _ in range(n)
    ]


def test_the_commands_hand_on_what_the_first_one_made() -> None:
    to_tensorflow, to_int8 = stock_commands(Path("model.onnx"), Path("clips.npz"), Path("saved"), Path("model.tflite"))
    assert to_tensorflow[1:] == ["-m", "onnx2tf", "-i", "model.onnx", "-o", "saved"]
    assert Path(to_int8[1]).is_file()
    assert to_int8[2:] == ["saved", "clips.npz", "model.tflite"]


def test_calibration_and_codes_have_one_layout() -> None:
    clips = _clips(2)
    inputs = stock_inputs(clips, _detector(ARCFACE))
    assert {name: values.shape for name, values in inputs.items()} == {
        "log_mel": (2, N_MELS, N_FRAMES, 1),
        "wavegram_fir": (2, 1, N_FRAMES, 1),
    }
    assert inputs["log_mel"][1, 2, 4, 0] == clips[1].log_mel[4, 2]
    frames = clips[1].wavegram_fir
    assert frames is not None
    run = {"log_mel": clips[1].log_mel[None, :, :, None], "wavegram_fir": frames[None, :, None, None]}
    shapes = {f"serving_default_{name}:0": (1, *values.shape[1:]) for name, values in inputs.items()}
    for name, values in in_stock_layout(run, shapes).items():
        assert (values == inputs[input_name(name)][1:]).all()


def test_an_autoencoder_calibrates_with_every_vector() -> None:
    clips = _clips(2)
    inputs = stock_inputs(clips, _detector(RECONSTRUCTION))
    vectors = context_vectors(clips[1].log_mel)
    assert (inputs["log_mel"][len(vectors) :] == vectors).all()
    assert in_stock_layout({"log_mel": vectors[:1, None, None]}, {"log_mel": (1, vectors.shape[1])})[
        "log_mel"
    ].shape == (
        1,
        vectors.shape[1],
    )
