"""A trained model as two files, checkpoint.safetensors (weights) and checkpoint.json (everything else)."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from asd_edge.clip.atomic_write import write_bytes_atomically, write_text_atomically
from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import HeadConfig, ModelConfig

WEIGHTS_FILE, SETTINGS_FILE = "checkpoint.safetensors", "checkpoint.json"
FORMAT = "asd-edge checkpoint 1"
_CENTRES = "centres"

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Split:
    """The clips that trained and that chose the model: SHA-256 of each clip's int16 samples -> path in the data set."""

    train: Mapping[str, str]
    validation: Mapping[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """`weights` has the names of the network's state_dict; the head's rows are "head.weight" (n_classes, embedding).

    `centres` (n_classes, embedding), of length 1, are the mean directions of each machine's normal training clips; a
    fine-tuning keeps new machines away from them.
    """

    model: ModelConfig
    head: HeadConfig
    frontend: FrontendConfig
    labels: LabelTable
    split: Split
    weights: Weights
    training: Mapping[str, str | int | float]  # how it was made: loss, epochs, seed, data set, versions
    centres: NDArray[np.float32] | None = None  # not in an autoencoder's, nor in those of other programs


def shipped_checkpoint() -> Path:
    """The directory of the checkpoint inside the package, trained on `asd-edge data synth`'s machines."""
    return Path(__file__).parent / "shipped" / "synthetic"


def write_checkpoint(checkpoint: Checkpoint, directory: Path, half_precision: bool = False) -> None:
    """Write both files into `directory`; `half_precision` stores tensors of two or more axes as float16.

    Biases, BatchNorm and PReLU stay float32: running variances of quiet recordings are below float16's range.
    Raises CheckpointError for weights that float16 can't hold, WorkDirectoryError where nothing can be written.
    """
    named = checkpoint.weights if checkpoint.centres is None else {**checkpoint.weights, _CENTRES: checkpoint.centres}
    tensors = {name: np.ascontiguousarray(value, np.float32) for name, value in sorted(named.items())}
    if half_precision:
        tensors = {name: _halved(name, value) if value.ndim > 1 else value for name, value in tensors.items()}
    content = safetensors.numpy.save(tensors)
    settings = {
        "format": FORMAT,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "model": dataclasses.asdict(checkpoint.model),
        "head": dataclasses.asdict(checkpoint.head),
        "frontend": dataclasses.asdict(checkpoint.frontend),
        "labels": list(checkpoint.labels.machines),
        "training": dict(checkpoint.training),
        "split": {"train": dict(checkpoint.split.train), "validation": dict(checkpoint.split.validation)},
    }
    write_bytes_atomically(directory / WEIGHTS_FILE, content)
    write_text_atomically(directory / SETTINGS_FILE, json.dumps(settings, indent=1) + "\n")


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint: its directory, its .safetensors file (its .json beside it), or the authors' .ckpt.

    Raises CheckpointError when a file is missing or damaged, when the two files don't belong together, or when a
    tensor has another shape than the settings say (naming it, the expected and the found shape).
    """
    # the network's own shapes are the check, and only host-side stages load checkpoints: torch is imported here
    from asd_edge.model.network import check_weights

    if path.suffix == ".ckpt":
        from asd_edge.model.authors_checkpoint import load_authors_checkpoint

        checkpoint = load_authors_checkpoint(path)
    else:
        checkpoint = _load_own(path)
    check_weights(checkpoint, path)
    return checkpoint


def _load_own(path: Path) -> Checkpoint:
    if path.is_dir():
        weights_path, settings_path = path / WEIGHTS_FILE, path / SETTINGS_FILE
    elif path.suffix == ".safetensors":
        weights_path, settings_path = path, path.with_suffix(".json")
    else:
        raise CheckpointError(
            f"{path}: is no checkpoint; give a directory that holds {WEIGHTS_FILE}, or a .safetensors or .ckpt file"
        )
    content = _read(weights_path)
    settings_text = _read(settings_path)
    try:
        tensors = safetensors.numpy.load(content)
        weights = {name: np.asarray(value, np.float32) for name, value in tensors.items()}
        centres = weights.pop(_CENTRES, None)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{weights_path}: is not a safetensors file ({error}); copy or train it again") from error
    try:
        settings = json.loads(settings_text)
        if settings["format"] != FORMAT:
            raise CheckpointError(f"{settings_path}: format {settings['format']!r}, this version reads {FORMAT!r}")
        checkpoint = Checkpoint(
            ModelConfig(**settings["model"]),
            HeadConfig(**settings["head"]),
            FrontendConfig(**settings["frontend"]),
            _label_table(settings["labels"]),
            Split(_texts(settings["split"]["train"]), _texts(settings["split"]["validation"])),
            weights,
            dict(settings["training"]),
            centres,
        )
        expected_sha256 = settings["weights_sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{settings_path}: is not a checkpoint's settings ({error!r}); train it again") from error
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise CheckpointError(
            f"{weights_path}: is not the file that {settings_path.name} was written with (SHA-256 differs); "
            "copy both from the same training"
        )
    shape = (len(checkpoint.labels.machines), checkpoint.model.embedding_size)
    if centres is not None and (centres.shape != shape or not np.isfinite(centres).all()):
        raise CheckpointError(
            f"{weights_path}: tensor {_CENTRES} is {centres.shape}, expected finite values, {shape}; train it again"
        )
    return checkpoint


def _label_table(machines: object) -> LabelTable:
    if not isinstance(machines, list) or not all(isinstance(name, str) for name in machines):
        raise ValueError("labels are no list of machines")
    if len(set(machines)) < len(machines):
        raise ValueError("labels name a machine twice")
    return LabelTable(tuple(machines))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path}: can't be read ({error.strerror}); a checkpoint is two files, "
            f"{WEIGHTS_FILE} and {SETTINGS_FILE}: give a folder that holds both"
        ) from error


def _halved(name: str, value: NDArray[np.float32]) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # refused below
        half = value.astype(np.float16)
    if not np.isfinite(half).all():
        raise CheckpointError(f"tensor {name} exceeds float16's range; write it in full precision")
    return half


def _texts(value: object) -> dict[str, str]:
    """One side of a split as JSON holds it. Raises ValueError for anything but text by text."""
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise ValueError("a side of the split isn't a table of hashes and paths")
    return value
