"""One step of a recipe: a `Draft`, a float Graph on its way to int8, and normal clips -> the next Draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn
from asd_edge.graph.graph import Graph, with_ops
from asd_edge.graph.ops import Concat, Op
from quantization.bias_correct import correct_biases
from quantization.calibrate import calibrate
from quantization.channel_groups import Factors, scale_channels, scaled_statistics
from quantization.equalize import rescale_concatenations
from quantization.equalize_channels import channel_factors
from quantization.equalize_layers import layer_factors
from quantization.observe_ranges import observe_ranges
from quantization.observers import ChannelStatistics, ranges_of
from quantization.output_range import best_for_output
from quantization.quantize_graph import quantize_graph
from quantization.recipe import (
    CorrectBiases,
    CorrectBiasesInOrder,
    Distil,
    EqualizeChannels,
    EqualizeLayers,
    Observe,
    RescaleConcatenations,
    RoundWeights,
    Step,
)

Runs = Sequence[Mapping[str, NDArray[np.float32]]]  # the network's inputs, one clip each


@dataclass(frozen=True)
class Draft:
    """`teacher` is the network as it came, which lowering for a target may have changed.

    `exact_graph` is that network under the factors of the steps so far; `float_graph` is the same until distillation
    trains its weights. Both are lowered.

    `statistics` are the float graph's, None until a step asks for them; `int8_graph` is its int8 form, None where the
    last step has changed the float graph.
    """

    teacher: Graph
    exact_graph: Graph
    float_graph: Graph
    statistics: Mapping[str, ChannelStatistics] | None = None
    int8_graph: Graph | None = None
    concatenation_factors: Mapping[str, float] = field(default_factory=dict)
    channel_factors: Factors = field(default_factory=dict)


def run_step(draft: Draft, step: Step, runs: Runs, at_levels: Runs, on_progress: ProgressFn) -> Draft:
    """The next draft; for observer `output`, `at_levels` are some clips of `runs`, quieter and louder.

    Raises QuantizationError where calibration can't quantize the network.
    """
    match step:
        case RescaleConcatenations():
            return _rescaled(draft, runs)
        case EqualizeChannels():
            calibrated = _calibrated(draft, runs, on_progress)
            assert calibrated.statistics is not None
            return _scaled(calibrated, channel_factors(draft.float_graph, calibrated.statistics, step.exponent))
        case EqualizeLayers():
            calibrated = _calibrated(draft, runs, on_progress)
            assert calibrated.statistics is not None
            return _scaled(calibrated, layer_factors(draft.float_graph, calibrated.statistics))
        case Observe(method="min_max"):
            return quantized(draft, runs, on_progress)
        case Observe():
            calibrated = _calibrated(draft, runs, on_progress)
            assert calibrated.statistics is not None
            if step.method == "output":
                int8_graph = best_for_output(draft.float_graph, calibrated.statistics, at_levels, on_progress)
            else:
                ranges = observe_ranges(draft.float_graph, calibrated.statistics, runs, step, on_progress)
                int8_graph = quantize_graph(draft.float_graph, ranges)
            return replace(calibrated, int8_graph=int8_graph)
        case CorrectBiases():
            calibrated = _calibrated(draft, runs, on_progress)
            assert calibrated.statistics is not None
            int8_graph = correct_biases(draft.float_graph, _int8(draft), calibrated.statistics)
            return replace(calibrated, int8_graph=int8_graph)
        case CorrectBiasesInOrder() | RoundWeights():
            from quantization.round_weights import round_weights

            int8_graph = round_weights(draft.float_graph, _int8(draft), runs, step, on_progress)
            return replace(draft, int8_graph=int8_graph)
        case Distil():
            from quantization.distil import distil

            float_graph, int8_graph = distil(draft.float_graph, _int8(draft), runs, step, on_progress, draft.teacher)
            return replace(draft, float_graph=float_graph, statistics=None, int8_graph=int8_graph)


def quantized(draft: Draft, runs: Runs, on_progress: ProgressFn) -> Draft:
    """The draft with an int8 graph: its own, or one of min-max ranges."""
    if draft.int8_graph is not None:
        return draft
    calibrated = _calibrated(draft, runs, on_progress)
    assert calibrated.statistics is not None
    return replace(calibrated, int8_graph=quantize_graph(draft.float_graph, ranges_of(calibrated.statistics)))


def upstream(graph: Graph, names: tuple[str, ...]) -> Graph:
    """The part of a graph that computes these activations; its inputs stay those of the graph."""
    needed = set(names)
    ops: list[Op] = []
    for op in reversed(graph.ops):
        if op.output in needed:
            needed.update(op.inputs)
            ops.append(op)
    outputs = tuple(name for name in dict.fromkeys(names) if name not in graph.inputs)
    part = Graph(graph.tensors, tuple(reversed(ops)), graph.inputs, outputs)
    return with_ops(part, part.ops)


def _int8(draft: Draft) -> Graph:
    assert draft.int8_graph is not None, "a recipe observes before its steps on int8"
    return draft.int8_graph


def _calibrated(draft: Draft, runs: Runs, on_progress: ProgressFn) -> Draft:
    if draft.statistics is not None:
        return draft
    return replace(draft, statistics=calibrate(draft.float_graph, runs, len(runs), on_progress))


def _rescaled(draft: Draft, runs: Runs) -> Draft:
    """The ranges of what is concatenated alone decide, and are cheap where the concatenation comes early."""
    graph = draft.float_graph
    concatenated = tuple(name for op in graph.ops if isinstance(op, Concat) for name in op.inputs)
    if not concatenated:
        return draft
    statistics = draft.statistics or calibrate(upstream(graph, concatenated), runs, len(runs))
    graph, factors = rescale_concatenations(graph, ranges_of(statistics))
    return Draft(draft.teacher, graph, graph, concatenation_factors=factors) if factors else draft


def _scaled(draft: Draft, factors: Factors) -> Draft:
    """`draft` is calibrated."""
    assert draft.statistics is not None
    if not factors:
        return draft
    statistics = scaled_statistics(draft.float_graph, draft.statistics, factors)
    graph = scale_channels(draft.float_graph, factors)
    return Draft(
        draft.teacher, graph, graph, statistics, None, draft.concatenation_factors, {**draft.channel_factors, **factors}
    )
