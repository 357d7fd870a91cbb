"""thresholds.json beside a model -> the score above which a machine is anomalous."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asd_edge.errors import ListenError
from asd_edge.export.work_files import TFLITE_FILE
from asd_edge.listen.digest import joined_sha256

THRESHOLDS_FILE, FORMAT = "thresholds.json", "asd-edge thresholds 1"
RUNGS = ("host", "reference", "tflite")  # those that compute as the service does, the nearest first


@dataclass(frozen=True)
class Threshold:
    """`origin` in words."""

    value: float
    origin: str

    def in_words(self) -> str:
        """For people."""
        return f"{self.value:.3f} ({self.origin})"


def load_threshold(model: Path, machine: str) -> Threshold:
    """The machine's threshold: the gamma estimate, or the percentile where there is none.

    It was made from scores of whole clips, as the `window` image gives them. A sliding score sees the sound around its
    window instead of padding (firmware/DESIGN.md), so for it the threshold is an estimate.
    Raises ListenError where the file is missing, of another format or without this machine.
    """
    path = (model if model.is_dir() else model.parent) / THRESHOLDS_FILE
    choose = "run asd-edge evaluate, or set threshold to a number"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ListenError(f"{path}: format {content['format']!r}, this version reads {FORMAT!r}; {choose}")
        rung = next((rung for rung in RUNGS if machine in content["rungs"].get(rung, {})), None)
        if rung is None:
            raise ListenError(f"{path}: has no threshold of {machine} on {' or '.join(RUNGS)}; {choose}")
        _check_source(path, content)
        found = content["rungs"][rung][machine]
        gamma, clips = found["gamma"], int(found["clips"])
        name, value = ("percentile", found["percentile"]) if gamma is None else ("gamma", gamma["threshold"])
        if not math.isfinite(value := float(value)):
            raise ListenError(f"{path}: has a threshold of {value} for {machine}; {choose}")
        return Threshold(value, f"{path.name}, rung {rung}, {name} of {clips} normal clips")
    except OSError as error:
        raise ListenError(f"{path}: can't be read ({error.strerror}); {choose}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ListenError(f"{path}: is no table of thresholds ({error!r}); {choose}") from error


def _check_source(path: Path, content: Mapping[str, Any]) -> None:
    """Where the int8 model lies beside the thresholds, they must be its own."""
    model, digest = path.with_name(TFLITE_FILE), content.get("files", {}).get(TFLITE_FILE)
    if digest is not None and model.exists() and joined_sha256([model]) != digest:
        raise ListenError(f"{path}: was made with another {TFLITE_FILE}; run asd-edge evaluate again")
