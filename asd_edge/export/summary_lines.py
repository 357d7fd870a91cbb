"""An ExportRecord -> the lines that `asd-edge export` prints: files, checks, recipe, worst layers."""

from collections.abc import Iterator
from pathlib import Path

from asd_edge.export.export_record import ExportRecord
from asd_edge.export.work_files import RECORD_FILE

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
    for name, factor in record.recipe.concatenation_factors.items():
        yield f"rescaled before concatenation: {name} by {factor:.2f}"
    if record.recipe.channel_factors:
        yield f"channels equalized: {len(record.recipe.channel_factors)} activations before depthwise convolutions"
    worst = ", ".join(f"{name} {value:.1f} dB" for name, value in record.worst_layers(_N_WORST))
    yield f"lowest SQNR of int8 against float: {worst}"
    if record.kind is None:
        yield "no detector.safetensors: the network has no head to score with; --detector gives one"
