"""A work directory -> everything in it that a report shows, each file read whole and held against the others."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from asd_edge.diagnose.diagnosis import Diagnosis
from asd_edge.diagnose.write_diagnosis import DIAGNOSIS_FILE, DIAGNOSIS_FORMAT
from asd_edge.errors import EvaluationError, WorkDirectoryError
from asd_edge.evaluate.auc import auc
from asd_edge.evaluate.bootstrap import MachineKey, MachineScores
from asd_edge.evaluate.scores_table import read_scores, scores_by_machine
from asd_edge.evaluate.write_evaluation import (
    EVALUATION_FILE,
    EVALUATION_FORMAT,
    SCORES_FILE,
    THRESHOLDS_FILE,
    THRESHOLDS_FORMAT,
)
from asd_edge.export.work_files import DETECTOR_FILE, ONNX_FILE, RECORD_FILE, TFLITE_FILE
from asd_edge.model.checkpoint import FORMAT as CHECKPOINT_FORMAT
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE
from asd_edge.report.board_profile import PROFILE_FORMAT, BoardProfile
from asd_edge.report.evaluation_record import EvaluationRecord, ThresholdsRecord
from asd_edge.report.read_record import parse_record, read_json
from asd_edge.report.stage_records import CheckpointRecord, ExportFacts, FileFacts, StreamPlan

EXPORT_FORMAT = "asd-edge export 1"
MODEL_FILES = (WEIGHTS_FILE, SETTINGS_FILE, ONNX_FILE, TFLITE_FILE, DETECTOR_FILE)
RECORD_FILES = (RECORD_FILE, EVALUATION_FILE, SCORES_FILE, THRESHOLDS_FILE, DIAGNOSIS_FILE)
EXPORT_COMMAND = "asd-edge export --checkpoint WORK --calibration DATA -o WORK"
EVALUATE_COMMAND = "asd-edge evaluate WORK --data DATA"
DIAGNOSE_COMMAND = "asd-edge diagnose WORK --data DATA"
PROFILE_COMMAND = "asd-edge profile --board BOARD WORK"
COMPILE_COMMAND = "asd-edge compile WORK --json > WORK/plan-generic.json"
EXPLAIN_COMMAND = "asd-edge explain CLIP --work WORK -o WORK"
_IMAGE_SOURCE = f"{TFLITE_FILE} or {DETECTOR_FILE}"

Record = TypeVar("Record")


@dataclass(frozen=True)
class WorkContents:
    """None or empty: the file isn't there. `files` has every file that the report rests on."""

    name: str
    files: Mapping[str, FileFacts]
    json: Mapping[str, Mapping[str, Any]]  # JSON file -> its content
    checkpoint: CheckpointRecord | None
    export: ExportFacts | None
    evaluation: EvaluationRecord | None
    scores: Mapping[MachineKey, MachineScores]  # row r: rung r of the evaluation
    thresholds: ThresholdsRecord | None
    diagnosis: Diagnosis | None
    plans: Mapping[str, StreamPlan]  # by file
    profiles: Mapping[str, BoardProfile]  # by file
    pictures: Mapping[str, bytes]  # explain-*.png: file -> content
    remarks: tuple[str, ...]  # where two files are not of one model


