"""Scores and figures per machine -> ROC curves, score histograms with their thresholds, the table of all machines."""

from collections.abc import Iterator, Mapping

import numpy as np

from asd_edge.evaluate.thresholds import MachineThreshold
from asd_edge.export.detector import RECONSTRUCTION
from asd_edge.report.evaluation_record import EvaluationRecord
from asd_edge.report.figure_text import ABSENT, difference_words, percent, share_words
from asd_edge.report.machine_charts import HISTOGRAM_LEGEND, ROC_STYLES, histogram_chart, roc_chart
from asd_edge.report.obtained import evaluation_source, thresholds_source
from asd_edge.report.section import Absent, Charts, LegendEntry, Section, Table
from asd_edge.report.work_contents import EVALUATE_COMMAND, WorkContents

_ALARM_COLUMNS = ("normal, gamma", "anomalous, gamma", "normal, percentile", "anomalous, percentile")
_MACHINE_COLUMNS = (
    "machine",
    "rung",
    "AUC",
    "pAUC",
    "mAUC",
    "AUC difference",
    "pairs changed",
    "tied pairs",
    "normal",
    "anomalous",
)
_NO_SCORES = Absent("the score of every test clip", EVALUATE_COMMAND)


def roc_section(work: WorkContents) -> Section:
    """One picture per machine ID: the first rung and the last, the one closest to the device."""
    evaluation = work.evaluation
    if evaluation is None or not work.scores:
        return Section("roc", "ROC curves", absent=(_NO_SCORES,))
    rows = (0,) if len(evaluation.rungs) == 1 else (0, len(evaluation.rungs) - 1)
    max_fpr = evaluation.settings.max_fpr
    svgs = tuple(roc_chart("/".join(key), scores, rows, max_fpr) for key, scores in work.scores.items())
    legend = [LegendEntry(style, evaluation.rung_names[row]) for row, style in zip(rows, ROC_STYLES, strict=False)]
    legend += [LegendEntry("chance-line", "guessing"), LegendEntry("shade", f"what pAUC counts, up to {max_fpr:g}")]
    charts = Charts("Hits among anomalous clips over false alarms among normal ones", svgs, tuple(legend))
    return Section("roc", "ROC curves", (), (charts,), (evaluation_source(evaluation),))


def score_section(work: WorkContents) -> Section:
    """Histograms on the last rung that has thresholds, else on the last one; what each threshold does to test clips."""
    evaluation, thresholds = work.evaluation, work.thresholds
    if evaluation is None or not work.scores:
        return Section("scores", "Scores and thresholds", absent=(_NO_SCORES,))
    with_thresholds = [] if thresholds is None else [name for name in evaluation.rung_names if name in thresholds.rungs]
    rung = with_thresholds[-1] if with_thresholds else evaluation.rung_names[-1]
    row = evaluation.rung_names.index(rung)
    by_machine = thresholds.rungs[rung] if thresholds is not None and with_thresholds else {}
    unit = "dB²" if evaluation.score == RECONSTRUCTION else "log-odds"
    svgs = []
    for key, scores in work.scores.items():
        name = "/".join(key)
        svgs.append(histogram_chart(name, scores.normal[row], scores.anomaly[row], by_machine.get(name), unit))
    charts = Charts(f"Scores on rung {rung}: share of the clips of each class", tuple(svgs), HISTOGRAM_LEGEND)
    if thresholds is None or not by_machine:
        absent = Absent(
            "thresholds; they come from the checkpoint's validation clips, which have to be in DATA", EVALUATE_COMMAND
        )
        return Section("scores", "Scores and thresholds", (), (charts,), (evaluation_source(evaluation),), (absent,))
    table = Table(
        f"Alarms that the thresholds would have raised on rung {rung}; made for "
        f"{100 * thresholds.false_alarm_rate:g} % false alarms, from normal validation clips alone",
        ("machine", "validation clips", "gamma", "percentile", *_ALARM_COLUMNS),
        tuple(_alarm_rows(work, row, by_machine)),
    )
    words = [f"The rule: {thresholds.rule}."]
    if thresholds.machines_without:
        words.append(f"No validation clip, so no threshold: {', '.join(thresholds.machines_without)}.")
    sources = (evaluation_source(evaluation), thresholds_source(evaluation, thresholds))
    return Section("scores", "Scores and thresholds", tuple(words), (charts, table), sources)


def _alarm_rows(work: WorkContents, row: int, by_machine: Mapping[str, MachineThreshold]) -> Iterator[tuple[str, ...]]:
    for key, scores in work.scores.items():
        name = "/".join(key)
        found = by_machine.get(name)
        if found is None:
            yield name, "0", *[ABSENT] * 6
            continue
        cells = []
        for threshold in (None if found.gamma is None else found.gamma.threshold, found.percentile):
            for values in (scores.normal[row], scores.anomaly[row]):
                cells.append(
                    ABSENT if threshold is None else f"{int(np.count_nonzero(values > threshold))} of {values.size}"
                )
        gamma = ABSENT if found.gamma is None else f"{found.gamma.threshold:.3f}"
        yield name, str(found.clips), gamma, f"{found.percentile:.3f}", *cells


def machine_section(work: WorkContents) -> Section:
    """Every machine ID on every rung; then each type's mean."""
    evaluation = work.evaluation
    if evaluation is None:
        return Section("machines", "Machines", absent=(Absent("AUCs of every machine", EVALUATE_COMMAND),))
    rows = tuple(_machine_rows(evaluation))
    table = Table(
        f"AUCs in %, differences to {evaluation.rung_names[0]} in percentage points [95 % interval]",
        _MACHINE_COLUMNS,
        rows,
        2,
        frozenset(index for index, row in enumerate(rows) if row[_MACHINE_COLUMNS.index("mAUC")]),
    )
    return Section("machines", "Machines", (), (table,), (evaluation_source(evaluation),))


def _machine_rows(evaluation: EvaluationRecord) -> Iterator[tuple[str, ...]]:
    for machine_type in dict.fromkeys(group.machine_type for group in evaluation.types):
        of_type = [figures for figures in evaluation.machines if figures.machine_type == machine_type]
        for figures in of_type:
            yield (
                f"{figures.machine_type}/{figures.machine_id}",
                figures.rung,
                percent(figures.auc),
                percent(figures.pauc),
                "",
                difference_words(figures.auc_difference),
                share_words(figures.changed_share),
                str(figures.tied_pairs),
                str(figures.normal_clips),
                str(figures.anomaly_clips),
            )
        for group in evaluation.types:
            if group.machine_type == machine_type:
                on_rung = [figures for figures in of_type if figures.rung == group.rung]
                yield (
                    f"{machine_type}, all {group.n_ids} IDs",
                    group.rung,
                    percent(group.auc),
                    percent(group.pauc),
                    percent(group.mauc),
                    difference_words(group.auc_difference),
                    share_words(group.changed_share),
                    str(sum(figures.tied_pairs for figures in on_rung)),
                    str(sum(figures.normal_clips for figures in on_rung)),
                    str(sum(figures.anomaly_clips for figures in on_rung)),
                )
