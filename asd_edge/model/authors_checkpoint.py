"""The authors' PyTorch-Lightning 1.9 .ckpt -> Checkpoint: their names, 41 machines and front end become ours.

Loading admits what torch's own weights-only unpickler does: tensors, numbers, text and containers of them, which is all
that Lightning writes for this model (no hyperparameters, no objects). Nothing is added to that list; a file that asks
for more is refused with the names it asks for, and no code of it runs.
"""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import hann_window
from asd_edge.frontend.mel import mel_filterbank
from asd_edge.model.checkpoint import Checkpoint, Split
from asd_edge.model.config import HeadConfig, ModelConfig
from asd_edge.model.network import expected_shapes

# Row of the head = offset + ID. Their pump id_06 would share row 13 with slider id_00: it is left out, so that a row
# stands for one machine. ToyConveyor has no id_00; row 20 (ToyCar id_00) never saw a clip.
_MACHINE_IDS = {
    "fan": range(7),
    "pump": range(6),
    "slider": range(7),
    "ToyCar": range(8),
    "ToyConveyor": range(1, 7),
    "valve": range(7),
}
AUTHORS_LABELS = LabelTable(
    tuple(f"{machine_type}/id_{number:02d}" for machine_type, ids in _MACHINE_IDS.items() for number in ids)
)

_SAME_PARTS = ("wavegram", "classifier")
_RENAMED_PARTS = {"attention": "model.heatmap", "head": "model.arcface"}
_WINDOW, _MEL_MATRIX = "model.transform_tf.spectrogram.window", "model.transform_tf.mel_scale.fb"
_UNUSED = ("model.classifier.fc_out.weight", "model.classifier.fc_out.bias")
_BUFFER_TOLERANCE = 1e-5  # the mel matrix peaks at 0.07; theirs was computed in float32
_REFUSED_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


def load_authors_checkpoint(path: Path) -> Checkpoint:
    """The reference model with the weights of `path`; its split is empty: which clips trained it, the file doesn't say.

    Raises CheckpointError for a file that can't be read, that weights-only unpickling refuses (naming what), and for a
    tensor that is missing, unknown or of another shape, or that shows another front end than the reference model's.
    """
    model, frontend = ModelConfig(), FrontendConfig()
    state = _state_dict(path)
    _check_buffer(path, state, _WINDOW, hann_window(frontend.n_fft))
    _check_buffer(path, state, _MEL_MATRIX, mel_filterbank(frontend))
    shapes = expected_shapes(model, frontend, len(AUTHORS_LABELS.machines))
    weights = {name: _weight(path, state, name, shape) for name, shape in shapes.items()}
    known = {*map(authors_name, shapes), _WINDOW, _MEL_MATRIX, *_UNUSED}
    for name in state:
        if name not in known and not name.endswith(".num_batches_tracked"):
            raise CheckpointError(
                f"{path}: holds a tensor {name} unknown to the authors' model; give their checkpoint as published"
            )
    return Checkpoint(
        model, HeadConfig(), frontend, AUTHORS_LABELS, Split({}, {}), weights, {"data": "the authors' checkpoint"}
    )


def authors_name(name: str) -> str:
    """What the authors call one of our tensors: "attention.0.pwconv.weight" is "model.heatmap.0.pwconv.weight"."""
    part, rest = name.split(".", 1)
    return f"model.{name}" if part in _SAME_PARTS else f"{_RENAMED_PARTS[part]}.{rest}"


def _state_dict(path: Path) -> Mapping[str, Tensor]:
    content = _load_weights_only(path)
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, Mapping):
        raise CheckpointError(f"{path}: holds no state_dict; give a PyTorch-Lightning checkpoint of the authors' model")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"{path}: {name} of its state_dict is no tensor; give the authors' own checkpoint")
    return state


def _load_weights_only(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on old pickles: the errors below say all
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path}: can't be read ({error.strerror}); give the path of a .ckpt file") from error
    except pickle.UnpicklingError as error:
        refused = _refused_globals(path, str(error))
        if not refused:
            raise CheckpointError(f"{path}: is no PyTorch checkpoint or is damaged; download it again") from error
        raise CheckpointError(
            f"{path}: holds {', '.join(refused)}, which weights-only loading refuses and asd-edge never unpickles; "
            "where you trust the file, load it with torch and save {'state_dict': its state_dict} alone"
        ) from error
    except Exception as error:  # a damaged pickle fails wherever the unpickler happens to be
        raise CheckpointError(f"{path}: is no PyTorch checkpoint or is damaged; download it again") from error


def _refused_globals(path: Path, message: str) -> list[str]:
    """Every name outside torch's list; for files older than torch's zip format only the first one met."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # it disassembles the pickle of zip files and knows no others
        return _REFUSED_GLOBAL.findall(message)[:1]


def _check_buffer(path: Path, state: Mapping[str, Tensor], name: str, ours: NDArray[np.float64]) -> None:
    """Their front end is checked to be ours rather than loaded."""
    theirs = _array(path, state, name)
    if theirs.shape != ours.shape or not np.allclose(theirs, ours, rtol=0.0, atol=_BUFFER_TOLERANCE):
        raise CheckpointError(
            f"{path}: {name} is not the reference front end's {ours.shape}; the model was trained on other features"
        )


def _weight(path: Path, state: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """One of our tensors from their state_dict; their Wavegram's 1-D pointwise convolution is a 2-D one here."""
    theirs = _array(path, state, authors_name(name))
    shape_there = shape[:-1] if name == "wavegram.pwconv.weight" else shape
    if theirs.shape != shape_there:
        raise CheckpointError(
            f"{path}: tensor {authors_name(name)} is {theirs.shape}, expected {shape_there}; "
            "give the authors' checkpoint as published"
        )
    return theirs.reshape(shape)


def _array(path: Path, state: Mapping[str, Tensor], name: str) -> NDArray[np.float32]:
    if name not in state:
        raise CheckpointError(f"{path}: lacks tensor {name}; give the authors' checkpoint as published")
    return np.asarray(state[name].detach().float().numpy(), np.float32)
