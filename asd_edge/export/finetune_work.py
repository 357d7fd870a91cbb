"""A work directory and normal clips -> its int8 files again, after distillation over more clips (recipe `finetune`)."""

import json
from dataclasses import replace
from pathlib import Path

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import WorkDirectoryError
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.export_record import ExportRecord
from asd_edge.export.targets.target import find_target
from asd_edge.export.work_files import RECORD_FILE
from quantization.recipe import Distil, load_recipe

RECIPE = "finetune"


def finetune_work(
    work: Path, data_dir: Path, epochs: int | None, on_progress: ProgressFn = ignore_progress
) -> ExportRecord:
    """Export the checkpoint of `work` once more, for the target that it was exported for; `epochs` of distillation.

    Raises WorkDirectoryError where nothing was exported, and what `export_checkpoint` raises; then nothing has changed.
    """
    path = work / RECORD_FILE
    try:
        target = find_target(json.loads(path.read_text(encoding="utf-8"))["target"])
    except OSError as error:
        raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); export the checkpoint first") from error
    except (ValueError, TypeError, KeyError) as error:
        raise WorkDirectoryError(f"{path}: names no target; export the checkpoint again") from error
    recipe = load_recipe(RECIPE)
    if epochs is not None:
        steps = tuple(replace(step, epochs=epochs) if isinstance(step, Distil) else step for step in recipe.steps)
        recipe = replace(recipe, steps=steps)
    return export_checkpoint(work, data_dir, work, on_progress, recipe, target)
