"""What turns a network into a detector, as one file detector.safetensors: front end, FIR, input scales, labels, head.

Tensors: `fir.taps` and `fir.bias` (float64) where the network reads a Wavegram, `head` (float32 rows of length 1) for
an ArcFace detector. Everything else is JSON under the one metadata key "detector".
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import CheckpointError, WorkDirectoryError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.wavegram_fir import FirTaps
from asd_edge.model.config import HeadConfig

ARCFACE, RECONSTRUCTION = "arcface", "reconstruction"
FORMAT = "asd-edge detector 1"
_METADATA_KEY = "detector"  # one key only: safetensors writes several in no fixed order
_NEXT = "run asd-edge export again"
_UNIT_TOLERANCE = 1e-5


@dataclass(frozen=True)
class InputScale:
    """real = scale * (code - zero_point) of an input of the network."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Detector:
    """`kind` is ARCFACE or RECONSTRUCTION and says how the network's output becomes a score."""

    kind: str
    frontend: FrontendConfig
    labels: LabelTable
    head: HeadConfig
    head_rows: NDArray[np.float32] | None  # (n_classes, embedding_size), each row of length 1; None: reconstruction
    fir: FirTaps | None  # None: the network reads no Wavegram
    input_scales: Mapping[str, InputScale]  # by input name


def write_detector(detector: Detector, path: Path) -> None:
    """Write the file in one step. Raises WorkDirectoryError where it can't be written."""
    write_bytes_atomically(path, detector_bytes(detector))


def detector_bytes(detector: Detector) -> bytes:
    """The file's content; the same detector, the same bytes."""
    tensors: dict[str, NDArray[Any]] = {}
    if detector.fir is not None:
        tensors["fir.taps"] = np.ascontiguousarray(detector.fir.taps, np.float64)
        tensors["fir.bias"] = np.array([detector.fir.bias], np.float64)
    if detector.head_rows is not None:
        tensors["head"] = np.ascontiguousarray(detector.head_rows, np.float32)
    settings = {
        "format": FORMAT,
        "kind": detector.kind,
        "frontend": dataclasses.asdict(detector.frontend),
        "labels": list(detector.labels.machines),
        "head": dataclasses.asdict(detector.head),
        "input_scales": {name: dataclasses.asdict(scale) for name, scale in detector.input_scales.items()},
    }
    content: bytes = safetensors.numpy.save(tensors, {_METADATA_KEY: json.dumps(settings)})
    return content


def load_detector(path: Path) -> Detector:
    """Read the file. Raises WorkDirectoryError where it is missing, CheckpointError where it is damaged."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); run asd-edge export first") from error
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: is not a whole safetensors file ({error}); {_NEXT}") from error
    try:
        settings = json.loads(metadata[_METADATA_KEY])
        if settings["format"] != FORMAT:
            raise CheckpointError(f"{path}: format {settings['format']!r}, this version reads {FORMAT!r}; {_NEXT}")
        detector = Detector(
            settings["kind"],
            FrontendConfig(**settings["frontend"]),
            LabelTable(tuple(settings["labels"])),
            HeadConfig(**settings["head"]),
            tensors.get("head"),
            FirTaps(tensors["fir.taps"], float(tensors["fir.bias"][0])) if "fir.taps" in tensors else None,
            {name: InputScale(**scale) for name, scale in settings["input_scales"].items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CheckpointError(f"{path}: is not a detector's file ({error!r}); {_NEXT}") from error
    _check(detector, path)
    return detector


def _check(detector: Detector, path: Path) -> None:
    rows, fir = detector.head_rows, detector.fir
    if detector.kind not in (ARCFACE, RECONSTRUCTION) or (detector.kind == ARCFACE) != (rows is not None):
        raise CheckpointError(f"{path}: kind of score {detector.kind!r} doesn't go with the tensors held; {_NEXT}")
    if rows is not None:
        n_classes = len(detector.labels.machines)
        lengths = np.linalg.norm(rows.astype(np.float64), axis=-1)
        if rows.ndim != 2 or len(rows) != n_classes or not (np.abs(lengths - 1) < _UNIT_TOLERANCE).all():
            raise CheckpointError(f"{path}: head {rows.shape} isn't {n_classes} rows of length 1; {_NEXT}")
    if fir is not None and (fir.taps.shape != (detector.frontend.n_fft,) or not np.isfinite(fir.taps).all()):
        raise CheckpointError(f"{path}: FIR {fir.taps.shape} isn't {detector.frontend.n_fft} finite taps; {_NEXT}")
