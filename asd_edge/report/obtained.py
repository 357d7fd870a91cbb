"""A record -> how its figures were obtained: command, clips, date, versions."""

import shlex
from collections.abc import Mapping

from asd_edge.evaluate.write_evaluation import EVALUATION_FILE, THRESHOLDS_FILE
from asd_edge.report.evaluation_record import EvaluationRecord, ThresholdsRecord
from asd_edge.report.section import Source


def evaluation_source(evaluation: EvaluationRecord) -> Source:
    """The command that gives these figures again; the clips scored of those available."""
    data = evaluation.data
    command = f"asd-edge evaluate WORK --data {shlex.quote(data.folder)} --backends {','.join(evaluation.rung_names)}"
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


def versions_words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', '-')} {version}" for name, version in versions.items())
