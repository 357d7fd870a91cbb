"""An evaluation -> the parity ladder: the overall figures rung beside rung, and how far each is from the first."""

from collections.abc import Iterator

from asd_edge.report.difference_chart import DIFFERENCE_LEGEND, DifferenceRow, difference_chart
from asd_edge.report.evaluation_record import EvaluationRecord
from asd_edge.report.figure_text import ABSENT, difference_words, percent, share_words, signed_points
from asd_edge.report.obtained import evaluation_source
from asd_edge.report.section import Absent, Charts, Section, Table
from asd_edge.report.work_contents import EVALUATE_COMMAND, WorkContents


def ladder_section(work: WorkContents) -> Section:
    """The verdict in words, the table of rungs, the picture of differences."""
    evaluation = work.evaluation
    if evaluation is None:
        return Section("ladder", "Parity ladder", absent=(Absent("AUCs on every rung", EVALUATE_COMMAND),))
    n_types = len(evaluation.types) // len(evaluation.rungs)
    table = Table(
        f"Overall: mean over {n_types} machine types of the mean over their IDs; AUCs in %, differences to "
        f"{evaluation.rung_names[0]} in percentage points [95 % interval]",
        ("", *evaluation.rung_names),
        tuple(_rows(evaluation)),
    )
    rows = _difference_rows(evaluation)
    parts: tuple[Table | Charts, ...] = (table,)
    if rows:
        title = f"AUC difference to {evaluation.rung_names[0]}"
        chart = difference_chart(title, rows, evaluation.settings.auc_margin)
        parts += (Charts(title, (chart,), DIFFERENCE_LEGEND, is_wide=True),)
    words = tuple(_verdict_words(evaluation))
    return Section("ladder", "Parity ladder", words, parts, (evaluation_source(evaluation),))


def _rows(evaluation: EvaluationRecord) -> Iterator[tuple[str, ...]]:
    overall, rungs = evaluation.overall, evaluation.rungs
    agreements = {found.rung: found for found in evaluation.agreement if found.machine_type is None}
    yield "AUC", *(percent(group.auc) for group in overall)
    yield "AUC difference", *(difference_words(group.auc_difference) for group in overall)
    yield "pAUC", *(percent(group.pauc) for group in overall)
    yield "pAUC difference", *(difference_words(group.pauc_difference) for group in overall)
    yield "mAUC, worst ID of each type", *(percent(group.mauc) for group in overall)
    yield "mAUC difference", *(difference_words(group.mauc_difference) for group in overall)
    yield "pairs whose order changed", *(share_words(group.changed_share) for group in overall)
    yield (
        "Spearman correlation",
        *(ABSENT if group.spearman is None else f"{group.spearman:.4f}" for group in overall),
    )
    yield (
        "largest score difference",
        *(f"{agreements[r.name].largest_score_difference:.3g}" if r.name in agreements else ABSENT for r in rungs),
    )
    yield "clips scored of available", *(f"{run.clips_scored} of {run.clips_available}" for run in rungs)
    yield "ms per clip where evaluated", *(f"{run.milliseconds_per_clip:.1f}" for run in rungs)
    yield "front end", *(run.frontend for run in rungs)
    yield "runtime", *(run.runtime for run in rungs)


def _difference_rows(evaluation: EvaluationRecord) -> list[DifferenceRow]:
    rows = []
    for rung in evaluation.rung_names[1:]:
        for group in (*evaluation.overall, *evaluation.types):
            if group.rung == rung and group.auc_difference is not None:
                label = f"{rung}, all" if group.machine_type is None else group.machine_type
                rows.append(DifferenceRow(label, group.auc_difference, group.machine_type is None))
    return rows


def _verdict_words(evaluation: EvaluationRecord) -> Iterator[str]:
    verdict, settings = evaluation.verdict, evaluation.settings
    if not verdict.rungs:
        yield f"Parity is not judged: {verdict.first} is the only rung."
        return
    yield f"Parity with {verdict.first}: {'kept' if verdict.passed else 'NOT kept'}."
    for rung in verdict.rungs:
        relation = "within" if rung.passed else "NOT within"
        if rung.low is not None and rung.high is not None:
            yield (
                f"{rung.rung}: AUC {signed_points(rung.auc_difference)} percentage points, 95 % interval "
                f"[{signed_points(rung.low)}, {signed_points(rung.high)}], {relation} "
                f"±{100 * settings.auc_margin:g} as a whole."
            )
        else:
            yield (
                f"{rung.rung}: {share_words(rung.changed_share)} of the normal-anomaly pairs changed their order, "
                f"{relation} the {100 * settings.changed_share_limit:g} % allowed; with fewer than "
                f"{settings.least_clips_for_an_interval} clips of a class in an ID there is no interval."
            )
