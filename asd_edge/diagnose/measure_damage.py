"""Clips and a network in two precisions -> the damage of int8 as a whole, of each layer alone and of all but each.

Clips run side by side, one thread each; the result doesn't depend on how many threads there are.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

import numpy as np

from asd_edge.backends.blas_threads import one_blas_thread
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.records import ANOMALY, NORMAL, ClipRecord
from asd_edge.diagnose.diagnosis import Damage
from asd_edge.diagnose.layer_noise import LayerNoise
from asd_edge.diagnose.measure_clip import ClipOutcomes, OpenedClip, Outcome, measure_clip
from asd_edge.diagnose.mixed_network import MixedNetwork
from asd_edge.evaluate.agreement import changed_pairs
from asd_edge.evaluate.auc import auc, mean_over_types

_MOST_THREADS = 4  # each holds all activations of a clip, in float, in int8 and in a mixture: half a gigabyte

Clip = TypeVar("Clip")


@dataclass(frozen=True)
class LayerDamage:
    """One layer; noise over the clips of each label."""

    alone: Damage
    all_but: Damage
    normal: LayerNoise
    anomaly: LayerNoise


@dataclass(frozen=True)
class MeasuredDamage:
    """`layers` in execution order."""

    pairs: int
    int8: Damage
    layers: Mapping[str, LayerDamage]


def run_clips(
    network: MixedNetwork,
    clips: Sequence[Clip],
    open_clip: Callable[[Clip], OpenedClip],
    on_progress: ProgressFn = ignore_progress,
) -> tuple[ClipOutcomes, ...]:
    """`measure_clip` of every clip, in order. Raises what `open_clip` and `measure_clip` raise."""
    stop = Event()
    outcomes: list[ClipOutcomes] = []
    with one_blas_thread(), ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        found = pool.map(lambda clip: measure_clip(network, open_clip(clip), stop.is_set), clips)
        try:
            for outcome in found:
                outcomes.append(outcome)
                on_progress(len(outcomes), len(clips))
        except BaseException:  # a clip that can't be scored, Ctrl-C
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return tuple(outcomes)


def sum_up(
    records: Sequence[ClipRecord], outcomes: Sequence[ClipOutcomes], layers: Sequence[str], is_embedding: bool
) -> MeasuredDamage:
    """Over all clips; each machine has at least one of each label."""
    first = [outcome.float_score for outcome in outcomes]
    machines = _by_machine(records)

    def damage(of_clip: Callable[[ClipOutcomes], Outcome]) -> Damage:
        return _damage(machines, first, [of_clip(outcome) for outcome in outcomes], is_embedding)

    def noise(layer: str, label: str) -> LayerNoise:
        first, *others = (o.noise[layer] for r, o in zip(records, outcomes, strict=True) if r.label == label)
        for other in others:
            first = first.joined(other)
        return first

    def of_layer(layer: str) -> LayerDamage:
        return LayerDamage(
            damage(lambda outcome: outcome.alone[layer]),
            damage(lambda outcome: outcome.all_but[layer]),
            noise(layer, NORMAL),
            noise(layer, ANOMALY),
        )

    pairs = sum(len(normal) * len(anomaly) for normal, anomaly in machines.values())
    return MeasuredDamage(pairs, damage(lambda outcome: outcome.int8), {layer: of_layer(layer) for layer in layers})


def _by_machine(records: Sequence[ClipRecord]) -> dict[tuple[str, str], tuple[list[int], list[int]]]:
    """Machine -> which clips are normal, which anomalous."""
    machines: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for index, record in enumerate(records):
        of_machine = machines.setdefault((record.machine_type, record.machine_id), ([], []))
        of_machine[record.label == ANOMALY].append(index)
    return machines


def _damage(
    machines: Mapping[tuple[str, str], tuple[list[int], list[int]]],
    float_scores: Sequence[float],
    outcomes: Sequence[Outcome],
    is_embedding: bool,
) -> Damage:
    changed, differences = 0.0, {}
    for machine, (normal, anomaly) in machines.items():
        exact = [float_scores[index] for index in normal], [float_scores[index] for index in anomaly]
        mixed = [outcomes[index].score for index in normal], [outcomes[index].score for index in anomaly]
        changed += changed_pairs(*exact, *mixed).changed
        differences[machine] = auc(*mixed) - auc(*exact)
    errors = [outcome.relative_error for outcome in outcomes]
    cosines = [outcome.cosine for outcome in outcomes if outcome.cosine is not None] if is_embedding else []
    return Damage(
        float(np.mean(cosines)) if cosines else None,
        min(cosines, default=None),
        float(np.mean(errors)),
        max(errors),
        changed,
        float(mean_over_types(differences)),
    )
