"""Which target a work directory was exported for: one directory holds the model of one."""

import json
from pathlib import Path

from asd_edge.errors import WorkDirectoryError
from asd_edge.export.targets.target import MCU, Target
from asd_edge.export.work_files import RECORD_FILE


def check_work_target(work: Path, target: Target) -> None:
    """Raise WorkDirectoryError where `work` holds a model for another target."""
    try:
        found = json.loads((work / RECORD_FILE).read_text(encoding="utf-8")).get("target", MCU.name)
    except (OSError, ValueError, AttributeError):
        return  # no export, or one that this export replaces
    if found != target.name:
        raise WorkDirectoryError(
            f"{work}: holds a model for the target {found}; give {target.name} a work directory of its own"
        )
