"""How many normal clips calibration needs, and which: error of the int8 embedding over normal clips held back.

    python -m tests.bench.bench_calibration [CHECKPOINT]    default: the shipped one, on data/synthetic

Calibration draws from the checkpoint's training clips; judged are clips of its validation split, all machines alike.
The front end is the float one on both sides, so that the error is the network's alone. No test clip is read.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.clip.level import level_in_turn_db
from asd_edge.evaluate.agreement import row_cosines
from asd_edge.export.calibration_set import CalibrationSet, Inputs, network_inputs, spread_evenly
from asd_edge.export.detector import load_detector
from asd_edge.export.quantize_network import quantize_network
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.export.work_files import DETECTOR_FILE, ONNX_FILE, TFLITE_FILE
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.frontend.quantize_input import quantize_input
from asd_edge.graph.graph import Graph
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.checkpoint import load_checkpoint, shipped_checkpoint
from quantization.recipe import Observe, Recipe, load_recipe
from tests.bench.kept_exports import kept_export
from tests.bench.stock_route import read_features
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result

DATA, FOLDER = ROOT / "data/synthetic", ROOT / "work/bench-calibration"
RECIPE = "fast"
SIZES, SEEDS = (8, 16, 32, 64, 128), (0, 1, 2)
N_SINGLE_MACHINES = 3  # each of which calibrates alone, with all its training clips
N_JUDGED = 36
LEVELS_DB = (-6.0, 0.0, 6.0)


@dataclass(frozen=True)
class Losses:
    """1 - cosine with the float embedding over the judged clips, as they are and at other levels."""

    mean: float
    worst: float
    quieter_mean: float  # LEVELS_DB
    louder_mean: float


def main(checkpoint_path: Path | None) -> None:
    """Print the study; for the shipped checkpoint write tests/bench_results/calibration.json."""
    checkpoint = load_checkpoint(checkpoint_path or shipped_checkpoint())
    work = FOLDER / (checkpoint_path or shipped_checkpoint()).name
    kept_export(checkpoint_path or shipped_checkpoint(), DATA, work, ("--recipe", RECIPE))
    study = Study(work, tuple(sorted(checkpoint.split.validation.values())))
    candidates = tuple(sorted(checkpoint.split.train.values()))
    values: dict[str, float] = {}
    for size in SIZES:
        drawn = [np.random.default_rng(seed).choice(candidates, size, replace=False).tolist() for seed in SEEDS]
        values |= _summary(f"clips_{size}", [study.losses(names) for names in drawn])
    machines = {name: [clip for clip in candidates if machine_of(clip) == name] for name in map(machine_of, candidates)}
    alone = spread_evenly(tuple(machines.values()), N_SINGLE_MACHINES)
    values |= _summary("one_machine", [study.losses(names) for names in alone])
    print(values)
    if checkpoint_path is None:
        print(
            write_result(
                "calibration", values, ClipsUsed(N_JUDGED, len(checkpoint.split.validation), data_sha256(DATA))
            )
        )


def machine_of(clip: str) -> str:
    """fan/train/normal_id_00_00000000.wav -> fan/id_00"""
    machine_type, _, name = clip.split("/")
    return f"{machine_type}/{'_'.join(name.split('_')[1:3])}"


class Study:
    """The float network and the judged clips, against which one calibration after the other is measured."""

    def __init__(self, work: Path, held_back: Sequence[str]) -> None:
        self._detector = load_detector(work / DETECTOR_FILE)
        self._graph = run_float_passes(import_onnx(work / ONNX_FILE, self._detector.frontend.n_frames))
        self._features = cache(lambda name, level_db: read_features(DATA / name, self._detector, level_db))
        names = spread_evenly(tuple(held_back), N_JUDGED)
        self._judged = {level: [self._features(name, level) for name in names] for level in LEVELS_DB}
        model = OnnxModel(work / ONNX_FILE)
        self._expected = {level: np.stack(model.outputs(self._runs(level))) for level in LEVELS_DB}

    def losses(self, names: Sequence[str], recipe: Recipe | None = None) -> Losses:
        """Of the network calibrated with these clips; `recipe` None: the default."""
        recipe = recipe or load_recipe(RECIPE)
        chooser = recipe.chooser or Observe(n_clips=0)
        at_levels = tuple(
            self._features(name, level_in_turn_db(index, chooser.level_change_db))
            for index, name in enumerate(spread_evenly(tuple(names), chooser.n_clips))
        )
        clips = tuple(self._features(name, 0.0) for name in names)
        calibration = CalibrationSet(clips, {}, len(names), at_levels=at_levels)
        network = quantize_network(self._graph, calibration, recipe)
        quieter, lost, louder = (self._lost(network.int8_graph, level) for level in LEVELS_DB)
        return Losses(float(lost.mean()), float(lost.max()), float(quieter.mean()), float(louder.mean()))

    def _runs(self, level_db: float) -> Iterator[Inputs]:
        return network_inputs(self._judged[level_db], self._graph)

    def _lost(self, int8_graph: Graph, level_db: float) -> NDArray[np.float64]:
        found = np.stack(list(int8_outputs(int8_graph, self._runs(level_db))))
        return 1.0 - row_cosines(self._expected[level_db], found)


def int8_outputs(graph: Graph, runs: Iterator[Mapping[str, NDArray[np.float32]]]) -> Iterator[NDArray[np.float64]]:
    """Under LiteRT."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TFLITE_FILE
        path.write_bytes(tflite_bytes(graph))
        model = TfliteModel(path)
        for run in runs:
            codes = {}
            for name, values in run.items():
                quantization = graph.tensors[name].quantization
                assert quantization is not None, "a quantized graph's input has a scale"
                scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
                codes[name] = quantize_input(values.astype(np.float64), scale, zero_point)
            yield (model.run(codes).astype(np.float64) - model.output_zero_point) * model.output_scale


def _summary(name: str, found: Sequence[Losses]) -> dict[str, float]:
    """Over the draws: mean of the means, how far these lie apart, and the worst clip of all."""
    means = [losses.mean for losses in found]
    values = {
        f"{name}_cosine_loss_mean": float(np.mean(means)),
        f"{name}_cosine_loss_mean_spread": max(means) - min(means),
        f"{name}_cosine_loss_worst": max(losses.worst for losses in found),
    }
    print(values, file=sys.stderr)
    return {key: float(f"{value:.4g}") for key, value in values.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
