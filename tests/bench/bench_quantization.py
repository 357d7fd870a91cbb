"""What int8 costs the detector: recipes `fast` and `best` and the stock converter on the same checkpoints and clips.

    python -m tests.bench.bench_quantization                     writes tests/bench_results/quantization.json
    python -m tests.bench.bench_quantization CHECKPOINT... [N]   prints alone; N: so many clips of each class and ID

Without arguments: the checkpoints of all training seeds on every test clip of the synthetic machines, a
checkpoint of the MIMII sample (work/mimii, with $ASD_EDGE_MIMII), and an autoencoder of every synthetic machine type.
All int8 variants hear with the fixed-point front end; differences are to PyTorch with the float front end. Everything
is kept in work/bench-quantization, so that a run that was killed goes on; delete the folder to measure times anew.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd_edge.backends.ladder import HOST, TFLITE, TORCH
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST, ClipRecord
from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.export.work_files import ONNX_FILE, TFLITE_FILE
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import WEIGHTS_FILE, load_checkpoint
from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
from asd_edge.train.config import default_train_config
from asd_edge.train.train_model import train_model
from tests.bench.kept_exports import kept_export, kept_stock
from tests.bench.litert_times import FLOAT32, litert_times, write_float_tflite
from tests.bench.quantization_figures import (
    HEAD,
    FileFigures,
    figure_values,
    rule,
    table_row,
    variant_figures,
    worst_ratio,
    worst_value,
)
from tests.bench.seed_checkpoints import seed_checkpoints
from tests.bench.variant_scores import STOCK, Variant, VariantScores, first_of_each, score_variant
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result
from tests.tflite_contents import tflite_contents

FOLDER = ROOT / "work/bench-quantization"
SYNTHETIC = ROOT / "data/synthetic"
MIMII_CHECKPOINT = ROOT / "work/mimii"
FLOAT, FAST, BEST, BEST_HOST = "float", "fast", "best", "best_host"
OURS = (BEST, BEST_HOST)
Values = dict[tuple[str, str], dict[str, float]]  # (checkpoint, variant) -> its values


@dataclass(frozen=True)
class Outcome:
    """Of some checkpoints; `rows` are the table's."""

    values: Values
    rows: tuple[str, ...]


def main(arguments: Sequence[str]) -> None:
    """Measure, print the table, and without arguments write the result."""
    n_clips = int(arguments[-1]) if arguments and arguments[-1].isdigit() else None
    given = [Path(argument) for argument in arguments if not argument.isdigit()]
    if not SYNTHETIC.exists():
        write_synthetic_dataset(SYNTHETIC, SynthConfig())
    checkpoints = given or seed_checkpoints()
    records = _test_clips(SYNTHETIC, n_clips)
    seeds = [bench_checkpoint(path.name.replace("-", "_"), path, SYNTHETIC, records) for path in checkpoints]
    if arguments:
        _print_table([row for seed in seeds for row in seed.rows])
        return
    mimii = bench_mimii()
    autoencoder = bench_autoencoder(records)
    of_seeds = {key: found for seed in seeds for key, found in seed.values.items()}
    values = _judged(of_seeds, mimii.values, autoencoder.values)
    for part in (*seeds, mimii, autoencoder):
        for (checkpoint, variant), found in part.values.items():
            values |= {f"{checkpoint}_{variant}_{key}": value for key, value in found.items()}
    _print_table([row for part in (*seeds, mimii, autoencoder) for row in part.rows])
    clips = ClipsUsed(len(records), len(records), data_sha256(SYNTHETIC))
    print(write_result("quantization", values, clips))


def bench_checkpoint(name: str, checkpoint: Path, data: Path, records: Sequence[ClipRecord]) -> Outcome:
    """All variants of one checkpoint."""
    folder = FOLDER / name
    _say(f"{name}: exporting")
    seconds = {recipe: kept_export(checkpoint, data, folder / recipe, ("--recipe", recipe)) for recipe in (FAST, BEST)}
    stock = kept_stock(folder / BEST, data, folder / STOCK)
    _say(f"{stock.commands}\n{name}: lowest cosine of the stock float file {stock.float_cosine:.6f}")
    variants = [
        Variant(FLOAT, TORCH, folder / BEST),
        Variant(FAST, TFLITE, folder / FAST),
        Variant(BEST, TFLITE, folder / BEST),
        Variant(BEST_HOST, HOST, folder / BEST),
        Variant(STOCK, STOCK, folder / STOCK),
    ]
    files = _files(folder, {**seconds, STOCK: stock.seconds}, load_checkpoint(checkpoint).frontend.n_frames)
    outcome = _outcome(name, records, [_scored(name, variant, records) for variant in variants], files)
    outcome.values[name, STOCK]["float_cosine"] = round(stock.float_cosine, 6)
    return outcome


def bench_mimii() -> Outcome:
    """The sample's test clips, calibrated on its training clips."""
    if "ASD_EDGE_MIMII" not in os.environ:
        raise RuntimeError("ASD_EDGE_MIMII, the folder of the MIMII sample, is not set")
    data = Path(os.environ["ASD_EDGE_MIMII"])
    return bench_checkpoint("mimii", MIMII_CHECKPOINT, data, _test_clips(data))


