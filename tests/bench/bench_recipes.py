"""What each step of a recipe is worth: 1 - cosine of the int8 embedding over held-back normal clips, all seeds.

    python -m tests.bench.bench_recipes

Calibration draws 64 clips from each checkpoint's training clips; judged are clips of its validation split, all machines
alike. No test clip is read. The front end is the float one on both sides, so that the error is the network's alone.
Writes tests/bench_results/recipes.json and prints the tables of quantization/DESIGN.md. What is measured is kept in
work/bench-recipes, so that a run that was killed goes on.
"""

import json
from dataclasses import asdict, astuple
from pathlib import Path

from asd_edge.export.calibration_set import spread_evenly
from asd_edge.model.checkpoint import load_checkpoint
from quantization.recipe import (
    CALIBRATION_CLIPS,
    CorrectBiases,
    CorrectBiasesInOrder,
    Distil,
    EqualizeChannels,
    EqualizeLayers,
    Observe,
    Recipe,
    RescaleConcatenations,
    RoundWeights,
    Step,
)
from tests.bench.bench_calibration import DATA, N_JUDGED, RECIPE, Losses, Study
from tests.bench.kept_exports import SOURCES, kept_export, sources_sha256
from tests.bench.seed_checkpoints import seed_checkpoints
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result

FOLDER = ROOT / "work/bench-recipes"
RESCALE, HALF = RescaleConcatenations(), EqualizeChannels(exponent=0.5)
IN_ORDER = CorrectBiasesInOrder()
BALANCED = (RESCALE, HALF, EqualizeLayers())

# Name -> steps; of each block the first is what the others are compared with.
ROWS: dict[str, tuple[Step, ...]] = {
    "min_max": (Observe(),),
    "rescaled": (RESCALE, Observe()),
    "equalized": (RESCALE, EqualizeChannels(), Observe()),
    "fast": (RESCALE, EqualizeChannels(), Observe(), CorrectBiases()),
    "half": (RESCALE, HALF, Observe(), CorrectBiases()),
    "layers": (*BALANCED, Observe(), CorrectBiases()),
    "biases_in_order": (*BALANCED, Observe(), CorrectBiases(), IN_ORDER),
    "rounded": (*BALANCED, Observe(), CorrectBiases(), RoundWeights()),
    "distilled": (*BALANCED, Observe(), CorrectBiases(), IN_ORDER, Distil()),
    "percentile_99.999": (*BALANCED, Observe("percentile", 99.999), CorrectBiases(), IN_ORDER),
    "percentile_99.99": (*BALANCED, Observe("percentile", 99.99), CorrectBiases(), IN_ORDER),
    "mse": (*BALANCED, Observe("mse"), CorrectBiases(), IN_ORDER),
    "output": (*BALANCED, Observe("output"), IN_ORDER),
    "output_one_level": (*BALANCED, Observe("output", level_change_db=0.0), IN_ORDER),
    "output_rounded": (*BALANCED, Observe("output"), RoundWeights()),
    "kl": (*BALANCED, Observe("kl"), CorrectBiases(), IN_ORDER),
}


def main() -> None:
    """Print the table, write the result."""
    checkpoints = seed_checkpoints()
    found = {path.name: _rows_of(path) for path in checkpoints}
    names = list(found)
    print("| steps |", *(f"{name}: mean, worst; mean at -6, +6 dB, 1e-3 |" for name in names))
    print("|---|" + "---|" * len(names))
    for row in ROWS:
        print("|", row, "|", " | ".join(_cell(found[name][row]) for name in names), "|")
    values = {
        f"{name.replace('-', '_')}_{row}_{key}": float(f"{value:.4g}")
        for name, rows in found.items()
        for row, losses in rows.items()
        for key, value in asdict(losses).items()
    }
    n_available = sum(len(load_checkpoint(path).split.validation) for path in checkpoints)
    clips = ClipsUsed(N_JUDGED * len(checkpoints), n_available, data_sha256(DATA))
    print(write_result("recipes", values, clips))


def _cell(losses: Losses) -> str:
    mean, worst, quieter, louder = (f"{1e3 * value:.2f}" for value in astuple(losses))
    return f"{mean}, {worst}; {quieter}, {louder}"


def _rows_of(checkpoint_path: Path) -> dict[str, Losses]:
    """Of one checkpoint; every row is kept as soon as it is there."""
    split = load_checkpoint(checkpoint_path).split
    work = FOLDER / checkpoint_path.name
    kept_export(checkpoint_path, DATA, work, ("--recipe", RECIPE))
    note = work / "rows.json"
    key = sources_sha256((*SOURCES, "tests/bench/bench_calibration.py"))
    kept = json.loads(note.read_text()) if note.exists() else {}
    rows = {name: Losses(**row) for name, row in kept.get("rows", {}).items()} if kept.get("key") == key else {}
    study = Study(work, tuple(sorted(split.validation.values())))
    clips = spread_evenly(tuple(sorted(split.train.values())), CALIBRATION_CLIPS)
    for name, steps in ROWS.items():
        if name not in rows:
            rows[name] = study.losses(clips, Recipe(name, steps, held_back_clips=0))
            note.write_text(json.dumps({"key": key, "rows": {row: asdict(losses) for row, losses in rows.items()}}))
            print(checkpoint_path.name, name, rows[name], flush=True)
    return rows


if __name__ == "__main__":
    main()
