"""Diagnosed layers -> their order, the most harmful first, and one line on what to do next."""

from collections.abc import Sequence

from asd_edge.diagnose.diagnosis import Damage, LayerDiagnosis

_STANDS_OUT = 0.25  # of the sum of what all layers do alone
_SPREAD_REPAIR = "distil"


def rank(layers: Sequence[LayerDiagnosis]) -> tuple[str, ...]:
    """Names by the output's error with the layer alone in int8; of equals first the one whose absence helps more."""
    ordered = sorted(layers, key=lambda layer: (-layer.alone.error, layer.all_but.error))
    return tuple(layer.name for layer in ordered)


def advise(int8: Damage, layers: Sequence[LayerDiagnosis], ranking: Sequence[str]) -> str:
    """The step to take next, and why."""
    total = sum(layer.alone.error for layer in layers)
    if int8.error <= 0 or total <= 0:
        return "int8 changes no output of these clips: there is nothing to repair"
    worst = next(layer for layer in layers if layer.name == ranking[0])
    share, taken_away = worst.alone.error / total, 1 - worst.all_but.error / int8.error
    words = f"{worst.name} alone makes {100 * share:.0f} % of what the {len(layers)} layers do one by one"
    words += f", and in float takes {100 * taken_away:.0f} % of int8's damage away" if taken_away > 0 else ""
    if max(share, taken_away) >= _STANDS_OUT:
        return f"{words}. Next: {worst.repair.step}, because {worst.repair.why}"
    return f"no layer stands out: the worst, {words}. Next: {_SPREAD_REPAIR}, which adapts all layers together"
