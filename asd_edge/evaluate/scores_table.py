"""The score of every clip on every rung, in memory and as WORK/scores.csv.

Columns: rung, clip (path below the data folder), machine_type, machine_id, label, score, cross_entropy. Scores are
printed so that reading them back gives the same float64. `cross_entropy`, the reference's own score, is the softplus of
the log-odds; it is empty where the score is a reconstruction error.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.records import ANOMALY, NORMAL
from asd_edge.errors import EvaluationError
from asd_edge.evaluate.bootstrap import MachineKey, MachineScores

COLUMNS = ("rung", "clip", "machine_type", "machine_id", "label", "score", "cross_entropy")


@dataclass(frozen=True)
class ScoreRow:
    """One line of scores.csv."""

    rung: str
    clip: str
    machine_type: str
    machine_id: str
    label: str  # NORMAL or ANOMALY
    score: float
    cross_entropy: float | None


def write_scores(rows: Iterable[ScoreRow], path: Path) -> None:
    """Write all rows or nothing. Raises WorkDirectoryError where `path` can't be written."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        cross_entropy = "" if row.cross_entropy is None else repr(row.cross_entropy)
        table.writerow(
            (row.rung, row.clip, row.machine_type, row.machine_id, row.label, repr(row.score), cross_entropy)
        )
    write_text_atomically(path, text.getvalue())


def read_scores(path: Path) -> tuple[ScoreRow, ...]:
    """The rows in file order. Raises EvaluationError, naming file and line, for a table that isn't scores.csv."""
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise EvaluationError(f"{path}: can't be read ({error.strerror}); run asd-edge evaluate first") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise EvaluationError(f"{path}: its first line isn't {','.join(COLUMNS)}; run asd-edge evaluate again")
    return tuple(_parse(line, f"{path}, line {number}") for number, line in enumerate(lines[1:], start=2))


def scores_by_machine(rows: Sequence[ScoreRow], rungs: Sequence[str]) -> dict[MachineKey, MachineScores]:
    """Line the rows up: every machine's clips in the same order on every rung.

    Raises EvaluationError for a machine with clips of one class only, and for a clip without a score on some rung.
    """
    by_clip: dict[tuple[MachineKey, str], dict[str, dict[str, float]]] = {}
    for row in rows:
        clips = by_clip.setdefault(((row.machine_type, row.machine_id), row.label), {})
        clips.setdefault(row.clip, {})[row.rung] = row.score
    machines: dict[MachineKey, MachineScores] = {}
    for key in sorted({key for key, _ in by_clip}):
        for label in (NORMAL, ANOMALY):
            if (key, label) not in by_clip:
                raise EvaluationError(
                    f"{'/'.join(key)}: no {label} test clip among those scored, so it has no AUC; "
                    "add such clips or leave the machine out"
                )
        machines[key] = MachineScores(_rung_rows(by_clip[key, NORMAL], rungs), _rung_rows(by_clip[key, ANOMALY], rungs))
    return machines


def _rung_rows(
    clips: dict[str, dict[str, float]], rungs: Sequence[str]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    for clip, scores in clips.items():
        for rung in rungs:
            if rung not in scores:
                raise EvaluationError(f"{clip}: no score on rung {rung}; run asd-edge evaluate again")
    return np.array([[clips[clip][rung] for clip in sorted(clips)] for rung in rungs], np.float64)


def _parse(line: list[str], where: str) -> ScoreRow:
    try:
        rung, clip, machine_type, machine_id, label, score, cross_entropy = line
        row = ScoreRow(
            rung, clip, machine_type, machine_id, label, float(score), float(cross_entropy) if cross_entropy else None
        )
    except ValueError as error:
        raise EvaluationError(f"{where}: {error}; run asd-edge evaluate again") from error
    if label not in (NORMAL, ANOMALY):
        raise EvaluationError(
            f"{where}: label {label!r} is neither {NORMAL} nor {ANOMALY}; run asd-edge evaluate again"
        )
    return row
