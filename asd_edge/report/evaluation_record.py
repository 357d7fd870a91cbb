"""What evaluation.json and thresholds.json hold, as the stage evaluate writes them; figures are fractions of 1."""

from collections.abc import Mapping
from dataclasses import dataclass

from asd_edge.evaluate.evaluation import DataUsed, RungRun
from asd_edge.evaluate.figures import GroupFigures, MachineFigures
from asd_edge.evaluate.score_agreement import ScoreAgreement
from asd_edge.evaluate.thresholds import MachineThreshold
from asd_edge.evaluate.verdict import Verdict


@dataclass(frozen=True)
class EvaluationSettings:
    """What the figures were made with."""

    max_fpr: float
    bootstrap_draws: int
    bootstrap_seed: int
    least_clips_for_an_interval: int
    auc_margin: float
    changed_share_limit: float


@dataclass(frozen=True)
class EvaluationRecord:
    """evaluation.json; differences are to the first rung."""

    date: str
    versions: Mapping[str, str]
    data: DataUsed
    files: Mapping[str, str]  # file of the work directory -> SHA-256
    score: str
    settings: EvaluationSettings
    rungs: tuple[RungRun, ...]
    verdict: Verdict
    overall: tuple[GroupFigures, ...]
    types: tuple[GroupFigures, ...]
    machines: tuple[MachineFigures, ...]
    agreement: tuple[ScoreAgreement, ...]
    sqnr_clips: int
    sqnr_db: Mapping[str, float | None] | None  # None of a layer: int8 is exact

    @property
    def rung_names(self) -> tuple[str, ...]:
        return tuple(run.name for run in self.rungs)


@dataclass(frozen=True)
class ThresholdsRecord:
    """thresholds.json: rung -> machine ("fan/id_00") -> threshold."""

    rule: str
    score: str
    false_alarm_rate: float
    files: Mapping[str, str]
    validation_clips: int
    validation_clips_of_split: int
    machines_without: tuple[str, ...]
    rungs: Mapping[str, Mapping[str, MachineThreshold]]
