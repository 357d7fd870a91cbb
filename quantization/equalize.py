"""Exact rescaling before quantization: a concatenation must not force one scale on unlike features.

TFLite's int8 concatenation needs one scale for all its inputs. Log-Mel (about -80..20 dB) would leave the Wavegram
(0..9) a tenth of the codes. Multiplying the Wavegram by a constant k and dividing by k the next weights that read its
channels changes nothing in real arithmetic and spreads it over the shared range. k may be negative: log-Mel is mostly
negative and the Wavegram is not.
"""

from collections.abc import Mapping

import numpy as np

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, Tensor, float_weight, with_names, with_ops
from asd_edge.graph.ops import Concat, Conv2D, DepthwiseConv2D, Mul, Op, Pad
from quantization.observers import Range

_LEAST_GAIN = 1.25  # below 2 dB the extra operator isn't worth it


def rescale_concatenations(graph: Graph, ranges: dict[str, Range]) -> tuple[Graph, dict[str, float]]:
    """Give each narrow input of a Concat the factor that fills the widest input's range.

    Returns the rewritten graph and the factor of each input that got one. An input whose channels some reader can't
    absorb (anything but convolution, Mul and Pad) keeps its scale.
    """
    factors: dict[str, float] = {}
    for op in graph.ops:
        if not isinstance(op, Concat):
            continue
        held = {name: ranges[name].holding_zero() for name in op.inputs}
        widest = max(op.inputs, key=lambda name: held[name].width)
        for name in op.inputs:
            factor = _filling_factor(held[name], held[widest])
            if name == widest or abs(factor) < _LEAST_GAIN:
                continue
            rescaled = _rescaled(graph, op, name, factor)
            if rescaled is not None:
                graph, factors[name] = rescaled, factor
    return graph, factors


def rescale_by(graph: Graph, factors: Mapping[str, float]) -> Graph:
    """The same rewriting with factors that are known: those that `rescale_concatenations` once gave for this graph.

    Raises GraphError for a factor that the graph can't take.
    """
    for op in graph.ops:
        for name in op.inputs:
            if isinstance(op, Concat) and name in factors:
                rescaled = _rescaled(graph, op, name, factors[name])
                if rescaled is None:
                    raise GraphError(f"input {name} of {op.output} can't be rescaled; export the network again")
                graph = rescaled
    return graph


def _rescaled(graph: Graph, concat: Concat, name: str, factor: float) -> Graph | None:
    """One input of a Concat times `factor`; None where it is concatenated twice or some reader can't absorb that."""
    if sum(isinstance(op, Concat) for op in graph.consumers(name)) != 1:
        return None
    before = concat.inputs[: concat.inputs.index(name)]
    first = sum(graph.tensors[other].shape[3] for other in before)
    absorbed = _absorb(graph, concat.output, range(first, first + graph.tensors[name].shape[3]), factor)
    return None if absorbed is None else _scale_input(absorbed, concat.output, name, factor)


def _filling_factor(narrow: Range, wide: Range) -> float:
    """The constant of greatest magnitude, of either sign, that keeps narrow * constant inside wide; 0 if none does."""

    def limit(low: float, high: float) -> float:
        bounds = [wide.high / high] if high > 0 else []
        bounds += [wide.low / low] if low < 0 else []
        return max(min(bounds, default=0.0), 0.0)

    positive, negative = limit(narrow.low, narrow.high), limit(-narrow.high, -narrow.low)
    return positive if positive >= negative else -negative


def _absorb(graph: Graph, name: str, channels: range, factor: float) -> Graph | None:
    """Divide by `factor` the weights that read these channels of a tensor; None where a reader has no such weights."""
    if name in graph.outputs:
        return None
    for op in graph.consumers(name):
        match op:
            case Conv2D() | DepthwiseConv2D():
                weights = graph.values(op.inputs[1]).astype(np.float64)
                weights[..., channels.start : channels.stop] /= factor
                graph = with_ops(graph, graph.ops, (float_weight(op.inputs[1], weights),))
            case Mul() | Pad():
                absorbed = _absorb(graph, op.output, channels, factor)
                if absorbed is None:
                    return None
                graph = absorbed
            case _:
                return None
    return graph


def _scale_input(graph: Graph, concat_output: str, name: str, factor: float) -> Graph:
    """Put a 1x1 depthwise convolution by `factor` between a tensor and the Concat that reads it."""
    shape = graph.tensors[name].shape
    scaled = Tensor(f"{name}/rescaled", shape, "float32")
    weights = float_weight(f"{scaled.name}/weights", np.full((1, 1, 1, shape[3]), factor))
    bias = float_weight(f"{scaled.name}/bias", np.zeros(shape[3]))
    ops: list[Op] = []
    for op in graph.ops:
        if op.output == concat_output:
            ops.append(DepthwiseConv2D((name, weights.name, bias.name), scaled.name))
            op = with_names(op, {name: scaled.name})
        ops.append(op)
    return with_ops(graph, tuple(ops), (scaled, weights, bias))
