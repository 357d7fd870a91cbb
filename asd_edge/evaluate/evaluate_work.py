"""A work directory and a data folder -> every test clip scored on every rung, and what the scores say.

The rungs stand in the order of the parity ladder. The checkpoint's validation clips, as far as they are in
the data folder, are scored on the int8 rungs, and the thresholds come from those scores alone.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from asd_edge import __version__
from asd_edge.backends.ladder import HOST, INT8_RUNGS, NAMED, ONNX, REFERENCE, check_files, open_rung, rung_kind
from asd_edge.backends.rung import Rung
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.evaluate.clips_to_score import ClipToScore, find_validation_clips, list_test_clips
from asd_edge.evaluate.evaluation import DataUsed, Evaluation, RungRun, Thresholds
from asd_edge.evaluate.figures import make_figures
from asd_edge.evaluate.layer_sqnr import layer_sqnr
from asd_edge.evaluate.load_model import LoadedModel, load_model
from asd_edge.evaluate.partial_scores import PartialScores, without_place
from asd_edge.evaluate.score_agreement import agreement_by_group
from asd_edge.evaluate.score_clips import ScoredClip, score_clips
from asd_edge.evaluate.scores_table import ScoreRow, scores_by_machine
from asd_edge.evaluate.thresholds import thresholds_by_rung
from asd_edge.evaluate.verdict import parity_verdict
from asd_edge.evaluate.write_evaluation import write_evaluation
from asd_edge.export.calibration_set import spread_evenly

SQNR_CLIPS = 8  # of the test clips, spread evenly: each costs seconds in two NumPy interpreters


def evaluate_work(
    work: Path,
    data_dir: Path,
    rung_names: Sequence[str] = (),
    seed: int = 0,
    with_sqnr: bool = False,
    frontend: str | None = None,
    on_reading: ProgressFn = ignore_progress,
    on_scoring: ProgressFn = ignore_progress,
) -> Evaluation:
    """Score, judge, and write scores.csv, thresholds.json and evaluation.json into `work`.

    `rung_names` empty: all whose files are in `work`. `frontend` "float" or "fixed" on all rungs but torch; None: float
    on onnx, fixed on the int8 rungs. `seed` is the bootstrap's. Interrupted, it goes on where it
    stopped. Raises the AsdEdgeError of the first thing that can't be read, run or scored; nothing is written then.
    """
    model = load_model(work, rung_names)
    for name in (ONNX, REFERENCE) if with_sqnr else ():
        check_files(name, work)
    test_clips, validation_clips = _list_clips(model, data_dir, on_reading)

    rungs = tuple(open_rung(name, work, frontend) for name in model.rung_names)
    int8_rungs = tuple(rung for rung in rungs if rung.name in INT8_RUNGS)
    clips = [(clip, rungs) for clip in test_clips] + [(clip, int8_rungs) for clip in validation_clips]
    partial = PartialScores(work, _key(model, rungs))
    scored = score_clips(clips, model.frontend, model.detector, partial, on_scoring)
    test, validation = scored[: len(test_clips)], scored[len(test_clips) :]
    sqnr_clips = spread_evenly(test_clips, SQNR_CLIPS) if with_sqnr else ()
    sqnr_db = layer_sqnr(work, model.detector, sqnr_clips, on_scoring) if with_sqnr and model.detector else None

    rows = tuple(_row(clip, name) for name in model.rung_names for clip in test)
    figures = make_figures(scores_by_machine(rows, model.rung_names), model.rung_names, seed)
    evaluation = Evaluation(
        score_kind=model.score_kind,
        data=DataUsed(data_dir.resolve().name, _data_sha256(test_clips), len(test), len(test_clips)),
        files=model.files,
        rungs=tuple(_run(rung, test, len(test_clips)) for rung in rungs),
        features_milliseconds_per_clip=fmean(clip.features_milliseconds for clip in test),
        seed=seed,
        figures=figures,
        agreement=agreement_by_group(test, model.rung_names),
        verdict=parity_verdict(figures.overall),
        thresholds=_thresholds(model, validation, test),
        sqnr_clips=len(sqnr_clips),
        sqnr_db=sqnr_db,
        rows=rows,
    )
    write_evaluation(evaluation, work)
    partial.remove()
    return evaluation


def _list_clips(
    model: LoadedModel, data_dir: Path, on_reading: ProgressFn
) -> tuple[tuple[ClipToScore, ...], tuple[ClipToScore, ...]]:
    """All test clips, and the validation clips where an int8 rung needs them: read before the first runtime loads."""
    records = find_clips(data_dir)
    test_clips = list_test_clips(records, data_dir, model.labels, model.frontend, on_reading)
    if model.checkpoint is None or not set(INT8_RUNGS) & set(model.rung_names):
        return test_clips, ()
    validation = model.checkpoint.split.validation
    return test_clips, find_validation_clips(records, data_dir, validation, model.frontend, on_reading)


def _key(model: LoadedModel, rungs: Sequence[Rung]) -> str:
    """What a clip's scores depend on besides the clip."""
    runtimes = [(*without_place(rung.name, rung.runtime), rung.frontend) for rung in rungs]
    return hashlib.sha256(json.dumps([__version__, model.files, runtimes]).encode()).hexdigest()


def _data_sha256(clips: Sequence[ClipToScore]) -> str:
    return hashlib.sha256("\n".join(f"{clip.sha256} {clip.name}" for clip in clips).encode()).hexdigest()


def _row(clip: ScoredClip, rung: str) -> ScoreRow:
    record, found = clip.clip.record, clip.rungs[rung]
    return ScoreRow(
        rung, clip.clip.name, record.machine_type, record.machine_id, record.label, found.score, found.cross_entropy
    )


def _run(rung: Rung, test: Sequence[ScoredClip], n_available: int) -> RungRun:
    of_rung = [clip.rungs[rung.name] for clip in test]
    return RungRun(
        name=rung.name,
        runtime=rung.runtime,
        frontend=rung.frontend,
        clips_scored=len(of_rung),
        clips_available=n_available,
        milliseconds_per_clip=fmean(found.milliseconds for found in of_rung),
        tolerance_lsb=rung.tolerance_lsb,
        largest_difference_lsb=max(
            (found.difference_lsb for found in of_rung if found.difference_lsb is not None), default=None
        ),
    )


def _thresholds(model: LoadedModel, validation: Sequence[ScoredClip], test: Sequence[ScoredClip]) -> Thresholds:
    of_split = 0 if model.checkpoint is None else len(model.checkpoint.split.validation)
    int8_rungs = [name for name in model.rung_names if name in INT8_RUNGS]
    why_none = None
    if not int8_rungs:
        why_none = "no int8 rung was scored"
        if any(rung_kind(name) in NAMED for name in model.rung_names):
            why_none = f"no validation clip is scored on a board; its scores are {HOST}'s, which gives them"
    elif model.checkpoint is None:
        why_none = "the work directory holds no checkpoint, whose validation split they are taken from"
    elif not validation:
        why_none = f"none of the {of_split} validation clips of the checkpoint is among the training clips of the data"
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in int8_rungs}
    for clip in validation:
        for name, found in clip.rungs.items():
            scores[name].setdefault(clip.clip.record.machine, []).append(found.score)
    with_threshold = {clip.clip.record.machine for clip in validation}
    without = sorted({clip.clip.record.machine for clip in test} - with_threshold)
    return Thresholds(len(validation), of_split, thresholds_by_rung(scores), tuple(without), why_none)
