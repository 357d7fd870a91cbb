"""Learned rounding picks the code below or above each weight, better for the layer's output than the nearest one."""

import itertools

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation, Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.factors import quantization_of
from quantization.interpret_int8 import run_int8
from quantization.observers import ranges_of
from quantization.output_error import float_outputs, output_error
from quantization.quantize_graph import quantize_graph
from quantization.recipe import CorrectBiasesInOrder, RoundWeights
from quantization.round_weights import round_weights
from quantization.sqnr import quantize_inputs, sqnr_db
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs

SETTINGS = RoundWeights(iterations=100)


def runs_of(graph: Graph, first: int, n_runs: int) -> list[dict[str, FloatArray]]:
    """Inputs whose channels are alike, as neighbouring mel bands are: what independent rounding ignores."""
    runs = []
    for seed in range(first, first + n_runs):
        shared = np.random.default_rng(seed).normal(3, 1, graph.tensors["x"].shape[:3]).astype(np.float32)
        runs.append({"x": 0.3 * random_inputs(graph, seed)["x"] + shared[..., None]})
    return runs


def int8_of(graph: Graph, n_runs: int = 8) -> Graph:
    return quantize_graph(graph, ranges_of(calibrate(graph, runs_of(graph, 0, n_runs), n_runs)))


def several_layers() -> Graph:
    """Each kind of layer that has weights, with padding, stride, a fused activation and a branch."""
    build = GraphBuilder(np.random.default_rng(3), x=(1, 9, 8, 4))
    first = build.conv("x", 6, (3, 3), (1, 1), Padding(1, 1, 1, 1), Activation.RELU)
    second = build.prelu(build.depthwise(first, (3, 3), (1, 1), Padding(1, 1, 1, 1)))
    joined = build.add(build.depthwise(second), first)
    pooled = build.depthwise(build.conv(joined, 8, (1, 1), (2, 2)), (5, 4))
    return run_float_passes(build.graph(build.fully_connected(pooled, 5)))


def one_layer() -> Graph:
    """Four outputs of eight weights."""
    build = GraphBuilder(np.random.default_rng(5), x=(1, 16, 1, 8))
    return build.graph(build.conv("x", 4))


def test_every_weight_gets_the_code_below_or_above_it() -> None:
    graph = several_layers()
    nearest = int8_of(graph)
    rounded = round_weights(graph, nearest, runs_of(graph, 0, 8), SETTINGS)
    assert rounded.ops == nearest.ops
    n_changed = 0
    for name, tensor in nearest.tensors.items():
        found = rounded.tensors[name]
        assert found.quantization is tensor.quantization
        if tensor.values is None:
            continue
        if tensor.dtype == "int8":
            differences = np.abs(rounded.values(name).astype(np.int64) - tensor.values.astype(np.int64))
            assert differences.max() <= 1
            n_changed += int(differences.sum())
    assert n_changed > 0


def test_layers_are_nearer_to_float_on_clips_that_it_has_not_seen() -> None:
    graph = several_layers()
    nearest = int8_of(graph)
    rounded = round_weights(graph, nearest, runs_of(graph, 0, 16), SETTINGS)
    unseen = runs_of(graph, 100, 12)
    before, after = (sqnr_db(graph, int8_graph, unseen) for int8_graph in (nearest, rounded))
    assert after["t0"] > before["t0"] + 2, "whose inputs are the only error beside its weights"
    for op in graph.ops:
        n_positions = np.prod(graph.tensors[op.output].shape[1:3])
        if n_positions > 1:
            assert after[op.output] > before[op.output], op.output
        else:  # 16 samples say little
            assert after[op.output] > before[op.output] - 2, op.output


def test_the_rounding_of_a_small_layer_is_about_the_best_of_all() -> None:
    """Against all 256 choices of an output, by the squared error of the sums less its mean, which the bias takes."""
    graph = one_layer()
    nearest = int8_of(graph)
    runs = runs_of(graph, 0, 8)
    rounded = round_weights(graph, nearest, runs, SETTINGS)
    name = graph.ops[0].inputs[1]
    scales = quantization_of(nearest, name).scale[:, None]
    inputs = np.concatenate([run["x"].reshape(-1, 8) for run in runs])
    exact, found, plain = (
        np.asarray(values, np.float64).reshape(-1, 8)
        for values in (
            graph.values(name).reshape(-1, 8).astype(np.float64) / scales,
            rounded.values(name),
            nearest.values(name),
        )
    )
    errors = np.zeros(3)
    for output in range(len(exact)):
        choices = np.floor(exact[output]) + np.array(list(itertools.product((0.0, 1.0), repeat=8)))
        every = ((choices - exact[output]) @ inputs.T).var(axis=1)
        errors += [*(((codes[output] - exact[output]) @ inputs.T).var() for codes in (found, plain)), every.min()]
    assert errors[0] < 0.7 * errors[1], "nearest rounding is no match for it"
    assert errors[0] < 1.2 * errors[2]


def test_biases_in_order_alone_meet_the_mean_of_the_int8_inputs() -> None:
    graph = several_layers()
    nearest = int8_of(graph)
    runs = runs_of(graph, 0, 8)
    settled = round_weights(graph, nearest, runs, CorrectBiasesInOrder())
    name = graph.ops[-1].output
    scale = quantization_of(nearest, name).scale[0]

    def offset(int8_graph: Graph) -> float:
        """Greatest mean error of an output over the clips, in codes."""
        errors = [
            run_float(graph, run)[name] / scale - run_int8(int8_graph, quantize_inputs(int8_graph, run))[name]
            for run in runs
        ]
        zero_point = quantization_of(nearest, name).zero_point[0]
        return float(np.abs(np.mean(errors, axis=0) + zero_point).max())

    for tensor in nearest.tensors.values():
        if tensor.values is not None and tensor.dtype == "int8":
            assert np.array_equal(settled.values(tensor.name), tensor.values)
    assert offset(settled) < 0.5 * offset(nearest)


def test_weights_of_a_silent_input_keep_their_nearest_code() -> None:
    graph = one_layer()
    runs = [{"x": run["x"] * np.arange(8).clip(0, 1).astype(np.float32)} for run in runs_of(graph, 0, 8)]  # channel 0
    nearest = quantize_graph(graph, ranges_of(calibrate(graph, runs, len(runs))))
    rounded = round_weights(graph, nearest, runs, SETTINGS)
    name = graph.ops[0].inputs[1]
    assert rounded.values(name)[0, 0, 0, 0] == nearest.values(name)[0, 0, 0, 0]


def test_one_clip_of_one_position_leaves_the_weights_near_their_codes() -> None:
    """A global layer sees one position per clip: few samples must not bend many weights to them."""
    build = GraphBuilder(np.random.default_rng(6), x=(1, 6, 5, 4))
    graph = build.graph(build.depthwise("x", (6, 5)))
    nearest = int8_of(graph)
    rounded = round_weights(graph, nearest, runs_of(graph, 0, 2), SETTINGS)
    unseen = runs_of(graph, 100, 12)
    expected = float_outputs(graph, unseen)
    assert output_error(expected, rounded, unseen).mean < 2 * output_error(expected, nearest, unseen).mean


def test_without_clips_nothing_can_be_rounded() -> None:
    graph = one_layer()
    with pytest.raises(QuantizationError, match="no calibration clip"):
        round_weights(graph, int8_of(graph), [], SETTINGS)
