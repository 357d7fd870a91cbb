"""What the report reads of checkpoint.json, export.json and plan-<core>.json."""

from collections.abc import Mapping
from dataclasses import dataclass

from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import ModelConfig


@dataclass(frozen=True)
class FileFacts:
    """A file by its content."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """SHA-256 of a clip's samples -> its path."""

    train: Mapping[str, str]
    validation: Mapping[str, str]


@dataclass(frozen=True)
class CheckpointRecord:
    """checkpoint.json."""

    weights_sha256: str
    model: ModelConfig
    frontend: FrontendConfig
    labels: tuple[str, ...]
    training: Mapping[str, str | int | float]
    split: SplitRecord


@dataclass(frozen=True)
class CalibrationFacts:
    """The clips that calibrated."""

    folder: str
    clips_used: int
    clips_available: int


@dataclass(frozen=True)
class ExportFacts:
    """export.json."""

    kind: str | None
    versions: Mapping[str, str]
    inputs: Mapping[str, FileFacts]
    calibration: CalibrationFacts
    files: Mapping[str, FileFacts]
    operators: Mapping[str, int]
    sqnr_db: Mapping[str, float | None]  # per activation in execution order; None where int8 is exact


@dataclass(frozen=True)
class PlannedStep:
    """One step of a stream plan: bytes, multiply-accumulates of one firing, hops."""

    name: str
    op: str
    kernels: str
    state_bytes: int
    scratch_bytes: int
    constant_bytes: int
    macs: int
    hops_per_firing: float
    delay: int


@dataclass(frozen=True)
class StreamPlan:
    """What `asd-edge compile WORK --json` prints."""

    core: str
    is_endless: bool
    image_bytes: int
    arena_bytes: int
    window_columns: int
    is_streamed: bool
    mean_tick_macs: float
    worst_tick_macs: int
    latency_ticks: int
    source_sha256: str
    steps: tuple[PlannedStep, ...]
