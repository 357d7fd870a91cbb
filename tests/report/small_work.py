"""Work directories whose scores are drawn from a normal distribution, written by the stages' own writers: no clip is
read and no network runs.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from asd_edge.clip.records import ANOMALY, NORMAL
from asd_edge.diagnose.diagnosis import Damage, Diagnosis, LayerDiagnosis
from asd_edge.diagnose.layer_noise import Evidence
from asd_edge.diagnose.repairs import Repair
from asd_edge.evaluate.evaluation import DataUsed, Evaluation, RungRun, Thresholds
from asd_edge.evaluate.figures import make_figures
from asd_edge.evaluate.score_agreement import ScoreAgreement
from asd_edge.evaluate.scores_table import ScoreRow, scores_by_machine
from asd_edge.evaluate.thresholds import thresholds_by_rung
from asd_edge.evaluate.verdict import parity_verdict
from asd_edge.evaluate.write_evaluation import write_evaluation
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import ModelConfig

MACHINES = ("fan/id_00", "fan/id_02", "pump/id_00", "pump/id_02", "valve/id_00", "valve/id_04")
RUNGS = ("torch", "tflite", "reference")
LAYERS = ("log_mel", "concat", "attention.0.pwconv", "classifier.blocks.0.conv.2.prelu", "embedding")


def write_small_work(
    work: Path,
    machines: tuple[str, ...] = MACHINES,
    n_clips: int = 24,
    rungs: tuple[str, ...] = RUNGS,
    noise: float = 0.05,
    with_sqnr: bool = True,
) -> Path:
    """Model, export record and an evaluation of `n_clips` clips per class and machine; `noise` is what int8 adds."""
    write_model(work)
    write_evaluation(evaluation(machines, n_clips, rungs, noise, with_sqnr), work)
    return work


def write_model(work: Path) -> Path:
    """checkpoint.json, export.json and files of the names of a model's, without a network in them."""
    work.mkdir(parents=True)
    for name in ("checkpoint.safetensors", "model.onnx", "model.tflite", "detector.safetensors"):
        (work / name).write_bytes(name.encode() * 100)
    split = {
        "train": {"0" * 64: "fan/train/normal_id_00_0.wav"},
        "validation": {"1" * 64: "fan/train/normal_id_00_1.wav"},
    }
    checkpoint = {
        "format": "asd-edge checkpoint 1",
        "weights_sha256": "0" * 64,
        "model": asdict(ModelConfig()),
        "frontend": asdict(FrontendConfig()),
        "labels": list(MACHINES),
        "training": {"data": "synthetic", "loss": "noisy-arcmix", "epochs": 25, "asd_edge": "0.1.0", "torch": "2.13.0"},
        "split": split,
    }
    export = {
        "format": "asd-edge export 1",
        "kind": "arcface",
        "versions": {"asd-edge": "0.1.0", "numpy": "2.4.6"},
        "inputs": {},
        "calibration": {"folder": "synthetic", "clips_used": 64, "clips_available": 540},
        "files": {},
        "operators": {"CONV_2D": 19, "ADD": 3},
        "sqnr_db": {name: None if name == "log_mel" else 20.0 + index for index, name in enumerate(LAYERS)},
    }
    write_json(work / "checkpoint.json", checkpoint)
    write_json(work / "export.json", export)
    return work


def evaluation(
    machines: tuple[str, ...] = MACHINES,
    n_clips: int = 24,
    rungs: tuple[str, ...] = RUNGS,
    noise: float = 0.05,
    with_sqnr: bool = True,
) -> Evaluation:
    """What an evaluation of these scores finds."""
    rows = score_rows(machines, n_clips, rungs, noise)
    figures = make_figures(scores_by_machine(rows, rungs), rungs, seed=0, n_draws=200)
    int8_rungs = [rung for rung in rungs if rung not in ("torch", "onnx")]
    generator = np.random.default_rng(1)
    validation = {machine: generator.normal(-4.0, 1.0, 12).tolist() for machine in machines[:-1]}
    n_test = 2 * n_clips * len(machines)
    return Evaluation(
        score_kind="arcface",
        data=DataUsed("synthetic", "ab" * 32, n_test, n_test),
        files={},
        rungs=tuple(RungRun(rung, f"{rung} 1.0", "fixed", n_test, n_test, 12.5, None, None) for rung in rungs),
        features_milliseconds_per_clip=7.0,
        seed=0,
        figures=figures,
        agreement=tuple(
            ScoreAgreement(rung, None, None, n_test, 0.25, "fan/test/normal_id_00_0.wav", 0.999, 0.99)
            for rung in rungs[1:]
        ),
        verdict=parity_verdict(figures.overall),
        thresholds=Thresholds(12, 12, thresholds_by_rung(dict.fromkeys(int8_rungs, validation)), machines[-1:], None),
        sqnr_clips=8 if with_sqnr else 0,
        sqnr_db={name: 30.0 - index for index, name in enumerate(LAYERS)} if with_sqnr else None,
        rows=rows,
    )


