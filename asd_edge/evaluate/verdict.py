"""Figures of a rung beside the first -> did it keep the detection? This decides the exit code of `asd-edge evaluate`.

Where every ID has its 20 clips of each class, the whole 95 % interval of the overall AUC difference must lie within
+-0.5 percentage points: an equivalence test, so too few clips fail it rather than pass unseen. Elsewhere at most 2 % of
the normal-anomaly pairs may have changed their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.figures import GroupFigures

AUC_MARGIN = 0.005
CHANGED_SHARE_LIMIT = 0.02
BY_INTERVAL, BY_CHANGED_PAIRS = "auc_interval", "changed_pairs"


@dataclass(frozen=True)
class RungVerdict:
    """`measure` says which of the two rules decided; `low` and `high` are set under BY_INTERVAL."""

    rung: str
    measure: str  # BY_INTERVAL or BY_CHANGED_PAIRS
    passed: bool
    auc_difference: float
    low: float | None
    high: float | None
    changed_share: float


@dataclass(frozen=True)
class Verdict:
    """Passed when every rung did; with a single rung there is nothing to compare, and it passes."""

    first: str
    rungs: tuple[RungVerdict, ...]

    @property
    def passed(self) -> bool:
        return all(rung.passed for rung in self.rungs)


def parity_verdict(overall: Sequence[GroupFigures]) -> Verdict:
    """The overall figures of all rungs, the first one first."""
    if not overall:
        raise EvaluationError("no rung was scored; name at least one with --backends")
    return Verdict(overall[0].rung, tuple(_rung_verdict(figures) for figures in overall[1:]))


def _rung_verdict(figures: GroupFigures) -> RungVerdict:
    difference, share = figures.auc_difference, figures.changed_share
    if difference is None or share is None:
        raise EvaluationError(f"rung {figures.rung} was not compared with the first; score both on the same clips")
    if difference.low is not None and difference.high is not None:
        measure, passed = BY_INTERVAL, difference.low >= -AUC_MARGIN and difference.high <= AUC_MARGIN
    else:
        measure, passed = BY_CHANGED_PAIRS, share <= CHANGED_SHARE_LIMIT
    return RungVerdict(figures.rung, measure, passed, difference.value, difference.low, difference.high, share)
