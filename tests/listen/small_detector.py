"""A work directory with a detector of windows of a second, and a score every 64 ms where they slide."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.label_table import LabelTable
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.export.detector import ARCFACE, load_detector, write_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.listen.model_images import IMAGE_FILES
from asd_edge.native_engine import load_model, score_samples
from tests.backends.test_host_rung import CONFIG, embedding_graph, write_work

Int16Array = NDArray[np.int16]
LABELS = LabelTable(("fan/id_00", "fan/id_02", "pump/id_00"))
FAN, OTHER_FAN, PUMP = LABELS.machines
WINDOW, HOP = CONFIG.clip_samples, 1024  # samples
RATE_HZ = 16_000


def write_small_work(work: Path) -> Path:
    """model.tflite, detector.safetensors, both images and thresholds.json, in a second; `work`.

    To the detector the fans sound as `hum` does and the pump as `fault`.
    """
    work.mkdir(parents=True, exist_ok=True)
    write_work(work, embedding_graph(), ARCFACE)
    _compile(work)
    towards = _mean(work, hum) - _mean(work, fault)
    towards /= np.linalg.norm(towards)
    rows = np.stack([towards, towards, -towards]).astype(np.float32)
    write_detector(replace(load_detector(work / DETECTOR_FILE), head_rows=rows), work / DETECTOR_FILE)
    _compile(work)
    estimate: dict[str, Any] = {"clips": 4, "gamma": None, "percentile": threshold_between(work), "scores": []}
    rung = dict.fromkeys(LABELS.machines, estimate)
    (work / "thresholds.json").write_text(json.dumps({"format": "asd-edge thresholds 1", "rungs": {"host": rung}}))
    return work


def _compile(work: Path) -> None:
    for kind, name in IMAGE_FILES.items():
        (work / name).write_bytes(compile_work(work, core_named("generic"), kind == "sliding").content)


def _mean(work: Path, sound: Callable[[int, int], Int16Array]) -> NDArray[np.float64]:
    """(embedding_size,) of length 1: where the embeddings of a sound point."""
    image = image_of(work, "sliding")
    model = load_model(image)
    output = model.tensors[model.output]
    codes = np.concatenate([score_samples(image, sound(60_000, seed), 0)[1] for seed in (90, 91)])
    mean = ((codes.astype(np.float64) - output.zero_point) * output.scale).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def image_of(work: Path, kind: str) -> bytes:
    return (work / IMAGE_FILES["sliding" if kind == "sliding" else "window"]).read_bytes()


def hum(n_samples: int, seed: int) -> Int16Array:
    """Noise: how a healthy machine sounds."""
    return np.rint(np.random.default_rng(seed).normal(0, 300, n_samples)).astype(np.int16)


def fault(n_samples: int, seed: int) -> Int16Array:
    """A loud tone at 5.1 kHz."""
    tone = 8000 * np.sin(2.0 * np.arange(n_samples))
    return np.asarray(np.rint(tone + np.random.default_rng(seed).normal(0, 5, n_samples)), np.int16)


def threshold_between(work: Path) -> float:
    """Half way between the sliding scores of `hum` and those of `fault`."""
    image = image_of(work, "sliding")
    low = max(max(score_samples(image, hum(60_000, seed), 0)[0]) for seed in range(3))
    high = min(min(score_samples(image, fault(60_000, seed), 0)[0]) for seed in range(3))
    assert low < high, "a detector that can't tell them apart serves no test"
    return (low + high) / 2 / 65536
