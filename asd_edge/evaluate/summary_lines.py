"""An Evaluation -> the lines under the tables: the stated tolerances, the thresholds, the verdict in plain words."""

from collections.abc import Iterator
from pathlib import Path

from asd_edge.evaluate.evaluation import Evaluation, RungRun
from asd_edge.evaluate.figures import MIN_CLIPS
from asd_edge.evaluate.verdict import AUC_MARGIN, BY_INTERVAL, CHANGED_SHARE_LIMIT, RungVerdict
from asd_edge.evaluate.write_evaluation import EVALUATION_FILE, SCORES_FILE, THRESHOLDS_FILE


def summary_lines(evaluation: Evaluation, work: Path) -> Iterator[str]:
    """One fact per line; the verdict is the last one."""
    machines = evaluation.figures.machines
    if any(min(figures.normal_clips, figures.anomaly_clips) < MIN_CLIPS for figures in machines):
        yield (
            f"no interval where an ID has fewer than {MIN_CLIPS} clips of a class; "
            "there the pairs that changed their order are the measure"
        )
    for run in evaluation.rungs:
        if run.tolerance_lsb is not None and run.largest_difference_lsb is not None:
            yield _tolerance_line(run)
    yield from _threshold_lines(evaluation, work)
    yield f"{work / EVALUATION_FILE}: every figure; {work / SCORES_FILE}: every score"
    first = evaluation.verdict.first
    for verdict in evaluation.verdict.rungs:
        yield _verdict_line(verdict, first)
    if not evaluation.verdict.rungs:
        yield f"parity: not judged, {first} is the only rung"
    else:
        yield f"parity with {first}: {'kept' if evaluation.verdict.passed else 'NOT kept'}"


def _tolerance_line(run: RungRun) -> str:
    assert run.tolerance_lsb is not None
    assert run.largest_difference_lsb is not None
    relation = "within" if run.largest_difference_lsb <= run.tolerance_lsb else "BEYOND"
    return (
        f"{run.name} ({run.runtime}): its int8 output differs from reference's by at most "
        f"{run.largest_difference_lsb} LSB, {relation} the stated {run.tolerance_lsb}"
    )


def _threshold_lines(evaluation: Evaluation, work: Path) -> Iterator[str]:
    found = evaluation.thresholds
    if found.why_none is not None:
        yield f"no thresholds: {found.why_none}"
        return
    n_machines = len({machine for by_machine in found.by_rung.values() for machine in by_machine})
    yield (
        f"{work / THRESHOLDS_FILE}: {n_machines} machine IDs on {', '.join(found.by_rung)}, from "
        f"{found.clips_found} of the {found.clips_of_split} validation clips of the checkpoint"
    )
    if found.machines_without:
        yield f"no threshold, none of its validation clips is in the data: {', '.join(found.machines_without)}"


def _verdict_line(verdict: RungVerdict, first: str) -> str:
    if verdict.measure == BY_INTERVAL:
        assert verdict.low is not None
        assert verdict.high is not None
        relation = "within" if verdict.passed else "NOT within"
        return (
            f"{verdict.rung}: overall AUC {100 * verdict.auc_difference:+.2f} pp against {first}, 95 % interval "
            f"[{100 * verdict.low:+.2f}, {100 * verdict.high:+.2f}] {relation} +-{100 * AUC_MARGIN:.1f} pp"
        )
    relation = "within" if verdict.passed else "ABOVE"
    return (
        f"{verdict.rung}: {100 * verdict.changed_share:.2f} % of the normal-anomaly pairs changed their order against "
        f"{first}, {relation} the {100 * CHANGED_SHARE_LIMIT:.0f} % allowed"
    )
