"""One checkpoint exported for each target: what its tools say of the file, what LiteRT takes, what detection it keeps.

    python -m tests.bench.bench_targets                    the shipped checkpoint, every synthetic test clip; writes
                                                           tests/bench_results/targets.json
    python -m tests.bench.bench_targets CHECKPOINT [N]     prints alone; N: so many clips of each class and ID

Everything is kept in work/bench-targets; delete the folder to measure anew.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from asd_edge.backends.ladder import TFLITE, TORCH
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST
from asd_edge.export.targets.report import TargetReport, load_report
from asd_edge.export.work_files import ONNX_FILE, TARGET_FILE, TFLITE_FILE
from asd_edge.model.checkpoint import load_checkpoint, shipped_checkpoint
from tests.bench.kept_exports import kept_export
from tests.bench.litert_times import (
    FLOAT32,
    LitertTimes,
    litert_times,
    litert_times_without_dot_products,
    write_float_tflite,
)
from tests.bench.quantization_figures import (
    HEAD,
    FileFigures,
    VariantFigures,
    figure_values,
    rule,
    table_row,
    variant_figures,
)
from tests.bench.variant_scores import Variant, first_of_each, score_variant
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result
from tests.tflite_contents import tflite_contents

DATA, FOLDER = ROOT / "data/synthetic", ROOT / "work/bench-targets"
OPTIONS = {  # of `asd-edge export`; each its own work directory
    "mcu": ("--target", "mcu"),
    "litert": ("--target", "litert"),
    "coral": ("--target", "coral"),
    "ethos_u": ("--target", "ethos-u"),
}
WITHOUT_DOT_PRODUCTS = "_without_dot_products"  # how the names of those values end
LitertRuns = Mapping[str, Mapping[str, LitertTimes]]  # "" or WITHOUT_DOT_PRODUCTS -> model -> times


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and without arguments write the result."""
    checkpoint = Path(arguments[0]) if arguments else shipped_checkpoint()
    records = [record for record in find_clips(DATA) if record.split == TEST]
    if len(arguments) > 1:
        records = list(first_of_each(records, int(arguments[1])))
    folder = FOLDER / checkpoint.name
    seconds = {name: kept_export(checkpoint, DATA, folder / name, options) for name, options in OPTIONS.items()}
    works = {name: folder / name for name in OPTIONS}
    variants = [Variant("float", TORCH, works["mcu"]), *(Variant(name, TFLITE, work) for name, work in works.items())]
    scored = [score_variant(variant, records, folder / f"scores-{variant.name}.npz") for variant in variants]
    runs = _litert_runs(works, load_checkpoint(checkpoint).frontend.n_frames)
    values: dict[str, float] = {}
    print(HEAD, rule(), sep="\n")
    for found in variant_figures(records, scored):
        file = _file(found, works, seconds, runs[""])
        print(table_row(checkpoint.name, found, file))
        values |= {f"{found.name}_{key}": value for key, value in figure_values(found, file).items()}
        if found.name in works:
            path = works[found.name] / TARGET_FILE  # none for the engine's own target
            report = load_report(path) if path.exists() else None
            values |= target_values(found.name, report, runs)
    values = {name: float(f"{value:.6g}") for name, value in values.items()}
    print(values)
    if not arguments:
        print(write_result("targets", values, ClipsUsed(len(records), len(records), data_sha256(DATA))))


def target_values(name: str, report: TargetReport | None, runs: LitertRuns) -> dict[str, float]:
    """Of one target: LiteRT's times beside float, and what its tools or rules say, the least favourable of them."""
    values: dict[str, float] = {}
    for suffix, times in runs.items():
        own, in_float = times[name], times[FLOAT32]
        values[f"{name}_litert_ms{suffix}"] = own.least_ms
        values[f"{name}_litert_median_ms{suffix}"] = own.median_ms
        values[f"{name}_litert_over_float{suffix}"] = own.least_ms / in_float.least_ms
        values[f"{name}_litert_median_over_float{suffix}"] = own.median_ms / in_float.median_ms
    if report is None:
        return values
    if report.verdicts:
        values[f"{name}_operators_on"] = min(verdict.n_on for verdict in report.verdicts)
        values[f"{name}_operators_off"] = max(sum(each.count for each in verdict.off) for verdict in report.verdicts)
    for verdict in report.verdicts:
        for figure in ("partitions", "sram_bytes", "flash_bytes"):
            if figure in verdict.figures:
                values[f"{name}_{figure}"] = verdict.figures[figure]
        if "cycles" in verdict.figures:
            values[f"{name}_megacycles"] = verdict.figures["cycles"] / 1e6
    return values


def _litert_runs(works: Mapping[str, Path], n_frames: int) -> LitertRuns:
    with tempfile.TemporaryDirectory() as folder:
        in_float = write_float_tflite(works["mcu"] / ONNX_FILE, n_frames, Path(folder) / TFLITE_FILE)
        models = {**{name: work / TFLITE_FILE for name, work in works.items()}, FLOAT32: in_float}
        return {"": litert_times(models), WITHOUT_DOT_PRODUCTS: litert_times_without_dot_products(models)}


def _file(
    found: VariantFigures, works: Mapping[str, Path], seconds: Mapping[str, float], times: Mapping[str, LitertTimes]
) -> FileFigures:
    if found.name not in works:
        return FileFigures(None, None, None, times[FLOAT32].least_ms)
    model = works[found.name] / TFLITE_FILE
    n_float = tflite_contents(model).n_float_operators
    return FileFigures(n_float, model.stat().st_size, seconds[found.name], times[found.name].least_ms)


if __name__ == "__main__":
    main(sys.argv[1:])
