"""A Comparison -> what the terminal shows: AUCs of A beside B, sizes, memory and time, the verdict in words."""

from collections.abc import Iterator

from rich import box
from rich.table import Table

from asd_edge.report.compare_works import Comparison
from asd_edge.report.figure_text import ABSENT, difference_words, percent, share_words, signed_points


def comparison_tables(comparison: Comparison) -> tuple[Table, ...]:
    """The AUCs last: they end up beside the verdict."""
    tables = [_file_table(comparison)]
    if comparison.values:
        tables.append(_value_table(comparison))
    return *tables, _auc_table(comparison)


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """The clips, what stands in the way of trusting them, and the verdict as the last line."""
    yield (
        f"rung {comparison.rung}, {comparison.clips_common} clips in both, of {comparison.clips_a} in A "
        f"({comparison.name_a}) and {comparison.clips_b} in B ({comparison.name_b})"
    )
    if not comparison.is_same_data:
        yield "the two evaluations hold different sets of clips: those with the same path are taken to be the same"
    if comparison.machines_left_out:
        yield f"left out, without common clips of both classes: {', '.join(comparison.machines_left_out)}"
    relation = "within" if comparison.passed else "BEYOND"
    yield (
        f"AUC from A to B {difference_words(comparison.difference)} pp: {relation} the loss of "
        f"{100 * comparison.max_loss:g} pp that is allowed"
    )


def _auc_table(comparison: Comparison) -> Table:
    table = _table("AUCs in %, differences B - A in pp [95 % interval]", "machine")
    for name in ("AUC, A", "AUC, B", "difference", "pAUC, A", "pAUC, B", "difference", "pairs changed", "clips"):
        table.add_column(name, justify="right", no_wrap=True)
    figures = comparison.figures
    for a, b in zip(figures.machines[::2], figures.machines[1::2], strict=True):
        clips = str(b.normal_clips + b.anomaly_clips)
        table.add_row(
            f"{b.machine_type}/{b.machine_id}",
            percent(a.auc),
            percent(b.auc),
            difference_words(b.auc_difference),
            percent(a.pauc),
            percent(b.pauc),
            difference_words(b.pauc_difference),
            share_words(b.changed_share),
            clips,
        )
    for groups in (figures.types, figures.overall):
        table.add_section()
        for first, second in zip(groups[::2], groups[1::2], strict=True):
            table.add_row(
                f"{second.machine_type or 'all'}, {second.n_ids} IDs",
                percent(first.auc),
                percent(second.auc),
                difference_words(second.auc_difference),
                percent(first.pauc),
                percent(second.pauc),
                difference_words(second.pauc_difference),
                share_words(second.changed_share),
                "",
                style="bold",
            )
    return table


def _file_table(comparison: Comparison) -> Table:
    table = _table("Files, bytes", "file")
    for name in ("A", "B", "change", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for change in comparison.files:
        sizes = [ABSENT if n is None else f"{n:,}" for n in (change.bytes_a, change.bytes_b)]
        moved = ABSENT
        if change.bytes_a is not None and change.bytes_b is not None:
            moved = f"{change.bytes_b - change.bytes_a:+,}"
        table.add_row(change.name, *sizes, moved, "the same" if change.is_same else "another")
    return table


def _value_table(comparison: Comparison) -> Table:
    table = _table("Plans and boards", "figure")
    for name in ("unit", "A", "B", "change, %"):
        table.add_column(name, justify="right", no_wrap=True)
    for value in comparison.values:
        change = ABSENT if value.a == 0 else signed_points(value.b / value.a - 1)
        table.add_row(value.what, value.unit, f"{value.a:,.7g}", f"{value.b:,.7g}", change)
    return table


def _table(title: str, first_column: str) -> Table:
    table = Table(first_column, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = title
    return table
