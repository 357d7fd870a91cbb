"""Clips and rungs -> every clip's score on every rung, and how far its outputs agree with those of the other rungs.

Clip by clip, all rungs in turn: a clip is read once, its features are computed once, and a rung that refuses shows at
the first clip. Each finished clip is kept in the partial file, from which an interrupted run goes on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from asd_edge.backends.clip_features import clip_features
from asd_edge.backends.ladder import REFERENCE
from asd_edge.backends.rung import Clip, ClipScore, Rung
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import ClipError
from asd_edge.evaluate.agreement import row_cosines
from asd_edge.evaluate.clips_to_score import ClipToScore
from asd_edge.evaluate.partial_scores import PartialScores, without_place
from asd_edge.export.detector import Detector
from asd_edge.frontend.config import FrontendConfig


@dataclass(frozen=True)
class RungScore:
    """One clip on one rung."""

    score: float
    cross_entropy: float | None
    cosine: float | None  # of its output with the first rung's; None on the first rung and for an output of zeros
    difference_lsb: int | None  # largest difference of its int8 output from the reference rung's; None without either
    milliseconds: float


@dataclass(frozen=True)
class ScoredClip:
    """One clip on all rungs that scored it, in ladder order."""

    clip: ClipToScore
    features_milliseconds: float  # of the NumPy front end, once for all rungs that take features
    rungs: Mapping[str, RungScore]


def score_clips(
    clips: Sequence[tuple[ClipToScore, Sequence[Rung]]],
    frontend: FrontendConfig,
    detector: Detector | None,
    partial: PartialScores,
    on_progress: ProgressFn = ignore_progress,
) -> tuple[ScoredClip, ...]:
    """Score each clip on its rungs. `detector` may be None where no rung takes features.

    Raises ClipError, naming clip and rung, for a clip without a score; what was scored stays in `partial`.
    """
    scored = []
    for index, (clip, rungs) in enumerate(clips):
        kinds = " ".join(without_place(rung.name, rung.runtime)[0] for rung in rungs)
        key = f"{clip.sha256} {clip.record.machine} {kinds}"
        line = partial.get(key)
        if line is None:
            scored.append(_score(clip, rungs, frontend, detector))
            partial.add(
                key,
                {
                    "features_milliseconds": scored[-1].features_milliseconds,
                    "rungs": [asdict(scored[-1].rungs[rung.name]) for rung in rungs],
                },
            )
        else:  # a board may have another port by now: its place in the ladder counts
            found = zip(rungs, line["rungs"], strict=True)
            of_rungs = {rung.name: RungScore(**values) for rung, values in found}
            scored.append(ScoredClip(clip, line["features_milliseconds"], of_rungs))
        on_progress(index + 1, len(clips))
    return tuple(scored)


def _score(clip: ClipToScore, rungs: Sequence[Rung], frontend: FrontendConfig, detector: Detector | None) -> ScoredClip:
    samples = read_clip(clip.record.path, frontend.clip_samples, frontend.sample_rate_hz)
    started = time.perf_counter()
    has_features = detector is not None and any(rung.takes_features for rung in rungs)
    features = clip_features(samples, detector) if has_features and detector is not None else {}
    features_milliseconds = _milliseconds_since(started)
    results: dict[str, tuple[ClipScore, float]] = {}
    for rung in rungs:
        started = time.perf_counter()
        try:
            found = rung.score(Clip(samples, clip.record.machine, features))
        except ClipError as error:
            raise ClipError(f"{clip.record.path}: rung {rung.name}: {error}") from error
        results[rung.name] = found, _milliseconds_since(started)
    first = next(iter(results.values()))[0]
    reference = results[REFERENCE][0] if REFERENCE in results else None
    of_rungs = {
        name: RungScore(
            found.score,
            found.cross_entropy,
            None if found is first else _cosine(first, found),
            None if found is reference or reference is None else _difference_lsb(reference, found),
            milliseconds,
        )
        for name, (found, milliseconds) in results.items()
    }
    return ScoredClip(clip, features_milliseconds, of_rungs)


def _cosine(first: ClipScore, rung: ClipScore) -> float | None:
    cosine = float(row_cosines(first.output[None], rung.output[None])[0])
    return None if np.isnan(cosine) else cosine


def _difference_lsb(reference: ClipScore, rung: ClipScore) -> int | None:
    if reference.codes is None or rung.codes is None:
        return None
    return int(np.abs(reference.codes.astype(np.int16) - rung.codes.astype(np.int16)).max())


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0
