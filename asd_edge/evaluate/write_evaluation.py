"""An Evaluation -> WORK/scores.csv, WORK/thresholds.json, WORK/evaluation.json, each whole or not at all."""

import datetime
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from asd_edge import __version__
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.evaluate.auc import MAX_FPR
from asd_edge.evaluate.bootstrap import N_DRAWS
from asd_edge.evaluate.evaluation import Evaluation
from asd_edge.evaluate.figures import MIN_CLIPS
from asd_edge.evaluate.scores_table import write_scores
from asd_edge.evaluate.thresholds import FALSE_ALARM_RATE
from asd_edge.evaluate.verdict import AUC_MARGIN, CHANGED_SHARE_LIMIT

SCORES_FILE, THRESHOLDS_FILE, EVALUATION_FILE = "scores.csv", "thresholds.json", "evaluation.json"
EVALUATION_FORMAT, THRESHOLDS_FORMAT = "asd-edge evaluation 1", "asd-edge thresholds 1"
_PACKAGES = ("numpy", "scipy", "torch", "onnxruntime", "ai-edge-litert")


def write_evaluation(evaluation: Evaluation, work: Path) -> None:
    """Write the files; thresholds.json stays as it is where this evaluation has no thresholds.

    Raises WorkDirectoryError where `work` can't be written.
    """
    write_scores(evaluation.rows, work / SCORES_FILE)
    if evaluation.thresholds.why_none is None:
        _write_json(thresholds_content(evaluation), work / THRESHOLDS_FILE)
    _write_json(evaluation_content(evaluation), work / EVALUATION_FILE)


def thresholds_content(evaluation: Evaluation) -> dict[str, Any]:
    """What thresholds.json holds: per rung and machine both estimates and the scores that they were made from."""
    return {
        "format": THRESHOLDS_FORMAT,
        "rule": "alarm where score > threshold",
        "score": evaluation.score_kind,
        "false_alarm_rate": FALSE_ALARM_RATE,
        "files": dict(evaluation.files),
        "validation_clips": evaluation.thresholds.clips_found,
        "validation_clips_of_split": evaluation.thresholds.clips_of_split,
        "machines_without": list(evaluation.thresholds.machines_without),
        "rungs": {
            rung: {machine: asdict(threshold) for machine, threshold in by_machine.items()}
            for rung, by_machine in evaluation.thresholds.by_rung.items()
        },
    }


def evaluation_content(evaluation: Evaluation) -> dict[str, Any]:
    """What evaluation.json holds and `--json` prints: figures as fractions of 1, differences to the first rung."""
    thresholds = evaluation.thresholds
    return {
        "format": EVALUATION_FORMAT,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "data": asdict(evaluation.data),
        "files": dict(evaluation.files),
        "score": evaluation.score_kind,
        "settings": {
            "max_fpr": MAX_FPR,
            "bootstrap_draws": N_DRAWS,
            "bootstrap_seed": evaluation.seed,
            "least_clips_for_an_interval": MIN_CLIPS,
            "auc_margin": AUC_MARGIN,
            "changed_share_limit": CHANGED_SHARE_LIMIT,
        },
        "rungs": [asdict(run) for run in evaluation.rungs],
        "features_milliseconds_per_clip": evaluation.features_milliseconds_per_clip,
        "verdict": {"passed": evaluation.verdict.passed, **asdict(evaluation.verdict)},
        "overall": [asdict(figures) for figures in evaluation.figures.overall],
        "types": [asdict(figures) for figures in evaluation.figures.types],
        "machines": [
            {**asdict(figures), "changed_share": figures.changed_share} for figures in evaluation.figures.machines
        ],
        "agreement": [asdict(agreement) for agreement in evaluation.agreement],
        "thresholds": {
            "file": THRESHOLDS_FILE if thresholds.why_none is None else None,
            "why_none": thresholds.why_none,
            "validation_clips": thresholds.clips_found,
            "validation_clips_of_split": thresholds.clips_of_split,
            "machines_without": list(thresholds.machines_without),
        },
        "sqnr_clips": evaluation.sqnr_clips,
        "sqnr_db": None if evaluation.sqnr_db is None else _finite(evaluation.sqnr_db),
    }


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no infinity: null where int8 is exact."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    write_text_atomically(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _versions() -> dict[str, str]:
    versions = {"asd_edge": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package).split("+")[0]
        except PackageNotFoundError:
            continue
    return versions
