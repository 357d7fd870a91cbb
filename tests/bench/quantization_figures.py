"""Scores and embeddings of int8 variants beside the float model's -> what int8 cost, as figures, values and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asd_edge.clip.records import ClipRecord
from asd_edge.evaluate.agreement import row_cosines
from asd_edge.evaluate.figures import Difference, make_figures
from asd_edge.evaluate.scores_table import scores_by_machine
from tests.bench.variant_scores import VariantScores, score_rows

BOOTSTRAP_SEED = 0
HEAD = (
    "| checkpoint | variant | AUC | difference, pp | pAUC | difference, pp | changed pairs, % (net) "
    "| 1 - cosine, mean / worst | float operators | bytes | export, s | LiteRT, ms |"
)


@dataclass(frozen=True)
class VariantFigures:
    """One variant over all clips; the first variant's differences are None."""

    name: str
    auc: float
    pauc: float
    auc_difference: Difference | None
    pauc_difference: Difference | None
    changed_percent: float | None  # of the normal-anomaly pairs within an ID, summed over all IDs
    net_percent: float | None  # those that changed for the worse less those for the better, or the reverse
    cosine_loss_mean: float | None  # 1 - cosine of the embedding with the first variant's; None of a reconstruction
    cosine_loss_worst: float | None


@dataclass(frozen=True)
class FileFigures:
    """What the exported file is; None where it doesn't apply or wasn't measured."""

    float_operators: int | None
    n_bytes: int | None
    export_seconds: float | None
    litert_ms: float | None


def variant_figures(records: Sequence[ClipRecord], variants: Sequence[VariantScores]) -> tuple[VariantFigures, ...]:
    """The others are compared with the first."""
    names = [variant.name for variant in variants]
    figures = make_figures(scores_by_machine(score_rows(records, variants), names), names, BOOTSTRAP_SEED)
    found = []
    for variant, group in zip(variants, figures.overall, strict=True):
        machines = [machine for machine in figures.machines if machine.rung == variant.name]
        n_pairs = sum(machine.pairs for machine in machines)
        changed = net = None
        if group.auc_difference is not None:
            changed = 100 * sum(machine.changed_pairs or 0.0 for machine in machines) / n_pairs
            moved = [machine.pairs * machine.auc_difference.value for machine in machines if machine.auc_difference]
            net = 100 * abs(sum(moved)) / n_pairs
        mean, worst = _cosine_losses(variants[0], variant)
        found.append(
            VariantFigures(
                variant.name,
                group.auc,
                group.pauc,
                group.auc_difference,
                group.pauc_difference,
                changed,
                net,
                mean,
                worst,
            )
        )
    return tuple(found)


def _cosine_losses(first: VariantScores, variant: VariantScores) -> tuple[float | None, float | None]:
    if variant is first or variant.outputs.shape[1] == 0:
        return None, None
    losses = 1.0 - row_cosines(first.outputs, variant.outputs)
    return float(losses.mean()), float(losses.max())


def figure_values(found: VariantFigures, file: FileFigures) -> dict[str, float]:
    """For a result file: AUCs as fractions, differences in percentage points; what is None is left out."""
    values: dict[str, float | None] = {
        "auc": found.auc,
        "pauc": found.pauc,
        "changed_pairs_percent": found.changed_percent,
        "net_changed_pairs_percent": found.net_percent,
        "cosine_loss_mean": found.cosine_loss_mean,
        "cosine_loss_worst": found.cosine_loss_worst,
        "float_operators": file.float_operators,
        "bytes": file.n_bytes,
        "export_seconds": file.export_seconds,
        "litert_milliseconds": file.litert_ms,
    }
    for name, difference in (("auc", found.auc_difference), ("pauc", found.pauc_difference)):
        if difference is not None:
            values[f"{name}_difference_pp"] = 100 * difference.value
        if difference is not None and difference.low is not None and difference.high is not None:
            values[f"{name}_difference_low_pp"] = 100 * difference.low
            values[f"{name}_difference_high_pp"] = 100 * difference.high
            values[f"{name}_interval_end_pp"] = 100 * max(abs(difference.low), abs(difference.high))
    return {name: float(f"{value:.6g}") for name, value in values.items() if value is not None}


def worst_value(by_variant: Mapping[tuple[str, str], Mapping[str, float]], variants: Sequence[str], key: str) -> float:
    """The greatest over checkpoints and these variants; keys of the mapping are (checkpoint, variant).

    Raises KeyError where a variant lacks the value: a bar is not met by what wasn't measured.
    """
    return max(values[key] for (_, variant), values in by_variant.items() if variant in variants)


def worst_ratio(by_variant: Mapping[tuple[str, str], Mapping[str, float]], ours: str, other: str, key: str) -> float:
    """The greatest over checkpoints of our value over the other variant's on the same checkpoint."""
    checkpoints = {checkpoint for checkpoint, _ in by_variant}
    return max(by_variant[name, ours][key] / by_variant[name, other][key] for name in checkpoints)


def table_row(checkpoint: str, found: VariantFigures, file: FileFigures) -> str:
    """A line below HEAD and its rule."""
    cells = [
        checkpoint,
        found.name,
        f"{100 * found.auc:.2f}",
        _difference(found.auc_difference),
        f"{100 * found.pauc:.2f}",
        _difference(found.pauc_difference),
        "-" if found.changed_percent is None else f"{found.changed_percent:.2f} ({found.net_percent:.2f})",
        "-" if found.cosine_loss_mean is None else f"{found.cosine_loss_mean:.2g} / {found.cosine_loss_worst:.2g}",
        "-" if file.float_operators is None else f"{file.float_operators}",
        "-" if file.n_bytes is None else f"{file.n_bytes:,}",
        "-" if file.export_seconds is None else f"{file.export_seconds:.0f}",
        "-" if file.litert_ms is None else f"{file.litert_ms:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def rule() -> str:
    """The line below HEAD."""
    return "|" + "---|" * (HEAD.count("|") - 1)


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return "-"
    if difference.low is None or difference.high is None:
        return f"{100 * difference.value:+.2f}"
    return f"{100 * difference.value:+.2f} [{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"
