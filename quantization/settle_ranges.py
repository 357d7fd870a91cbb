"""Calibrated ranges -> ranges to quantize: holding zero, shared where an operator can't rescale, none too narrow.

An activation that calibration saw (almost) unmoved would ask for factors beyond 32 bits: TFLite aborts in an ADD whose
output scale is below 2^-20 of twice its inputs', and a long sum shifted left overflows. So an operator's output is at
least 2^-18 as wide as anything that its inputs could give, which is far below what a live layer shows.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
)
from quantization.observers import Range

LOGISTIC_RANGE = Range(0.0, 255 / 256)  # scale 1/256, zero point -128: fixed by TFLite, as for softmax
TANH_RANGE = Range(-1.0, 127 / 128)  # scale 1/128, zero point 0: likewise
_LEAST_WIDTH = 1e-6
_LEAST_SHARE = 2.0**-18  # of the greatest output that the inputs' ranges could give


def settle_ranges(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """One range per activation of the graph.

    Raises QuantizationError where a sigmoid, whose scale is fixed, is concatenated with values of another range.
    """
    settled = {name: ranges[name].holding_zero() for name in graph.activations()}
    while True:
        wide = _shared(graph, _widened(graph, settled))
        if wide == settled:
            return settled
        settled = wide


def _widened(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """The ranges with those raised to their least width that are narrower."""
    widened = dict(ranges)
    for name in graph.inputs:
        widened[name] = _at_least(widened[name], _LEAST_WIDTH)
    for op in graph.ops:
        conceivable = _conceivable_width(graph, op, [widened[name].width for name in op.inputs if name in widened])
        widened[op.output] = _at_least(widened[op.output], max(_LEAST_WIDTH, _LEAST_SHARE * conceivable))
    return widened


def _at_least(observed: Range, width: float) -> Range:
    return observed if observed.width >= width else Range(observed.low, observed.low + width)


def _conceivable_width(graph: Graph, op: Op, widths: list[float]) -> float:
    """The greatest magnitude of the output that inputs of these widths could give; 0 where nothing is rescaled."""
    match op:
        case Conv2D() | DepthwiseConv2D():
            weights, bias = (np.abs(graph.values(name).astype(np.float64)) for name in op.inputs[1:])
            taps = (0, 1, 2) if isinstance(op, DepthwiseConv2D) else (1, 2, 3)
            return float((weights.sum(axis=taps) * widths[0] + bias).max())
        case FullyConnected():
            weights, bias = (np.abs(graph.values(name).astype(np.float64)) for name in op.inputs[1:])
            return float((weights.sum(axis=1) * widths[0] + bias).max())
        case Elu() | Relu() | Mean() | Requantize():
            return widths[0]
        case LeakyRelu():
            return widths[0] * max(1.0, op.alpha)
        case PRelu():
            return widths[0] * max(1.0, float(np.abs(graph.values(op.inputs[1]).astype(np.float64)).max()))
        case Add():
            return widths[0] + widths[1]
        case Mul():
            return widths[0] * widths[1]
        case _:
            return 0.0


def _shared(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Equal ranges where one operator can't rescale between its tensors, and those that TFLite fixes."""
    fixed = {op.output: op for op in graph.ops if isinstance(op, Logistic | Softmax | Tanh)}
    shared: dict[str, Range] = {}
    for group in range_groups(graph):
        union = ranges[group[0]]
        for name in group[1:]:
            union = union.union(ranges[name])
        found = [fixed[name] for name in group if name in fixed]
        shared.update(dict.fromkeys(group, _fixed(found, union) if found else union))
    return shared


def _fixed(ops: list[Logistic | Softmax | Tanh], union: Range) -> Range:
    """The range that TFLite gives the outputs of these operators, which share a scale with values in `union`."""
    op = min(ops, key=lambda op: op.output)
    is_tanh = isinstance(op, Tanh)
    fits = union.low >= (-1 if is_tanh else 0) and union.high <= 1
    if not fits or any(isinstance(other, Tanh) is not is_tanh for other in ops):
        kind = "tanh" if is_tanh else "sigmoid" if isinstance(op, Logistic) else "softmax"
        raise QuantizationError(
            f"{op.output}: a {kind}, whose int8 scale is {'1/128' if is_tanh else '1/256'}, shares the scale of values "
            f"in {union.low:.3g} to {union.high:.3g} through a concatenation or maximum; put a 1x1 convolution behind "
            f"the {kind}"
        )
    return TANH_RANGE if is_tanh else LOGISTIC_RANGE


def range_groups(graph: Graph) -> Iterator[list[str]]:
    """Activations that must have one quantization, in groups; most are alone."""
    leader = {name: name for name in graph.activations()}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for op in graph.ops:
        if isinstance(op, Concat | Pad | Reshape | AveragePool2D | MaxPool2D | Maximum):
            for name in op.inputs:
                leader[find(name)] = find(op.output)
    groups: dict[str, list[str]] = {}
    for name in leader:
        groups.setdefault(find(name), []).append(name)
    yield from groups.values()
