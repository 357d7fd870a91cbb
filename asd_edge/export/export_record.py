"""export.json: hashes of every input, versions, recipe, measured differences, per-layer SQNR. No date and no path of a
machine, so that the same inputs and versions give the same file.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from asd_edge import __version__
from asd_edge.export.calibration_set import CalibrationSet
from asd_edge.export.check_outputs import Difference
from asd_edge.export.detector import InputScale
from asd_edge.export.quantize_network import STEPS, QuantizedNetwork
from asd_edge.export.tflite_operators import builtin_name, tflite_operator
from asd_edge.graph.passes import FLOAT_PASSES

FORMAT = "asd-edge export 1"
PACKAGES = ("ai-edge-litert", "flatbuffers", "numpy", "onnx", "onnxruntime", "onnxscript", "safetensors", "torch")


@dataclass(frozen=True)
class FileRecord:
    """A file by its content."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class CalibrationRecord:
    """The clips that calibrated: path below `folder` -> SHA-256 of the int16 samples."""

    folder: str
    clips_used: int
    clips_available: int
    samples_sha256: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """How float became int8: passes and steps in order, factors of concatenated inputs and of equalized channels."""

    float_passes: tuple[str, ...]
    steps: tuple[str, ...]
    concatenation_factors: Mapping[str, float]
    channel_factors: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class ExportRecord:
    """What export.json holds."""

    format: str
    kind: str | None  # of score; None where no detector was written
    versions: Mapping[str, str]
    inputs: Mapping[str, FileRecord]  # what the network came from
    calibration: CalibrationRecord
    recipe: Recipe
    checks: Mapping[str, Difference]
    files: Mapping[str, FileRecord]  # what was written
    operators: Mapping[str, int]  # of model.tflite, by TFLite's name
    input_scales: Mapping[str, InputScale]
    sqnr_db: Mapping[str, float | None]  # per activation in execution order; None where int8 is exact

    def worst_layers(self, n_layers: int) -> tuple[tuple[str, float], ...]:
        """The activations with the lowest SQNR, lowest first."""
        known = [(name, value) for name, value in self.sqnr_db.items() if value is not None]
        return tuple(sorted(known, key=lambda layer: layer[1])[:n_layers])


def make_record(
    kind: str | None,
    inputs: Mapping[str, FileRecord],
    folder: Path,
    calibration: CalibrationSet,
    checks: Mapping[str, Difference],
    network: QuantizedNetwork,
    input_scales: Mapping[str, InputScale],
    files: Mapping[str, FileRecord],
) -> ExportRecord:
    """The record of one export."""
    graph = network.int8_graph
    used = len(calibration.clips)
    return ExportRecord(
        FORMAT,
        kind,
        {"asd-edge": __version__, **{package: version(package).split("+")[0] for package in PACKAGES}},
        inputs,
        CalibrationRecord(folder.resolve().name, used, calibration.n_available, calibration.sha256),
        Recipe(
            tuple(rewrite.__name__ for rewrite in FLOAT_PASSES),
            STEPS,
            network.concatenation_factors,
            {name: tuple(values.tolist()) for name, values in network.channel_factors.items()},
        ),
        checks,
        files,
        dict(Counter(builtin_name(tflite_operator(graph, op).code) for op in graph.ops)),
        input_scales,
        {name: None if value == float("inf") else round(value, 2) for name, value in network.sqnr_db.items()},
    )


def record_text(record: ExportRecord) -> str:
    """The file's text."""
    return json.dumps(dataclasses.asdict(record), indent=1) + "\n"


def record_file(path: Path) -> FileRecord:
    """Size and hash of a file."""
    content = path.read_bytes()
    return FileRecord(len(content), hashlib.sha256(content).hexdigest())
