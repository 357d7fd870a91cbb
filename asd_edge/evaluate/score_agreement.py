"""Scored clips -> per machine ID, type and overall: how far a rung's scores and outputs are from the first rung's."""

from collections.abc import Sequence
from dataclasses import dataclass

from asd_edge.evaluate.score_clips import ScoredClip


@dataclass(frozen=True)
class ScoreAgreement:
    """One rung beside the first, over the clips of a group; machine_type None: all, machine_id None: all of a type."""

    rung: str
    machine_type: str | None
    machine_id: str | None
    clips: int
    largest_score_difference: float  # absolute, in the score's own unit
    largest_difference_clip: str
    cosine_mean: float | None  # None where an output is all zeros
    cosine_min: float | None

    @property
    def group(self) -> tuple[str, str | None, str | None]:
        """What it is about: (rung, machine_type, machine_id)."""
        return self.rung, self.machine_type, self.machine_id


def agreement_by_group(scored: Sequence[ScoredClip], rungs: Sequence[str]) -> tuple[ScoreAgreement, ...]:
    """For every rung but the first: all clips together, then each type, each followed by its IDs."""
    groups: dict[tuple[str | None, str | None], list[ScoredClip]] = {(None, None): list(scored)}
    for clip in sorted(scored, key=lambda clip: clip.clip.record.machine):
        record = clip.clip.record
        groups.setdefault((record.machine_type, None), []).append(clip)
        groups.setdefault((record.machine_type, record.machine_id), []).append(clip)
    return tuple(_agreement(*group, clips, rungs[0], rung) for group, clips in groups.items() for rung in rungs[1:])


def _agreement(
    machine_type: str | None, machine_id: str | None, clips: Sequence[ScoredClip], first: str, rung: str
) -> ScoreAgreement:
    differences = [abs(clip.rungs[rung].score - clip.rungs[first].score) for clip in clips]
    largest = max(range(len(clips)), key=differences.__getitem__)
    cosines = [cosine for clip in clips if (cosine := clip.rungs[rung].cosine) is not None]
    is_complete = len(cosines) == len(clips)
    return ScoreAgreement(
        rung,
        machine_type,
        machine_id,
        len(clips),
        differences[largest],
        clips[largest].clip.name,
        sum(cosines) / len(cosines) if is_complete else None,
        min(cosines) if is_complete else None,
    )
