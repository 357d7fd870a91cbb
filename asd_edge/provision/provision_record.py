"""What a device is bound to -> provision.json and the thresholds.json that package and listen read beside the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from asd_edge.evaluate.thresholds import FALSE_ALARM_RATE, MachineThreshold
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FORMAT

PROVISION_FILE, FORMAT = "provision.json", "asd-edge provision 1"
RULE = "alarm where score > threshold"


@dataclass(frozen=True)
class Provision:
    """`threshold` and `scores` are log-odds, or dB^2 of a reconstruction."""

    machine: str
    class_index: int
    is_enrolled: bool  # the model didn't know the machine before
    threshold: float
    origin: str  # of the threshold, in words
    score_kind: str  # export.detector.ARCFACE or RECONSTRUCTION
    windows: int  # of normal sound that were heard
    window_seconds: float
    recordings: tuple[str, ...]  # their names
    recognized: int | None  # windows nearest to the machine's own row; None where it has just got it, or has no row
    nearest_machine: str | None  # of an enrolled machine: the known one that sounds most like it
    nearest_cosine: float | None
    files: Mapping[str, str]  # of the device's model -> SHA-256


def chosen_threshold(estimates: MachineThreshold) -> tuple[float, str]:
    """The gamma estimate, or the percentile where there is none; and which of the two it is."""
    if estimates.gamma is not None:
        return estimates.gamma.threshold, "gamma"
    return estimates.percentile, "percentile"


def provision_content(found: Provision) -> dict[str, Any]:
    """What provision.json holds and `--json` prints."""
    return {"format": FORMAT, "rule": RULE, **asdict(found)}


def thresholds_text(found: Provision, rung: str, estimates: MachineThreshold) -> str:
    """thresholds.json as evaluate writes it, with this one machine."""
    content = {
        "format": THRESHOLDS_FORMAT,
        "rule": RULE,
        "score": found.score_kind,
        "false_alarm_rate": FALSE_ALARM_RATE,
        "files": dict(found.files),
        "validation_clips": 0,
        "validation_clips_of_split": 0,
        "machines_without": [],
        "rungs": {rung: {found.machine: asdict(estimates)}},
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
