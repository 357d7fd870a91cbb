"""A fault of a machine: which kind, and how strong in this clip."""

from dataclasses import dataclass

from numpy.random import Generator

from asd_edge.clip.synthesize.noise import uniform


@dataclass(frozen=True)
class Fault:
    """`kind` is one of the machine type's FAULT_KINDS; its effects, in dB or as shares, are linear in `strength`.

    A fault that brings a sound of its own (grit, knocks, squeal, chirp) has it at a faint level even at strength 0.
    """

    kind: str
    strength: float


def draw_fault(rng: Generator, kinds: tuple[str, ...], number: int, severity: float) -> Fault:
    """The fault of anomalous clip `number`: the kinds take turns, the strength is 0.2 to 1.8 times the severity."""
    return Fault(kinds[number % len(kinds)], severity * uniform(rng, 0.2, 1.8))


def toward_sisters(rng: Generator, own: float, family: tuple[float, ...]) -> float:
    """+1 or -1: the side of `own` on which the other machines of the type lie; by lot where they lie on both.

    Where physics leaves the sign of a shift free, this is the sign that a classifier of machine IDs can notice.
    """
    if own <= min(family):
        return 1.0
    if own >= max(family):
        return -1.0
    return 1.0 if uniform(rng, 0.0, 1.0) < 0.5 else -1.0
