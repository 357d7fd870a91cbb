"""Layers, attention, stream plan -> the sections on what the network does inside."""

import base64

from asd_edge.diagnose.diagnosis import Diagnosis, LayerDiagnosis
from asd_edge.evaluate.write_evaluation import EVALUATION_FILE
from asd_edge.export.work_files import RECORD_FILE
from asd_edge.report.damage_chart import damage_chart, damage_measure
from asd_edge.report.figure_text import ABSENT, bytes_words, signed_points
from asd_edge.report.layer_charts import PLAN_LEGEND, plan_chart, sqnr_chart
from asd_edge.report.obtained import diagnosis_source, evaluation_source, export_source
from asd_edge.report.section import Absent, Charts, LegendEntry, Picture, Section, Source, Table
from asd_edge.report.stage_records import StreamPlan
from asd_edge.report.work_contents import (
    COMPILE_COMMAND,
    DIAGNOSE_COMMAND,
    EVALUATE_COMMAND,
    EXPLAIN_COMMAND,
    WorkContents,
)

MOST_PICTURE_BYTES = 3_000_000  # of all pictures, before base64 makes them a third larger: a report stays below 5 MB
_N_MARKED = 5
_SQNR_LEGEND = (LegendEntry("normal-area", "SQNR"), LegendEntry("anomaly-area", f"the {_N_MARKED} lowest"))


def attention_section(work: WorkContents) -> Section:
    """The pictures that `asd-edge explain` left in the work directory, as many as fit."""
    parts, left_out, n_bytes = [], [], 0
    for name, content in work.pictures.items():
        if n_bytes + len(content) > MOST_PICTURE_BYTES:
            left_out.append(name)
            continue
        n_bytes += len(content)
        parts.append(Picture(name, base64.b64encode(content).decode("ascii")))
    if not work.pictures:
        return Section(
            "attention", "Attention", absent=(Absent("maps of what the attention looks at", EXPLAIN_COMMAND),)
        )
    words = ["The pictures that asd-edge explain left here; they don't say from which checkpoint they were drawn."]
    if left_out:
        words.append(f"Left out, for a page below 5 MB: {', '.join(left_out)}.")
    sources = tuple(Source(part.title, EXPLAIN_COMMAND) for part in parts)
    return Section("attention", "Attention", tuple(words), tuple(parts), sources)


def damage_section(work: WorkContents) -> Section:
    """SQNR per activation, over test clips where they were asked for, else over calibration clips; the diagnosis."""
    parts: list[Table | Charts] = []
    words: list[str] = []
    sources, absent = [], []
    evaluation, export = work.evaluation, work.export
    if evaluation is not None and evaluation.sqnr_db is not None:
        title = f"SQNR of each activation over {evaluation.sqnr_clips} test clips"
        parts.append(Charts(title, (sqnr_chart(evaluation.sqnr_db, _N_MARKED),), _SQNR_LEGEND, is_wide=True))
        sources.append(evaluation_source(evaluation))
    elif export is not None and export.sqnr_db:
        title = "SQNR of each activation over calibration clips"
        parts.append(Charts(title, (sqnr_chart(export.sqnr_db, _N_MARKED),), _SQNR_LEGEND, is_wide=True))
        sources.append(export_source(export))
        absent.append(Absent("SQNR over test clips", f"{EVALUATE_COMMAND} --sqnr"))
    else:
        absent.append(Absent(f"SQNR per layer, in {RECORD_FILE} or {EVALUATION_FILE}", f"{EVALUATE_COMMAND} --sqnr"))
    if work.diagnosis is None:
        absent.append(Absent("the damage that each layer does alone", DIAGNOSE_COMMAND))
    else:
        parts += _damage_parts(work.diagnosis)
        words.append(f"{work.diagnosis.advice}.")
        sources.append(diagnosis_source(work.diagnosis))
    return Section("damage", "Damage per layer", tuple(words), tuple(parts), tuple(sources), tuple(absent))


def _damage_parts(diagnosis: Diagnosis) -> tuple[Table | Charts, ...]:
    """The picture of every layer, and the table, worst first."""
    measure = damage_measure(diagnosis)
    title = f"{measure} of the output: each layer alone in int8, all but each, all"
    table = Table(
        f"Layers by {measure} with the layer alone in int8; AUC minus float's in percentage points, pairs whose order "
        f"changed of {diagnosis.pairs}",
        ("layer", "operator", "SQNR, dB", "alone", "AUC", "pairs", "all but it", "AUC", "pairs", "repair", "evidence"),
        tuple(_damage_row(layer) for layer in diagnosis.ranked()),
        2,
    )
    return Charts(title, (damage_chart(diagnosis),), is_wide=True), table


def _damage_row(layer: LayerDiagnosis) -> tuple[str, ...]:
    cells = (
        cell
        for damage in (layer.alone, layer.all_but)
        for cell in (f"{damage.error:.2g}", signed_points(damage.auc_difference), f"{damage.changed_pairs:g}")
    )
    sqnr = ABSENT if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}"
    return layer.name, layer.operator, sqnr, *cells, layer.repair.step, layer.repair.why


def plan_section(work: WorkContents) -> Section:
    """Each plan as a picture and as a table."""
    if not work.plans:
        return Section(
            "plan", "Stream plan", absent=(Absent("when each layer runs and what it keeps", COMPILE_COMMAND),)
        )
    parts: list[Table | Charts] = []
    sources, words = [], []
    for name, plan in work.plans.items():
        words.append(_plan_words(plan))
        title = f"{name}: bytes of each step; multiply-accumulates per hop, averaged"
        parts.append(Charts(title, (plan_chart(plan),), PLAN_LEGEND, is_wide=True))
        parts.append(_plan_table(plan))
        sources.append(Source(name, COMPILE_COMMAND.replace("plan-generic.json", name)))
    return Section("plan", "Stream plan", tuple(words), tuple(parts), tuple(sources))


def _plan_words(plan: StreamPlan) -> str:
    mode = "a stream without end" if plan.is_endless else f"windows of {plan.window_columns} columns"
    way = "column by column" if plan.is_streamed else "in part on whole tensors"
    return (
        f"{plan.core}: {mode}, {way}. Image {bytes_words(plan.image_bytes)} bytes, arena "
        f"{bytes_words(plan.arena_bytes)} bytes; {plan.mean_tick_macs / 1e6:.3f} M multiply-accumulates in the mean "
        f"hop, {plan.worst_tick_macs / 1e6:.3f} M in the worst; the output comes {plan.latency_ticks} hops after its "
        "last column."
    )


def _plan_table(plan: StreamPlan) -> Table:
    steps = [step for step in plan.steps if step.op != "store"]
    return Table(
        f"Steps for {plan.core}: bytes, multiply-accumulates of one firing, hops",
        ("step", "operator", "kernels", "state", "scratch", "constants", "MACs", "every", "delay"),
        tuple(
            (
                step.name,
                step.op,
                step.kernels,
                *(f"{n:,}" for n in (step.state_bytes, step.scratch_bytes, step.constant_bytes, step.macs)),
                f"{step.hops_per_firing:g}",
                str(step.delay),
            )
            for step in steps
        ),
        3,
    )