def score_rows(machines: tuple[str, ...], n_clips: int, rungs: tuple[str, ...], noise: float) -> tuple[ScoreRow, ...]:
    """Rung by rung; each rung but the first has the first one's scores and noise of its own."""
    rows = []
    for rung_index, rung in enumerate(rungs):
        for machine_index, machine in enumerate(machines):
            machine_type, machine_id = machine.split("/")
            for label, mean in ((NORMAL, -4.0), (ANOMALY, -2.0 + 0.5 * machine_index)):
                seeds = (machine_index, int(label == ANOMALY))
                scores = np.random.default_rng(seeds).normal(mean, 1.5, n_clips)
                added = np.random.default_rng((*seeds, rung_index)).normal(0.0, noise, n_clips) * (rung_index > 0)
                for number, score in enumerate((scores + added).tolist()):
                    clip = f"{machine_type}/test/{label}_{machine_id}_{number:08d}.wav"
                    rows.append(ScoreRow(rung, clip, machine_type, machine_id, label, score, None))
    return tuple(rows)


def diagnosis() -> Diagnosis:
    """Of LAYERS, the last one the most harmful."""
    damages = [
        Damage(1 - error, 1 - 2 * error, 0.1, 0.2, 1.5, -0.0123) for error in (0.001, 0.002, 0.003, 0.004, 0.008)
    ]
    evidence = Evidence(0.2, 0.0, 0.0, 0.8, 0.0, 0.9, None)
    layers = tuple(
        LayerDiagnosis(
            name,
            "Conv2D",
            20.5,
            None,
            damage,
            damages[-1],
            evidence,
            0.01,
            Repair("distil", "its output is rounded", ()),
        )
        for name, damage in zip(LAYERS, damages, strict=True)
    )
    return Diagnosis(
        date="2026-01-02T03:04:05+00:00",
        asd_edge="0.1.0",
        score_kind="arcface",
        data="synthetic",
        files={},
        recipe_steps=("observe: min_max",),
        clips_used=8,
        clips_available=288,
        pairs=12,
        int8=damages[-1],
        layers=layers,
        ranking=LAYERS[::-1],
        advice="no layer stands out",
    )


def plan_content(arena_bytes: int = 250_000) -> dict[str, Any]:
    """As `asd-edge compile --json` prints it."""
    steps = [
        {
            "name": name,
            "op": "pointwise",
            "kernels": "generic",
            "state_bytes": 4096 * index,
            "scratch_bytes": 512,
            "constant_bytes": 1000,
            "macs": 100_000 * (index + 1),
            "hops_per_firing": 1.0 if index < 2 else 3.962,
            "delay": index % 3,
        }
        for index, name in enumerate(LAYERS)
    ]
    return {
        "core": "generic",
        "is_endless": False,
        "image_bytes": 950_000,
        "arena_bytes": arena_bytes,
        "window_columns": 313,
        "is_streamed": True,
        "mean_tick_macs": 2.4e6,
        "worst_tick_macs": 4_477_312,
        "latency_ticks": 79,
        "source_sha256": "",
        "steps": steps,
    }


def profile_content(board: str, ram: int = 300_000) -> dict[str, Any]:
    """Of a board with 640 KB of RAM."""
    return {
        "format": "asd-edge profile 1",
        "board": board,
        "core": "Cortex-M4",
        "model_sha256": "",
        "command": f"asd-edge profile --board {board} WORK",
        "ram": {"value": ram, "method": "measured"},
        "flash": {"value": 1_100_000, "method": "measured"},
        "stack": {"value": 2048, "method": "measured"},
        "mean_hop": {"value": 21.5, "method": "estimated", "low": 18.0, "high": 25.0},
        "worst_hop": {"value": 36.0, "method": "estimated", "low": 30.0, "high": 42.0},
        "clip_energy": None,
        "ram_limit": 655_360,
        "flash_limit": 2_097_152,
        "hop_limit": 32.0,
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
