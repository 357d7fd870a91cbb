"""What an evaluation finds: the record that the command line prints and that evaluation.json stores."""

from collections.abc import Mapping
from dataclasses import dataclass

from asd_edge.evaluate.figures import Figures
from asd_edge.evaluate.score_agreement import ScoreAgreement
from asd_edge.evaluate.scores_table import ScoreRow
from asd_edge.evaluate.thresholds import MachineThreshold
from asd_edge.evaluate.verdict import Verdict


@dataclass(frozen=True)
class DataUsed:
    """The test clips that were scored."""

    folder: str  # its name, not where it lies
    sha256: str  # over the names and samples of the clips scored
    clips_scored: int
    clips_available: int  # labelled test clips of the folder


@dataclass(frozen=True)
class RungRun:
    """How a rung ran; the time is for information and holds for this machine alone."""

    name: str
    runtime: str
    frontend: str  # "float" or "fixed"
    clips_scored: int
    clips_available: int
    milliseconds_per_clip: float  # without the NumPy front end, which the rungs share
    tolerance_lsb: int | None  # by how much its int8 output may differ from the reference rung's
    largest_difference_lsb: int | None  # by how much it does; None where one of the two was not scored


@dataclass(frozen=True)
class Thresholds:
    """Per int8 rung and machine, from the validation clips found in the data; empty where `why_none` says why."""

    clips_found: int
    clips_of_split: int
    by_rung: Mapping[str, Mapping[str, MachineThreshold]]
    machines_without: tuple[str, ...]  # of the test set: no validation clip of theirs was found
    why_none: str | None


@dataclass(frozen=True)
class Evaluation:
    """Figures are fractions of 1; scores are log-odds, or dB^2 for a reconstruction."""

    score_kind: str  # export.detector.ARCFACE or RECONSTRUCTION
    data: DataUsed
    files: Mapping[str, str]  # file of the work directory -> SHA-256
    rungs: tuple[RungRun, ...]  # in ladder order; the others are compared with the first
    features_milliseconds_per_clip: float  # of the NumPy front end
    seed: int  # of the bootstrap
    figures: Figures
    agreement: tuple[ScoreAgreement, ...]
    verdict: Verdict
    thresholds: Thresholds
    sqnr_clips: int  # test clips that sqnr_db rests on
    sqnr_db: Mapping[str, float] | None  # of each activation, infinite where int8 is exact; None where not asked for
    rows: tuple[ScoreRow, ...]