class _Reader:
    """Reads the files of one directory; remembers what it read."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.files: dict[str, FileFacts] = {}
        self.json: dict[str, Mapping[str, Any]] = {}

    def record(self, name: str, record: type[Record], file_format: str | None, make_it: str) -> Record | None:
        if not self.note(name):
            return None
        self.json[name] = read_json(self.work / name, make_it)
        return parse_record(self.json[name], self.work / name, record, file_format, make_it)

    def records(self, prefix: str, record: type[Record], file_format: str | None, make_it: str) -> dict[str, Record]:
        names = sorted(path.name for path in self.work.glob(f"{prefix}-*.json"))
        found = {name: self.record(name, record, file_format, make_it) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    def note(self, name: str) -> bool:
        """Whether the file is there; if so its size and hash are kept."""
        path = self.work / name
        if not path.is_file():
            return False
        try:
            content = path.read_bytes()
        except OSError as error:
            raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); make it readable") from error
        self.files[name] = FileFacts(len(content), hashlib.sha256(content).hexdigest())
        return True


def load_work(work: Path) -> WorkContents:
    """Raises WorkDirectoryError for a directory without a model or an evaluation and for a damaged file of it, and
    EvaluationError where scores.csv isn't the evaluation's.
    """
    if not work.is_dir():
        raise WorkDirectoryError(f"{work}: no such directory; give the one that asd-edge export or train wrote")
    reader = _Reader(work)
    for name in MODEL_FILES:
        reader.note(name)
    checkpoint = reader.record(SETTINGS_FILE, CheckpointRecord, CHECKPOINT_FORMAT, "asd-edge train")
    export = reader.record(RECORD_FILE, ExportFacts, EXPORT_FORMAT, "asd-edge export")
    evaluation = reader.record(EVALUATION_FILE, EvaluationRecord, EVALUATION_FORMAT, "asd-edge evaluate")
    if checkpoint is None and export is None and evaluation is None:
        raise WorkDirectoryError(
            f"{work}: has no {SETTINGS_FILE}, {RECORD_FILE} or {EVALUATION_FILE}; run asd-edge train or export first"
        )
    thresholds = reader.record(THRESHOLDS_FILE, ThresholdsRecord, THRESHOLDS_FORMAT, "asd-edge evaluate")
    diagnosis = reader.record(DIAGNOSIS_FILE, Diagnosis, DIAGNOSIS_FORMAT, "asd-edge diagnose")
    plans = reader.records("plan", StreamPlan, None, "asd-edge compile --json")
    profiles = reader.records("profile", BoardProfile, PROFILE_FORMAT, "asd-edge profile")
    pictures = {}
    for path in sorted(work.glob("explain-*.png")):
        if reader.note(path.name):
            pictures[path.name] = path.read_bytes()
    scores = {} if evaluation is None or not reader.note(SCORES_FILE) else _scores(work, evaluation)
    for name in sorted(path.name for path in work.glob("model-*.asdm")):
        reader.note(name)
    return WorkContents(
        work.resolve().name,
        reader.files,
        reader.json,
        checkpoint,
        export,
        evaluation,
        scores,
        thresholds,
        diagnosis,
        plans,
        profiles,
        pictures,
        tuple(_remarks(reader, export, evaluation, thresholds, diagnosis, plans, profiles)),
    )


def _scores(work: Path, evaluation: EvaluationRecord) -> dict[MachineKey, MachineScores]:
    scores = scores_by_machine(read_scores(work / SCORES_FILE), evaluation.rung_names)
    found = {
        (*key, rung): auc(machine.normal[row], machine.anomaly[row])
        for key, machine in scores.items()
        for row, rung in enumerate(evaluation.rung_names)
    }
    told = {(figures.machine_type, figures.machine_id, figures.rung): figures.auc for figures in evaluation.machines}
    if found.keys() != told.keys() or any(abs(found[key] - told[key]) > 1e-12 for key in told):
        raise EvaluationError(
            f"{work / SCORES_FILE}: its AUCs aren't those of {EVALUATION_FILE}, so the two are of different runs; "
            "run asd-edge evaluate again"
        )
    return scores


def _remarks(
    reader: _Reader,
    export: ExportFacts | None,
    evaluation: EvaluationRecord | None,
    thresholds: ThresholdsRecord | None,
    diagnosis: Diagnosis | None,
    plans: Mapping[str, StreamPlan],
    profiles: Mapping[str, BoardProfile],
) -> list[str]:
    here = {name: facts.sha256 for name, facts in reader.files.items()}
    if TFLITE_FILE in here and DETECTOR_FILE in here:  # what a compiled image names as its source
        content = b"".join((reader.work / name).read_bytes() for name in (TFLITE_FILE, DETECTOR_FILE))
        here[_IMAGE_SOURCE] = hashlib.sha256(content).hexdigest()
    told: list[tuple[str, str, Mapping[str, str]]] = []
    if export is not None:
        told.append((RECORD_FILE, "asd-edge export", {name: facts.sha256 for name, facts in export.files.items()}))
    if evaluation is not None:
        told.append((EVALUATION_FILE, "asd-edge evaluate", evaluation.files))
    if thresholds is not None:
        told.append((THRESHOLDS_FILE, "asd-edge evaluate", thresholds.files))
    if diagnosis is not None:
        told.append((DIAGNOSIS_FILE, "asd-edge diagnose", diagnosis.files))
    told += [(name, "asd-edge compile", {_IMAGE_SOURCE: plan.source_sha256}) for name, plan in plans.items()]
    told += [(name, "asd-edge profile", {TFLITE_FILE: profile.model_sha256}) for name, profile in profiles.items()]
    return [
        f"{record} is about another {name} than the one in this directory; run {make_it} again"
        for record, make_it, hashes in told
        for name, sha256 in hashes.items()
        if here.get(name, sha256) != sha256
    ]
