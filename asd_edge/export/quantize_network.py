"""Float Graph + calibration clips -> int8 Graph: rescale, calibrate, equalize, quantize, correct biases, take SQNR."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.export.calibration_set import CalibrationSet, network_inputs, spread_evenly
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.graph.graph import Graph, with_ops
from asd_edge.graph.ops import Concat, Op
from quantization.bias_correct import correct_biases
from quantization.calibrate import calibrate
from quantization.equalize import rescale_concatenations
from quantization.equalize_channels import Factors, channel_factors, equalize_channels, grown_statistics
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import sqnr_db

SQNR_CLIPS = 4
STEPS = (
    "rescale_concatenations",
    "calibrate: min, max and mean of each channel over normal clips",
    "equalize_channels",
    "quantize_graph: int8, per-channel weights",
    "correct_biases",
)


@dataclass(frozen=True)
class QuantizedNetwork:
    """Both graphs have the same activations; `sqnr_db` is per activation over some calibration clips."""

    float_graph: Graph
    int8_graph: Graph
    concatenation_factors: Mapping[str, float]
    channel_factors: Factors
    sqnr_db: Mapping[str, float]


def quantize_network(
    graph: Graph, calibration: CalibrationSet, on_progress: ProgressFn = ignore_progress
) -> QuantizedNetwork:
    """`graph` has passed the float passes. Raises QuantizationError where calibration can't quantize it."""
    factors: dict[str, float] = {}
    concatenated = tuple(name for op in graph.ops if isinstance(op, Concat) for name in op.inputs)
    if concatenated:  # their ranges alone decide the factors, and are cheap where the concatenation comes early
        before = upstream(graph, concatenated)
        graph, factors = rescale_concatenations(
            graph, ranges_of(calibrate(before, network_inputs(calibration.clips, before), len(calibration.clips)))
        )
    n_vectors = len(calibration.clips[0].log_mel) - N_CONTEXT + 1
    stacked = stack_runs(graph, n_vectors)
    inputs = network_inputs(calibration.clips, stacked)
    statistics = calibrate(stacked, inputs, len(calibration.clips), on_progress)
    grown = channel_factors(graph, statistics)
    statistics = grown_statistics(graph, statistics, grown)
    graph = equalize_channels(graph, grown)
    stacked = stack_runs(graph, n_vectors)
    int8_graph = quantize_graph(graph, ranges_of(statistics))
    int8_graph = correct_biases(graph, int8_graph, statistics)
    measured_on = network_inputs(spread_evenly(calibration.clips, SQNR_CLIPS), stacked)
    sqnr = sqnr_db(stacked, stack_runs(int8_graph, n_vectors), measured_on)
    return QuantizedNetwork(graph, int8_graph, factors, grown, sqnr)


def stack_runs(graph: Graph, n_runs: int) -> Graph:
    """A network of vectors [1, 1, 1, K] rewritten to [1, n_runs, 1, K]: the same values, all runs of a clip at once.

    Any other network comes back as it is.
    """
    activations = graph.activations()
    if any(graph.tensors[name].shape[1:3] != (1, 1) for name in activations):
        return graph
    tensors = {
        name: replace(tensor, shape=(1, n_runs, 1, tensor.shape[3])) if name in activations else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


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
