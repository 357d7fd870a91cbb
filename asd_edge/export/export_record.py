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
from asd_edge.export.quantize_network import QuantizedNetwork, StepOutcome
from asd_edge.export.targets.lowering import LoweringRecord
from asd_edge.export.targets.target import Target
from asd_edge.export.tflite_operators import builtin_name, tflite_operator
from asd_edge.graph.passes import FLOAT_PASSES
from quantization.output_error import OutputError, error_measure
from quantization.recipe import Recipe, step_name

FORMAT = "asd-edge export 1"
PACKAGES = ("ai-edge-litert", "flatbuffers", "numpy", "onnx", "onnxruntime", "onnxscript", "safetensors", "torch")


@dataclass(frozen=True)
class FileRecord:
    """A file by its content."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class CalibrationRecord:
    """The clips that calibrated, and those that judged the steps: path below `folder` -> SHA-256 of int16 samples."""

    folder: str
    clips_used: int
    clips_available: int
    samples_sha256: Mapping[str, str]
    held_back_sha256: Mapping[str, str]


@dataclass(frozen=True)
class StepRecord:
    """One step of the recipe and what it did to the output's error on the held-back clips.

    `seconds` are for the terminal: export.json is the same on every machine.
    """

    name: str
    settings: Mapping[str, str | int | float | bool]
    kept: bool
    error_before: OutputError | None
    error_after: OutputError | None
    seconds: float


@dataclass(frozen=True)
class RecipeRecord:
    """How float became int8: passes and steps in order, factors of concatenated inputs and of equalized channels."""

    name: str
    float_passes: tuple[str, ...]
    error_measure: str  # of the steps' errors
    steps: tuple[StepRecord, ...]
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
    recipe: RecipeRecord
    checks: Mapping[str, Difference]
    target: str
    lowering: LoweringRecord | None  # None where the target takes the network as it is
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
    recipe: Recipe,
    checks: Mapping[str, Difference],
    target: Target,
    lowering: LoweringRecord | None,
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
        CalibrationRecord(
            folder.resolve().name, used, calibration.n_available, calibration.sha256, calibration.held_back_sha256
        ),
        RecipeRecord(
            recipe.name,
            tuple(rewrite.__name__ for rewrite in (*FLOAT_PASSES, *target.exact, *target.approximate)),
            error_measure(graph),
            tuple(_step_record(outcome) for outcome in network.steps),
            network.concatenation_factors,
            {name: tuple(values.tolist()) for name, values in network.channel_factors.items()},
        ),
        checks,
        target.name,
        lowering,
        files,
        dict(Counter(builtin_name(tflite_operator(graph, op).code) for op in graph.ops)),
        input_scales,
        {name: None if value == float("inf") else round(value, 2) for name, value in network.sqnr_db.items()},
    )


def _step_record(outcome: StepOutcome) -> StepRecord:
    return StepRecord(
        step_name(outcome.step),
        dataclasses.asdict(outcome.step),
        outcome.kept,
        outcome.error_before,
        outcome.error_after,
        outcome.seconds,
    )


def record_text(record: ExportRecord) -> str:
    """The file's text."""
    content = dataclasses.asdict(record)
    for step in content["recipe"]["steps"]:
        del step["seconds"]
    return json.dumps(content, indent=1) + "\n"


def record_file(path: Path) -> FileRecord:
    """Size and hash of a file."""
    content = path.read_bytes()
    return FileRecord(len(content), hashlib.sha256(content).hexdigest())
