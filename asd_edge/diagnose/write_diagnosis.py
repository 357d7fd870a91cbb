"""A Diagnosis -> WORK/diagnosis.json, whole or not at all."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.diagnose.diagnosis import Diagnosis

DIAGNOSIS_FILE, DIAGNOSIS_FORMAT = "diagnosis.json", "asd-edge diagnosis 1"


def write_diagnosis(diagnosis: Diagnosis, work: Path) -> None:
    """Raises WorkDirectoryError where `work` can't be written."""
    content = json.dumps(diagnosis_content(diagnosis), indent=1, allow_nan=False) + "\n"
    write_text_atomically(work / DIAGNOSIS_FILE, content)


def diagnosis_content(diagnosis: Diagnosis) -> dict[str, Any]:
    """What diagnosis.json holds and `--json` prints."""
    return {"format": DIAGNOSIS_FORMAT, **asdict(diagnosis)}
