"""Lined-up scores of every rung -> AUC, pAUC, mAUC and agreement per machine ID, per machine type and overall.

All figures are fractions of 1. A difference is this rung's figure minus the first rung's, in the same unit.
Per ID its interval is DeLong's; per type and overall it is the stratified paired bootstrap's. An interval needs
`MIN_CLIPS` clips of each class in every ID that it covers; else it is None and the changed pairs are the measure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.evaluate.agreement import ChangedPairs, changed_pairs, spearman
from asd_edge.evaluate.auc import auc, count_pairs, mean_of_worst_ids, mean_over_types, pauc
from asd_edge.evaluate.bootstrap import (
    N_DRAWS,
    MachineKey,
    MachineScores,
    ResampledFigures,
    percentile_interval,
    resample_figures,
)
from asd_edge.evaluate.delong import delong_difference

MIN_CLIPS = 20  # of each class, in every ID, for an interval


@dataclass(frozen=True)
class Difference:
    """This rung minus the first; `low` and `high` bound the 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MachineFigures:
    """One machine ID on one rung; what compares with the first rung is None on the first rung itself."""

    rung: str
    machine_type: str
    machine_id: str
    normal_clips: int
    anomaly_clips: int
    auc: float
    pauc: float
    tied_pairs: int
    auc_difference: Difference | None
    pauc_difference: Difference | None
    changed_pairs: float | None  # in halves
    pairs: int
    spearman: float | None

    @property
    def changed_share(self) -> float | None:
        return None if self.changed_pairs is None else self.changed_pairs / self.pairs


@dataclass(frozen=True)
class GroupFigures:
    """One machine type (mean over its IDs) or, with machine_type None, all (mean over types of the mean over IDs)."""

    rung: str
    machine_type: str | None
    n_ids: int
    auc: float
    pauc: float
    mauc: float  # the worst ID of each type, averaged over the types
    pooled_auc: float  # all IDs of a type in one ROC curve, as the authors do; averaged over the types
    auc_difference: Difference | None
    pauc_difference: Difference | None
    mauc_difference: Difference | None
    changed_share: float | None  # averaged like the AUC, so that it bounds the AUC's change
    spearman: float | None  # averaged like the AUC, over the IDs that have one


@dataclass(frozen=True)
class Figures:
    """Everything that scores alone say; rows in the order machine, then rung."""

    machines: tuple[MachineFigures, ...]
    types: tuple[GroupFigures, ...]
    overall: tuple[GroupFigures, ...]


def make_figures(
    scores: Mapping[MachineKey, MachineScores], rungs: Sequence[str], seed: int, n_draws: int = N_DRAWS
) -> Figures:
    """Figures of all rungs; row 0 of each machine's scores is the rung that the others are compared with."""
    machines = tuple(_machine(key, scores[key], row, rungs[row]) for key in scores for row in range(len(rungs)))
    draws = resample_figures({key: scores[key] for key in scores if has_interval(scores[key])}, seed, n_draws)
    types: list[GroupFigures] = []
    for machine_type in sorted({machine_type for machine_type, _ in scores}):
        of_type = {key: machine for key, machine in scores.items() if key[0] == machine_type}
        types += _groups(of_type, machines, draws, rungs, machine_type)
    return Figures(machines, tuple(types), tuple(_groups(scores, machines, draws, rungs, None)))


def _machine(key: MachineKey, machine: MachineScores, row: int, rung: str) -> MachineFigures:
    normal, anomaly = machine.normal[row], machine.anomaly[row]
    rung_auc, rung_pauc = auc(normal, anomaly), pauc(normal, anomaly)
    auc_difference = pauc_difference = correlation = None
    changed: ChangedPairs | None = None
    if row > 0:
        first = machine.normal[0], machine.anomaly[0]
        auc_difference = Difference(rung_auc - auc(*first))
        pauc_difference = Difference(rung_pauc - pauc(*first))
        if has_interval(machine):
            delong = delong_difference(*first, normal, anomaly)
            auc_difference = Difference(auc_difference.value, delong.low, delong.high)
        changed = changed_pairs(*first, normal, anomaly)
        correlation = spearman(np.concatenate(first), np.concatenate([normal, anomaly]))
    return MachineFigures(
        rung=rung,
        machine_type=key[0],
        machine_id=key[1],
        normal_clips=normal.size,
        anomaly_clips=anomaly.size,
        auc=rung_auc,
        pauc=rung_pauc,
        tied_pairs=count_pairs(normal, anomaly)[1],
        auc_difference=auc_difference,
        pauc_difference=pauc_difference,
        changed_pairs=None if changed is None else changed.changed,
        pairs=normal.size * anomaly.size,
        spearman=correlation,
    )


def has_interval(machine: MachineScores) -> bool:
    """Whether the machine has MIN_CLIPS clips of each class."""
    return bool(min(machine.normal.shape[1], machine.anomaly.shape[1]) >= MIN_CLIPS)


def _groups(
    members: Mapping[MachineKey, MachineScores],
    machines: Sequence[MachineFigures],
    draws: ResampledFigures,
    rungs: Sequence[str],
    machine_type: str | None,
) -> list[GroupFigures]:
    """The figures of one group of machines on every rung."""
    by_id = {key: [f for f in machines if (f.machine_type, f.machine_id) == key] for key in members}  # in rung order
    aucs = {key: [figures.auc for figures in by_id[key]] for key in members}
    paucs = {key: [figures.pauc for figures in by_id[key]] for key in members}
    points = (mean_over_types(aucs), mean_over_types(paucs), mean_of_worst_ids(aucs))  # (n_rungs,) each
    drawn: tuple[NDArray[np.float64], ...] | None = None  # (n_rungs, n_draws) each
    if all(has_interval(machine) for machine in members.values()):
        drawn_aucs = {key: draws.auc[key] for key in members}
        drawn_paucs = {key: draws.pauc[key] for key in members}
        drawn = (mean_over_types(drawn_aucs), mean_over_types(drawn_paucs), mean_of_worst_ids(drawn_aucs))
    groups = []
    for row, rung in enumerate(rungs):
        differences: list[Difference | None] = [None, None, None]
        if row > 0:
            for index, point in enumerate(points):
                interval = (None, None) if drawn is None else percentile_interval(drawn[index][row] - drawn[index][0])
                differences[index] = Difference(float(point[row] - point[0]), *interval)
        groups.append(
            GroupFigures(
                rung=rung,
                machine_type=machine_type,
                n_ids=len(members),
                auc=float(points[0][row]),
                pauc=float(points[1][row]),
                mauc=float(points[2][row]),
                pooled_auc=_pooled_auc(members, row),
                auc_difference=differences[0],
                pauc_difference=differences[1],
                mauc_difference=differences[2],
                changed_share=_mean_of_known({key: by_id[key][row].changed_share for key in members}),
                spearman=_mean_of_known({key: by_id[key][row].spearman for key in members}),
            )
        )
    return groups


def _mean_of_known(values: Mapping[MachineKey, float | None]) -> float | None:
    known = {key: value for key, value in values.items() if value is not None}
    return float(mean_over_types(known)) if known else None


def _pooled_auc(members: Mapping[MachineKey, MachineScores], row: int) -> float:
    pooled = []
    for machine_type in sorted({key[0] for key in members}):
        of_type = [machine for key, machine in members.items() if key[0] == machine_type]
        normal = np.concatenate([machine.normal[row] for machine in of_type])
        pooled.append(auc(normal, np.concatenate([machine.anomaly[row] for machine in of_type])))
    return float(np.mean(pooled))
