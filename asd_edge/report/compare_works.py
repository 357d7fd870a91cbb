"""Two work directories -> what changed from A to B in AUC, size, memory and time.

AUCs are those of the clips that both evaluations scored, matched by path and machine, on the last rung of the parity
ladder that both have: the one closest to the device. Intervals are paired, as between two rungs of one evaluation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from asd_edge.clip.records import ANOMALY, NORMAL
from asd_edge.errors import EvaluationError
from asd_edge.evaluate.figures import Difference, Figures, GroupFigures, make_figures
from asd_edge.evaluate.scores_table import ScoreRow, read_scores, scores_by_machine
from asd_edge.evaluate.write_evaluation import EVALUATION_FILE, SCORES_FILE
from asd_edge.report.evaluation_record import EvaluationRecord
from asd_edge.report.work_contents import MODEL_FILES, WorkContents, load_work

A, B = "A", "B"
COMPARISON_FORMAT = "asd-edge comparison 1"


@dataclass(frozen=True)
class FileChange:
    """A file of the model; None: that directory doesn't have it."""

    name: str
    bytes_a: int | None
    bytes_b: int | None
    is_same: bool


@dataclass(frozen=True)
class ValueChange:
    """A figure of a stream plan or of a board's profile that both directories have."""

    what: str
    unit: str
    a: float
    b: float


@dataclass(frozen=True)
class Comparison:
    """`figures` has rungs A and B; `loss` and `max_loss` are fractions of 1."""

    name_a: str
    name_b: str
    rung: str
    max_loss: float
    clips_a: int
    clips_b: int
    clips_common: int
    is_same_data: bool  # by the hash over names and samples
    machines_left_out: tuple[str, ...]  # without a common clip of one of the classes
    figures: Figures
    files: tuple[FileChange, ...]
    values: tuple[ValueChange, ...]

    @property
    def overall(self) -> GroupFigures:
        """Of B, beside A."""
        return self.figures.overall[1]

    @property
    def difference(self) -> Difference:
        """Of the overall AUC, B minus A."""
        assert self.overall.auc_difference is not None, "B is not the first rung"
        return self.overall.auc_difference

    @property
    def passed(self) -> bool:
        return -self.difference.value <= self.max_loss + 1e-12


def compare_works(before: Path, after: Path, max_auc_loss_points: float, seed: int = 0) -> Comparison:
    """`seed` is the bootstrap's. Raises WorkDirectoryError or EvaluationError for a directory that lacks an evaluation
    or has a damaged file, and where the two have no rung or no machine's clips in common.
    """
    a, b = load_work(before), load_work(after)
    evaluation_a, evaluation_b = _evaluation(a, before), _evaluation(b, after)
    rung = _common_rung(evaluation_a, evaluation_b)
    rows_a, rows_b = (_of_rung(read_scores(folder / SCORES_FILE), rung) for folder in (before, after))
    common = {_clip(row) for row in rows_a} & {_clip(row) for row in rows_b}
    machines = {clip[:2] for clip in common}
    whole = {
        key for key in machines if all(any(clip[:3] == (*key, label) for clip in common) for label in (NORMAL, ANOMALY))
    }
    if not whole:
        raise EvaluationError(
            f"{before} and {after} have no machine whose normal and anomalous clips both scored; "
            "run asd-edge evaluate on both with the same --data"
        )
    rows = [
        _as_rung(row, name)
        for name, rows in ((A, rows_a), (B, rows_b))
        for row in rows
        if _clip(row) in common and _clip(row)[:2] in whole
    ]
    every_machine = {_clip(row)[:2] for row in (*rows_a, *rows_b)}
    return Comparison(
        a.name,
        b.name,
        rung,
        max_auc_loss_points / 100,
        len(rows_a),
        len(rows_b),
        len(rows) // 2,
        evaluation_a.data.sha256 == evaluation_b.data.sha256,
        tuple("/".join(key) for key in sorted(every_machine - whole)),
        make_figures(scores_by_machine(rows, (A, B)), (A, B), seed),
        tuple(_file_changes(a, b)),
        tuple(_value_changes(a, b)),
    )


def comparison_content(comparison: Comparison) -> dict[str, Any]:
    """As JSON."""
    return {"format": COMPARISON_FORMAT, "passed": comparison.passed, **asdict(comparison)}


def _evaluation(work: WorkContents, folder: Path) -> EvaluationRecord:
    if work.evaluation is None or not work.scores:
        missing = EVALUATION_FILE if work.evaluation is None else SCORES_FILE
        raise EvaluationError(f"{folder}: has no {missing}; run asd-edge evaluate {folder} --data DATA first")
    return work.evaluation


def _common_rung(a: EvaluationRecord, b: EvaluationRecord) -> str:
    common = [name for name in a.rung_names if name in b.rung_names]
    if not common:
        raise EvaluationError(
            f"no rung was scored in both (A: {', '.join(a.rung_names)}; B: {', '.join(b.rung_names)}); "
            "run asd-edge evaluate on both with the same --backends"
        )
    return common[-1]


def _of_rung(rows: Sequence[ScoreRow], rung: str) -> list[ScoreRow]:
    return [row for row in rows if row.rung == rung]


def _clip(row: ScoreRow) -> tuple[str, str, str, str]:
    return row.machine_type, row.machine_id, row.label, row.clip


def _as_rung(row: ScoreRow, name: str) -> ScoreRow:
    return ScoreRow(name, row.clip, row.machine_type, row.machine_id, row.label, row.score, row.cross_entropy)


def _file_changes(a: WorkContents, b: WorkContents) -> Iterator[FileChange]:
    names = [name for name in MODEL_FILES if name in a.files or name in b.files]
    names += sorted(name for name in {*a.files, *b.files} if name.endswith(".asdm"))
    for name in names:
        facts_a, facts_b = a.files.get(name), b.files.get(name)
        yield FileChange(
            name,
            None if facts_a is None else facts_a.n_bytes,
            None if facts_b is None else facts_b.n_bytes,
            facts_a == facts_b,
        )


def _value_changes(a: WorkContents, b: WorkContents) -> Iterator[ValueChange]:
    for name in [name for name in a.plans if name in b.plans]:
        plans = a.plans[name], b.plans[name]
        yield ValueChange(f"{name}: arena", "bytes", *(plan.arena_bytes for plan in plans))
        yield ValueChange(f"{name}: image", "bytes", *(plan.image_bytes for plan in plans))
        yield ValueChange(f"{name}: mean hop", "MACs", *(plan.mean_tick_macs for plan in plans))
        yield ValueChange(f"{name}: worst hop", "MACs", *(plan.worst_tick_macs for plan in plans))
    for name in [name for name in a.profiles if name in b.profiles]:
        profile_a, profile_b = a.profiles[name], b.profiles[name]
        for what, unit, figure_a, figure_b in (
            ("RAM", "bytes", profile_a.ram, profile_b.ram),
            ("flash", "bytes", profile_a.flash, profile_b.flash),
            ("time per clip", "ms", profile_a.clip_ms, profile_b.clip_ms),
            ("mean hop", "ms", profile_a.mean_hop, profile_b.mean_hop),
            ("worst hop", "ms", profile_a.worst_hop, profile_b.worst_hop),
            ("energy per clip", "mJ", profile_a.clip_energy, profile_b.clip_energy),
        ):
            if figure_a is not None and figure_b is not None:
                yield ValueChange(f"{profile_a.board}: {what}", unit, figure_a.value, figure_b.value)
