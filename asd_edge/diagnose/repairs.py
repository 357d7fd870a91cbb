"""A layer's evidence and the recipe of its export -> the step of a recipe that repairs it: one table of rules.

The rules are read from the top; the first that applies, and whose step isn't in that recipe yet, is the repair. The
evidence is of normal clips: no step may see an anomaly, and none can repair what anomalies alone show.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from asd_edge.diagnose.layer_noise import Evidence
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Logistic,
    Maximum,
    MaxPool2D,
    Pad,
    PRelu,
    Relu,
    Reshape,
    Softmax,
    Tanh,
)
from quantization.settle_ranges import range_groups

_MOSTLY = 0.5  # of the error
_MUCH = 0.25
_NARROW = 0.5  # of the codes that a layer's values span within a concatenation
_TOO_WIDE = 0.25  # likewise, anywhere
_UNLIKE_CHANNELS = 4.0  # widest channel in medians
_VOID_AFTER = {
    "distil": ("correct_biases", "correct_biases_in_order", "round_weights"),  # it moves weights on purpose
    "observe: output": ("correct_biases",),  # it corrects them
}


@dataclass(frozen=True)
class LayerFacts:
    """What a rule looks at; `graph` is the int8 one."""

    name: str
    graph: Graph
    evidence: Evidence


@dataclass(frozen=True)
class Rule:
    """`why` gives the evidence in words where the rule applies, else None."""

    step: str
    why: Callable[[LayerFacts], str | None]


@dataclass(frozen=True)
class Repair:
    """The step to take next, the evidence for it, and the steps before it that apply too but are in the recipe."""

    step: str
    why: str
    in_recipe: tuple[str, ...]


def find_repair(facts: LayerFacts, recipe_steps: Collection[str]) -> Repair:
    """`recipe_steps` are names of the first column of RULES."""
    in_recipe: list[str] = []
    cuts_off = "observe: output" in recipe_steps and "observe: min_max" not in recipe_steps
    void = {step for taken, steps in _VOID_AFTER.items() if taken in recipe_steps for step in steps}
    for rule in RULES:
        why = rule.why(facts)
        if why is None or rule.step in void or (cuts_off and rule.why is _clipped and not _shares_with_an_input(facts)):
            continue
        if rule.step not in recipe_steps or rule is RULES[-1]:
            return Repair(rule.step, why, tuple(in_recipe))
        in_recipe.append(rule.step)
    raise AssertionError("the last rule applies to every layer")


def _shares_with_an_input(facts: LayerFacts) -> bool:
    """Whether the layer has the scale of a network's input, which `observe: output` leaves as it was observed."""
    groups = (group for group in range_groups(facts.graph) if facts.name in group)
    return any(name in facts.graph.inputs for group in groups for name in group)


def _squeezed_by_concatenation(facts: LayerFacts) -> str | None:
    if facts.evidence.range_used >= _NARROW or not _reaches_concatenation(facts.graph, facts.name):
        return None
    return f"{_codes_used(facts.evidence)}, the rest is for what it is concatenated with"


def _clipped(facts: LayerFacts) -> str | None:
    share = facts.evidence.clipping_share
    if share is None or share < _MUCH or _has_fixed_scale(facts):
        return None
    return (
        f"{_percent(facts.evidence.clipped_values)} of its values lie outside its range on normal clips, "
        f"{_percent(share)} of its error"
    )


def _too_wide(facts: LayerFacts) -> str | None:
    if facts.evidence.range_used >= _TOO_WIDE or _has_fixed_scale(facts) or not _is_rounding(facts.evidence):
        return None
    return f"{_codes_used(facts.evidence)}: its range is too wide"


def _too_wide_within(facts: LayerFacts) -> str | None:
    return None if _shares_with_an_input(facts) else _too_wide(facts)


def _unlike_channels_before_depthwise(facts: LayerFacts) -> str | None:
    return _unlike_channels(facts, "equalize_channels")


def _unlike_channels_before_others(facts: LayerFacts) -> str | None:
    return _unlike_channels(facts, "equalize_layers")


def _unlike_channels(facts: LayerFacts, step: str) -> str | None:
    ratio = facts.evidence.channel_ratio
    if ratio is None or ratio < _UNLIKE_CHANNELS or not _is_rounding(facts.evidence):
        return None
    if _equalizing_step(facts.graph, facts.name) != step:
        return None
    return f"its widest channel is {ratio:.1f} times its median one, and they share one scale"


def _mean_error(facts: LayerFacts) -> str | None:
    share = facts.evidence.mean_share
    return None if share is None or share < _MUCH else f"{_percent(share)} of its error is its channels' mean error"


def _rounded_weights(facts: LayerFacts) -> str | None:
    share = facts.evidence.weights_share
    return None if share is None or share < _MOSTLY else f"{_percent(share)} of its error comes from its weights"


def _what_is_left(facts: LayerFacts) -> str | None:
    share = facts.evidence.rounding_share
    if share is None:
        return "it is exact on normal clips"
    return f"{_percent(share)} of its error is the rounding of its output, which no step before int8 takes away"


RULES = (
    Rule("rescale_concatenations", _squeezed_by_concatenation),
    Rule("observe: min_max", _clipped),
    Rule("calibration_clips", _clipped),  # more of them, or of other conditions
    Rule("observe: output", _too_wide_within),
    Rule("calibration_clips", _too_wide),  # without the one that is louder than all others
    Rule("equalize_channels", _unlike_channels_before_depthwise),
    Rule("equalize_layers", _unlike_channels_before_others),
    Rule("correct_biases", _mean_error),
    Rule("round_weights", _rounded_weights),
    Rule("correct_biases_in_order", _mean_error),  # with what earlier layers do to this one's mean
    Rule("distil", _what_is_left),
)


def _has_fixed_scale(facts: LayerFacts) -> bool:
    return isinstance(facts.graph.producer(facts.name), Logistic | Softmax | Tanh)


def _is_rounding(evidence: Evidence) -> bool:
    return evidence.rounding_share is not None and evidence.rounding_share >= _MOSTLY


def _reaches_concatenation(graph: Graph, name: str) -> bool:
    """Whether the layer's codes are those of a Concat."""
    return any(
        isinstance(op, Concat)
        or (
            isinstance(op, Pad | Reshape | Maximum | MaxPool2D | AveragePool2D)
            and _reaches_concatenation(graph, op.output)
        )
        for op in graph.consumers(name)
    )


def _equalizing_step(graph: Graph, name: str) -> str | None:
    """The step that can let the layer's channels grow: a single depthwise convolution behind it divides them back, or
    other weights do. None where nothing behind it or before it can take a factor.
    """
    producer = graph.producer(name)
    if not isinstance(producer, Conv2D | DepthwiseConv2D | PRelu | Relu | Pad | Add):
        return None
    while True:
        readers = graph.consumers(name)
        if name in graph.outputs or not readers:
            return None
        if len(readers) == 1 and isinstance(readers[0], DepthwiseConv2D):
            return "equalize_channels"
        if all(isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected | Add) for op in readers):
            return "equalize_layers"
        if len(readers) > 1 or not isinstance(readers[0], PRelu | Relu | Pad):
            return None
        name = readers[0].output


def _codes_used(evidence: Evidence) -> str:
    return f"its values span {_percent(evidence.range_used)} of its codes"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
