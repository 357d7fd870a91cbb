"""A record -> how its figures were obtained: command, clips, date, versions."""

import shlex
from collections.abc import Mapping

from asd_edge.backends.ladder import INT8_RUNGS, ONNX
from asd_edge.diagnose.diagnosis import Diagnosis
from asd_edge.diagnose.write_diagnosis import DIAGNOSIS_FILE
from asd_edge.evaluate.write_evaluation import EVALUATION_FILE, THRESHOLDS_FILE
from asd_edge.export.work_files import RECORD_FILE
from asd_edge.model.checkpoint import SETTINGS_FILE
from asd_edge.report.evaluation_record import EvaluationRecord, ThresholdsRecord
from asd_edge.report.section import Source
from asd_edge.report.stage_records import CheckpointRecord, ExportFacts


def training_source(checkpoint: CheckpointRecord) -> Source:
    """The checkpoint's own training."""
    split, training = checkpoint.split, checkpoint.training
    clips = f"{len(split.train)} trained, {len(split.validation)} chose the epoch"
    named = {name: str(training[name]) for name in ("asd_edge", "torch", "lightning") if name in training}
    command = f"asd-edge train {shlex.quote(str(training.get('data', 'DATA')))} -o WORK"
    return Source(SETTINGS_FILE, command, clips, "", versions_words(named))


def export_source(export: ExportFacts) -> Source:
    """The conversion, and the clips that calibrated it."""
    calibration = export.calibration
    networks = [name for name in export.inputs if name.endswith(".onnx")]
    network = f"--onnx {shlex.quote(networks[0])}" if networks else "--checkpoint WORK"
    command = f"asd-edge export {network} --calibration {shlex.quote(calibration.folder)} -o WORK"
    clips = f"{calibration.clips_used} of {calibration.clips_available} clips calibrated"
    return Source(RECORD_FILE, command, clips, "", versions_words(export.versions))


def evaluation_source(evaluation: EvaluationRecord) -> Source:
    """The command that gives these figures again; the clips scored of those available."""
    data = evaluation.data
    command = f"asd-edge evaluate WORK --data {shlex.quote(data.folder)} --backends {','.join(evaluation.rung_names)}"
    frontends = {run.name: run.frontend for run in evaluation.rungs}
    if frontends.get(ONNX) == "fixed":
        command += " --frontend fixed"
    elif any(frontends.get(name) == "float" for name in INT8_RUNGS):
        command += " --frontend float"
    if evaluation.settings.bootstrap_seed:
        command += f" --seed {evaluation.settings.bootstrap_seed}"
    if evaluation.sqnr_db is not None:
        command += " --sqnr"
    clips = f"{data.clips_scored} of {data.clips_available} test clips scored"
    return Source(EVALUATION_FILE, command, clips, evaluation.date, versions_words(evaluation.versions))


def thresholds_source(evaluation: EvaluationRecord, thresholds: ThresholdsRecord) -> Source:
    """Thresholds come from the same run, and from other clips."""
    clips = f"{thresholds.validation_clips} of {thresholds.validation_clips_of_split} validation clips found"
    run = evaluation_source(evaluation)
    return Source(THRESHOLDS_FILE, run.command, clips, run.when, run.versions)


def diagnosis_source(diagnosis: Diagnosis) -> Source:
    """The command, and the clips used of those available."""
    command = f"asd-edge diagnose WORK --data {shlex.quote(diagnosis.data)} --clips {diagnosis.clips_used}"
    clips = f"{diagnosis.clips_used} of {diagnosis.clips_available} test clips"
    return Source(DIAGNOSIS_FILE, command, clips, diagnosis.date, versions_words({"asd-edge": diagnosis.asd_edge}))


def versions_words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', '-')} {version}" for name, version in versions.items())
