"""A data folder -> the clips that an evaluation scores, each read and hashed before any of them is scored.

All test clips, for the figures; and, for the thresholds, those training clips that were the validation split of the
checkpoint: recognized by the SHA-256 of their samples, wherever they lie now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN, ClipRecord
from asd_edge.errors import DatasetError, EvaluationError
from asd_edge.frontend.config import FrontendConfig


@dataclass(frozen=True)
class ClipToScore:
    """A clip that can be read; `name` is its path below the data folder."""

    record: ClipRecord
    name: str
    sha256: str


def list_test_clips(
    records: Sequence[ClipRecord],
    data_dir: Path,
    labels: LabelTable,
    frontend: FrontendConfig,
    on_progress: ProgressFn = ignore_progress,
) -> tuple[ClipToScore, ...]:
    """Every test clip. Nothing is scored before all of them are known to be usable.

    Raises DatasetError when there is none or its machine is not in the label table, EvaluationError for a machine with
    one class only, ClipError for a clip that can't be read.
    """
    of_test = [record for record in records if record.split == TEST]
    if not of_test:
        raise DatasetError(f"{data_dir}: no test clip; an AUC needs <machine_type>/test/{{normal,anomaly}}_id_XX_N")
    machines: dict[str, set[str]] = {}
    for record in of_test:
        machines.setdefault(record.machine, set()).add(record.label)
    for machine, classes in machines.items():
        labels.index(machine)
        for label in (NORMAL, ANOMALY):
            if label not in classes:
                raise EvaluationError(
                    f"{data_dir}: {machine} has no {label} test clip, so it has no AUC; "
                    "add such clips or leave the machine out"
                )
    clips = []
    for index, record in enumerate(of_test):
        clips.append(_read(record, data_dir, frontend))
        on_progress(index + 1, len(of_test))
    return tuple(clips)


def find_validation_clips(
    records: Sequence[ClipRecord],
    data_dir: Path,
    validation: Mapping[str, str],
    frontend: FrontendConfig,
    on_progress: ProgressFn = ignore_progress,
) -> tuple[ClipToScore, ...]:
    """The normal training clips whose SHA-256 is in `validation` (-> the path that the clip had), sorted by name.

    The clips at those paths are tried first; the others are read only while some are still missing.
    Raises ClipError for a clip that can't be read.
    """
    paths = set(validation.values())
    normal = [record for record in records if record.split == TRAIN and record.label == NORMAL]
    normal.sort(key=lambda record: (_name(record, data_dir) not in paths, _name(record, data_dir)))
    found: dict[str, ClipToScore] = {}
    for index, record in enumerate(normal):
        if len(found) == len(validation):
            break
        clip = _read(record, data_dir, frontend)
        if clip.sha256 in validation:
            found.setdefault(clip.sha256, clip)
        on_progress(index + 1, len(normal))
    return tuple(sorted(found.values(), key=lambda clip: clip.name))


def _read(record: ClipRecord, data_dir: Path, frontend: FrontendConfig) -> ClipToScore:
    samples = read_clip(record.path, frontend.clip_samples, frontend.sample_rate_hz)
    return ClipToScore(record, _name(record, data_dir), samples_sha256(samples))


def _name(record: ClipRecord, data_dir: Path) -> str:
    return record.path.relative_to(data_dir).as_posix()
