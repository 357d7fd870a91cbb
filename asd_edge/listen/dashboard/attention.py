"""A model image and its newest window -> the attention map, read from the engine's tap as it runs the window again.

The map is what the network multiplies its features by: the factor of the first MUL that more steps lead to than to
the other. It lies in [0.5, 1); 0.5 is what the model sees nothing in.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.image_records import NO_INPUT, RECONSTRUCTION_KIND
from asd_edge.compiler.read_image import ModelImage, load_image
from asd_edge.compiler.stream_graph import StepOp, StreamStep
from asd_edge.errors import ListenError
from asd_edge.native import NativeCodeScale, NativeFir, run_frontend
from asd_edge.native_engine import run_image

_SCALE_FIELDS = ("limit", "multiplier", "shift", "zero_point", "pre_shift")


@dataclass(frozen=True)
class AttentionMap:
    """Of one feature."""

    name: str
    values: NDArray[np.float32]  # (n_frames, n_mels)


@dataclass(frozen=True)
class AttentionModel:
    """An image whose attention can be looked at; `window_samples` are what its map is made of."""

    path: Path
    window_samples: int
    tensor: str
    features: tuple[str, ...]


def attention_model(path: Path) -> AttentionModel:
    """Raises ListenError for a model without an attention map, ImageError for a file that isn't a whole image."""
    image = load_image(path)
    if image.detector is None or image.detector["kind"] == RECONSTRUCTION_KIND:
        raise ListenError(f"{path}: this model has no attention")
    tensor = _map_tensor(image)
    record = image.tensors[image.tensor_names.index(tensor)]
    features = tuple(name for name, index in _features(image) if index != NO_INPUT)
    if int(record["n_channels"]) != len(features):
        raise ListenError(f"{path}: its attention has {record['n_channels']} channels for {len(features)} features")
    return AttentionModel(path, int(image.detector["clip_samples"]), tensor, features)


def look_at_window(model: AttentionModel, samples: NDArray[np.int16]) -> tuple[AttentionMap, ...]:
    """(window_samples,) int16 -> a map per feature; takes as long as the score of a window.

    The image is read for it and forgotten, so that a service that nobody looks at holds none of this.
    """
    image = load_image(model.path)
    inputs = _network_inputs(image, samples)
    codes = run_image(image.content, inputs, (model.tensor,)).tensors[model.tensor]  # (n_frames, n_mels, n_features)
    record = image.tensors[image.tensor_names.index(model.tensor)]
    values = (codes.astype(np.float32) - int(record["zero_point"])) * np.float32(record["scale"])
    return tuple(AttentionMap(name, values[:, :, index]) for index, name in enumerate(model.features))


def _map_tensor(image: ModelImage) -> str:
    graph = image.stream_graph()
    writers = {step.output: step for step in graph.steps}
    for step in graph.steps:
        if step.op == StepOp.MUL and len(step.inputs) == 2:
            depths = [_n_steps(writers, name) for name in step.inputs]
            if min(depths) != max(depths):
                return step.inputs[depths.index(max(depths))]
    raise ListenError("this model has no attention")


def _n_steps(writers: dict[str, StreamStep], name: str) -> int:
    """Steps on the way from an input to this tensor, along first inputs."""
    count = 0
    while name in writers:
        count += 1
        name = writers[name].inputs[0]
    return count


def _features(image: ModelImage) -> tuple[tuple[str, int], ...]:
    """Name and index of the input, or NO_INPUT, in the order in which the network joins them."""
    assert image.detector is not None
    return (("log-Mel", int(image.detector["log_mel_input"])), ("Wavegram", int(image.detector["fir_input"])))


def _network_inputs(image: ModelImage, samples: NDArray[np.int16]) -> list[NDArray[np.int8]]:
    """Codes of the front end, by index of the input."""
    detector = image.detector
    assert detector is not None
    log_mel_scale, fir_scale = (
        NativeCodeScale(*(int(detector[name][field]) for field in _SCALE_FIELDS))
        for name in ("log_mel_scale", "fir_scale")
    )
    fir = None
    if detector["fir_high_offset"]:
        high, low = (
            np.frombuffer(image.content, "<i2", 1024, int(detector[f"fir_{half}_offset"])) for half in ("high", "low")
        )
        fir = NativeFir(high, low, int(detector["fir_bias"]))
    frames = run_frontend(samples, log_mel_scale, fir_scale, fir)
    codes = frames.log_mel_codes[:, :, None], frames.fir_codes[:, None, None]
    by_index = {index: values for (_, index), values in zip(_features(image), codes, strict=True)}
    return [by_index[index] for index in range(int(image.header["n_inputs"]))]
