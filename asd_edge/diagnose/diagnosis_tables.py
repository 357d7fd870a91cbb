"""A Diagnosis -> what the terminal shows: the layers that do most damage, and the lines under them."""

from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.table import Table

from asd_edge.diagnose.diagnosis import Damage, Diagnosis, LayerDiagnosis
from asd_edge.diagnose.write_diagnosis import DIAGNOSIS_FILE

SHOWN_LAYERS = 12
ABSENT = "-"


def worst_layers_table(diagnosis: Diagnosis, n_layers: int = SHOWN_LAYERS) -> Table:
    """The worst layers: each alone in int8, then all but it in int8; the last row is all in int8."""
    measure = "1 - cosine" if diagnosis.int8.cosine_mean is not None else "relative error"
    table = Table("layer", "operator", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = (
        f"The {min(n_layers, len(diagnosis.layers))} worst of {len(diagnosis.layers)} layers, by {measure} alone"
    )
    for name in ("SQNR, dB", f"alone: {measure}", "worst clip", "pairs changed", "AUC, pp"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in (f"all but it: {measure}", "worst clip", "pairs changed", "AUC, pp"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("repair", no_wrap=True)
    for layer in diagnosis.ranked()[:n_layers]:
        table.add_row(*_cells(layer))
    table.add_section()
    table.add_row("all in int8", "", "", *[""] * 4, *_damage_cells(diagnosis.int8), "", style="bold")
    return table


def diagnosis_lines(diagnosis: Diagnosis, work: Path) -> Iterator[str]:
    """Evidence for the worst layers' repairs, where the rest is, and at last the advice."""
    for layer in diagnosis.ranked()[:3]:
        in_recipe = ", ".join(layer.repair.in_recipe)
        taken = f"; in the recipe already: {in_recipe}" if in_recipe else ""
        yield f"{layer.name}: {layer.repair.step}, because {layer.repair.why}{taken}"
    yield (
        f"{diagnosis.clips_used} of {diagnosis.clips_available} test clips, {diagnosis.pairs} normal-anomaly pairs "
        f"within machine IDs; {work / DIAGNOSIS_FILE}: every layer"
    )
    yield diagnosis.advice


def _cells(layer: LayerDiagnosis) -> tuple[str, ...]:
    sqnr = ABSENT if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}"
    cells = (*_damage_cells(layer.alone), *_damage_cells(layer.all_but))
    return layer.name, layer.operator, sqnr, *cells, layer.repair.step


def _damage_cells(damage: Damage) -> tuple[str, ...]:
    worst = damage.relative_error_max if damage.cosine_min is None else 1 - damage.cosine_min
    points = round(100 * damage.auc_difference, 2) + 0.0  # + 0.0: no minus before a zero
    return f"{damage.error:.2g}", f"{worst:.2g}", f"{damage.changed_pairs:g}", f"{points:+.2f}"
