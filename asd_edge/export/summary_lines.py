"""An ExportRecord -> the lines that `asd-edge export` prints: files, checks, recipe, worst layers."""

from collections.abc import Iterator
from pathlib import Path

from asd_edge.export.export_record import ExportRecord, StepRecord
from asd_edge.export.targets.report import load_report, report_lines
from asd_edge.export.work_files import RECORD_FILE, TARGET_FILE
from quantization.output_error import OutputError

_N_WORST = 3
_CHECK_WORDS = {
    "onnx_torch": "ONNX against torch",
    "graph_torch": "float graph against torch",
    "graph_torch_distinct_constants": "float graph against torch, other weights",
    "graph_onnx": "float graph against ONNX",
    "graph_onnx_distinct_constants": "float graph against ONNX, other weights",
}


def summary_lines(record: ExportRecord, work: Path) -> Iterator[str]:
    """One fact per line."""
    calibration = record.calibration
    yield (
        f"{work}: calibrated with {calibration.clips_used} of the {calibration.clips_available} normal clips "
        f"of {calibration.folder}"
    )
    for name, file in record.files.items():
        yield f"  {name:<22}{file.n_bytes:>10,} bytes"
    yield f"  {RECORD_FILE:<22}hashes of every input, versions, recipe, SQNR of each layer"
    counts = sorted(record.operators.items(), key=lambda item: (-item[1], item[0]))
    yield f"operators: {sum(record.operators.values())} ({', '.join(f'{n} {name}' for name, n in counts)})"
    for name, check in record.checks.items():
        yield (
            f"{_CHECK_WORDS[name]}: outputs differ by at most {check.max_abs_difference:.1e} "
            f"(limit {check.limit:.1e}, greatest output {check.output_peak:.2f}, {check.n_runs} runs)"
        )
    yield from _lowering_lines(record)
    yield from _recipe_lines(record)
    for name, factor in record.recipe.concatenation_factors.items():
        yield f"rescaled before concatenation: {name} by {factor:.2f}"
    if record.recipe.channel_factors:
        yield f"channels equalized: {len(record.recipe.channel_factors)} groups of activations"
    worst = ", ".join(f"{name} {value:.1f} dB" for name, value in record.worst_layers(_N_WORST))
    yield f"lowest SQNR of int8 against float: {worst}"
    if record.kind is None:
        yield "no detector.safetensors: the network has no head to score with; --detector gives one"
    if (work / TARGET_FILE).exists():
        yield from report_lines(load_report(work / TARGET_FILE))


def _lowering_lines(record: ExportRecord) -> Iterator[str]:
    if record.lowering is None:
        return
    exact = record.lowering.exact
    yield (
        f"lowered for {record.target}: outputs differ by at most {exact.max_abs_difference:.1e} "
        f"(limit {exact.limit:.1e}, {exact.n_runs} runs)"
    )
    if record.lowering.approximation_mean is not None:
        mean, worst = record.lowering.approximation_mean, record.lowering.approximation_worst
        yield f"approximated for {record.target}: 1 - cosine to the float network {mean:.1e} (worst run {worst:.1e})"


def _recipe_lines(record: ExportRecord) -> Iterator[str]:
    """The recipe in one line or, where clips judged it, a line for each step."""
    recipe, n_held_back = record.recipe, len(record.calibration.held_back_sha256)
    words = [_step_words(step) for step in recipe.steps]
    if not n_held_back:
        yield f"recipe {recipe.name}: {', '.join(words)}; no clip was held back to judge them"
        return
    changes_db = {step.settings["level_change_db"] for step in recipe.steps if step.settings.get("method") == "output"}
    levels = "".join(f", in turn as they are, {by:g} dB quieter and up to {by:g} dB louder" for by in changes_db - {0})
    judges = f"{recipe.error_measure} of the output on {n_held_back} other normal clips{levels}"
    yield f"recipe {recipe.name}, judged by {judges}:"
    widest = max(map(len, words))
    for step, name in zip(recipe.steps, words, strict=True):
        verdict = "" if step.kept else "  worse: dropped"
        before, after = _error_words(step.error_before), _error_words(step.error_after)
        yield f"  {name:<{widest}}  {before} -> {after}{verdict} ({step.seconds:.0f} s)"


def _step_words(step: StepRecord) -> str:
    return f"{step.name} ({step.settings['method']})" if "method" in step.settings else step.name


def _error_words(error: OutputError | None) -> str:
    return "not int8" if error is None else f"{error.mean:.2e} (worst clip {error.worst:.2e})"
