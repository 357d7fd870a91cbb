"""An Evaluation -> what the terminal shows: every machine on every rung, the overall figures rung beside rung.

AUC, pAUC and mAUC are in percent, differences to the first rung in percentage points with their 95 % interval.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table

from asd_edge.evaluate.evaluation import Evaluation, RungRun
from asd_edge.evaluate.figures import Difference, GroupFigures, MachineFigures
from asd_edge.evaluate.score_agreement import ScoreAgreement

MACHINE_COLUMNS = (
    "rung",
    "AUC",
    "pAUC",
    "mAUC",
    "AUC difference",
    "pairs changed",
    "tied",
    "Spearman",
    "score diff.",
    "cosine mean, min",
    "clips scored",
)
ABSENT = "-"


def result_tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """All tables, the one that says most last: it ends up beside the verdict."""
    sqnr_db = evaluation.sqnr_db
    sqnr = () if sqnr_db is None else (sqnr_table(sqnr_db, evaluation.sqnr_clips),)
    return machine_table(evaluation), *sqnr, overall_table(evaluation)


def machine_table(evaluation: Evaluation) -> Table:
    """Every machine ID on every rung; after the IDs of a type their mean, on which mAUC is the worst ID's AUC."""
    first = evaluation.rungs[0].name
    table = Table("machine", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = f"Per machine ID and type: AUCs in %, differences to {first} in pp [95 % interval]"
    for name in MACHINE_COLUMNS:
        table.add_column(name, justify="left" if name == "rung" else "right", no_wrap=True)
    for machine_type in dict.fromkeys(group.machine_type for group in evaluation.figures.types):
        of_type = [figures for figures in evaluation.figures.machines if figures.machine_type == machine_type]
        for figures in of_type:
            table.add_row(*_machine_cells(figures, evaluation))
        for group in evaluation.figures.types:
            if group.machine_type == machine_type:
                table.add_row(*_type_cells(group, of_type, evaluation), style="bold")
        table.add_section()
    return table


def overall_table(evaluation: Evaluation) -> Table:
    """The overall figures, one column per rung, with the rung's runtime and how many clips it scored."""
    overall = evaluation.figures.overall
    table = Table("", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    n_types = len({figures.machine_type for figures in evaluation.figures.machines})
    table.title = (
        f"Overall: mean over {n_types} types of the mean over their IDs ({overall[0].n_ids}); "
        f"differences to {overall[0].rung} in pp [95 % interval]"
    )
    for group in overall:
        table.add_column(group.rung, justify="right", no_wrap=True)
    for row in _overall_rows(evaluation):
        table.add_row(*row)
    return table


def sqnr_table(sqnr_db: Mapping[str, float], n_clips: int) -> Table:
    """Signal-to-quantization-noise ratio of every activation, in execution order."""
    table = Table("activation", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = f"SQNR over {n_clips} test clips"
    table.add_column("dB", justify="right", no_wrap=True)
    for name, value in sqnr_db.items():
        table.add_row(name, f"{value:.1f}")
    return table


def _overall_rows(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    overall, runs = evaluation.figures.overall, evaluation.rungs
    agreements = [_agreement(evaluation, run.name, None, None) for run in runs]
    yield "AUC, %", *(_percent(group.auc) for group in overall)
    yield "  difference", *(_difference(group.auc_difference) for group in overall)
    yield "pAUC, %", *(_percent(group.pauc) for group in overall)
    yield "  difference", *(_difference(group.pauc_difference) for group in overall)
    yield "mAUC, %", *(_percent(group.mauc) for group in overall)
    yield "  difference", *(_difference(group.mauc_difference) for group in overall)
    yield "pairs whose order changed", *(_share(group.changed_share) for group in overall)
    yield "pairs tied", *(_tied(evaluation.figures.machines, run.name) for run in runs)
    yield "Spearman correlation", *(_correlation(group.spearman) for group in overall)
    yield "largest score difference", *(_score_difference(agreement) for agreement in agreements)
    yield "cosine of outputs, mean, min", *(_cosines(agreement) for agreement in agreements)
    yield "clips scored of available", *(_clips(run) for run in runs)
    yield "ms per clip, one thread, here", *(f"{run.milliseconds_per_clip:.1f}" for run in runs)
    yield "front end", *(run.frontend for run in runs)
    yield "runtime", *(run.runtime for run in runs)


def _machine_cells(figures: MachineFigures, evaluation: Evaluation) -> tuple[str, ...]:
    is_first = figures.rung == evaluation.rungs[0].name
    agreement = _agreement(evaluation, figures.rung, figures.machine_type, figures.machine_id)
    n_clips = figures.normal_clips + figures.anomaly_clips
    return (
        f"{figures.machine_type}/{figures.machine_id}" if is_first else "",
        figures.rung,
        _percent(figures.auc),
        _percent(figures.pauc),
        "",
        _difference(figures.auc_difference),
        _share(figures.changed_share),
        str(figures.tied_pairs),
        _correlation(figures.spearman),
        _score_difference(agreement),
        _cosines(agreement),
        f"{n_clips}/{n_clips}",
    )


def _type_cells(group: GroupFigures, of_type: Sequence[MachineFigures], evaluation: Evaluation) -> tuple[str, ...]:
    is_first = group.rung == evaluation.rungs[0].name
    agreement = _agreement(evaluation, group.rung, group.machine_type, None)
    on_rung = [figures for figures in of_type if figures.rung == group.rung]
    n_clips = sum(figures.normal_clips + figures.anomaly_clips for figures in on_rung)
    return (
        f"{group.machine_type}, {group.n_ids} IDs" if is_first else "",
        group.rung,
        _percent(group.auc),
        _percent(group.pauc),
        _percent(group.mauc),
        _difference(group.auc_difference),
        _share(group.changed_share),
        str(sum(figures.tied_pairs for figures in on_rung)),
        _correlation(group.spearman),
        _score_difference(agreement),
        _cosines(agreement),
        f"{n_clips}/{n_clips}",
    )


def _agreement(
    evaluation: Evaluation, rung: str, machine_type: str | None, machine_id: str | None
) -> ScoreAgreement | None:
    """None for the first rung."""
    wanted = (rung, machine_type, machine_id)
    return next((found for found in evaluation.agreement if found.group == wanted), None)


def _clips(run: RungRun) -> str:
    return f"{run.clips_scored} of {run.clips_available}"


def _tied(machines: Sequence[MachineFigures], rung: str) -> str:
    of_rung = [figures for figures in machines if figures.rung == rung]
    return f"{sum(figures.tied_pairs for figures in of_rung)} of {sum(figures.pairs for figures in of_rung)}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return ABSENT
    interval = ""
    if difference.low is not None and difference.high is not None:
        interval = f" [{_signed(difference.low)}, {_signed(difference.high)}]"
    return _signed(difference.value) + interval


def _signed(fraction: float) -> str:
    points = round(100 * fraction, 2)
    return f"{points + 0.0:+.2f}"  # + 0.0: no minus before a zero


def _share(share: float | None) -> str:
    return ABSENT if share is None else f"{100 * share:.2f} %"


def _correlation(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.4f}"


def _score_difference(agreement: ScoreAgreement | None) -> str:
    return ABSENT if agreement is None else f"{agreement.largest_score_difference:.3g}"


def _cosines(agreement: ScoreAgreement | None) -> str:
    if agreement is None or agreement.cosine_mean is None or agreement.cosine_min is None:
        return ABSENT
    return f"{agreement.cosine_mean:.4f}, {agreement.cosine_min:.4f}"