def bench_autoencoder(records: Sequence[ClipRecord]) -> Outcome:
    """One autoencoder per machine type, trained here; the figures are over all types."""
    of_all: dict[str, list[VariantScores]] = {}
    ordered: list[ClipRecord] = []
    for machine_type in sorted({record.machine_type for record in records}):
        name, data = f"autoencoder/{machine_type}", SYNTHETIC / machine_type
        folder, of_type = FOLDER / name, [record for record in records if record.machine_type == machine_type]
        _train_autoencoder(data, folder / "checkpoint")
        kept_export(folder / "checkpoint", data, folder / BEST, ("--recipe", BEST))
        kept_stock(folder / BEST, data, folder / STOCK)
        for variant in (
            Variant(FLOAT, TORCH, folder / BEST),
            Variant(BEST, TFLITE, folder / BEST),
            Variant(BEST_HOST, HOST, folder / BEST),
            Variant(STOCK, STOCK, folder / STOCK),
        ):
            of_all.setdefault(variant.name, []).append(_scored(name, variant, of_type))
        ordered += of_type
    scored = [
        VariantScores(
            name,
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.outputs for part in parts]),
        )
        for name, parts in of_all.items()
    ]
    return _outcome("autoencoder", ordered, scored, {})


def _train_autoencoder(data: Path, out: Path) -> None:
    """As `asd-edge train --architecture autoencoder` does."""
    if not (out / WEIGHTS_FILE).exists():
        _say(f"training an autoencoder on {data.name}")
        settings = (ModelConfig(architecture=AUTOENCODER), HeadConfig(), FrontendConfig())
        train_model(data, out, *settings, default_train_config(AUTOENCODER))


def _scored(checkpoint: str, variant: Variant, records: Sequence[ClipRecord]) -> VariantScores:
    _say(f"{checkpoint}: {variant.name}: scoring {len(records)} clips")
    return score_variant(variant, records, FOLDER / checkpoint / f"scores-{variant.name}.npz")


def _files(folder: Path, seconds: Mapping[str, float], n_frames: int) -> dict[str, FileFigures]:
    """Of every variant that is a .tflite file, and LiteRT's time of the float network beside them."""
    models = {variant: folder / variant / TFLITE_FILE for variant in seconds}
    with tempfile.TemporaryDirectory() as name:
        in_float = write_float_tflite(folder / BEST / ONNX_FILE, n_frames, Path(name) / TFLITE_FILE)
        times = litert_times({**models, FLOAT32: in_float})
    files = {
        variant: FileFigures(
            tflite_contents(path).n_float_operators, path.stat().st_size, seconds[variant], times[variant].least_ms
        )
        for variant, path in models.items()
    }
    return {**files, FLOAT: FileFigures(None, None, None, times[FLOAT32].least_ms)}


def _outcome(
    checkpoint: str, records: Sequence[ClipRecord], scored: Sequence[VariantScores], files: Mapping[str, FileFigures]
) -> Outcome:
    found = variant_figures(records, scored)
    file_of = {figures.name: files.get(figures.name, FileFigures(None, None, None, None)) for figures in found}
    return Outcome(
        {(checkpoint, figures.name): figure_values(figures, file_of[figures.name]) for figures in found},
        tuple(table_row(checkpoint, figures, file_of[figures.name]) for figures in found),
    )


def _judged(of_seeds: Values, mimii: Values, autoencoder: Values) -> dict[str, float]:
    """What the bars are held against: the worst over seeds, and over LiteRT and the engine."""
    values = {
        f"{key}_interval_end_pp": worst_value(of_seeds, OURS, f"{key}_interval_end_pp") for key in ("auc", "pauc")
    }
    values["seeds"] = len({checkpoint for checkpoint, _ in of_seeds})
    for key in ("changed_pairs_percent", "net_changed_pairs_percent"):
        values[f"mimii_worst_{key}"] = worst_value(mimii, OURS, key)
    for key in ("cosine_loss_mean", "cosine_loss_worst"):
        values[f"{key}_over_stock"] = worst_ratio(of_seeds, BEST, STOCK, key)
    losses = {
        variant: abs(found["auc_difference_pp"]) for (_, variant), found in autoencoder.items() if variant != FLOAT
    }
    values["autoencoder_auc_loss_pp"] = max(losses[variant] for variant in OURS)
    values["autoencoder_stock_auc_loss_pp"] = losses[STOCK]
    for recipe in (FAST, BEST):
        values[f"{recipe}_export_minutes"] = worst_value(of_seeds, (recipe,), "export_seconds") / 60
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def _test_clips(data: Path, n_clips: int | None = None) -> tuple[ClipRecord, ...]:
    records = tuple(record for record in find_clips(data) if record.split == TEST)
    return records if n_clips is None else first_of_each(records, n_clips)


def _print_table(rows: Sequence[str]) -> None:
    print(HEAD, rule(), *rows, sep="\n")


def _say(words: str) -> None:
    print(words, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
