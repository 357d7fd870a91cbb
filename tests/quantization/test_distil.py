"""Distillation brings the int8 network nearer to its teacher, and what it returns is what it has trained."""

from dataclasses import replace

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import LeakyRelu, PRelu
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.distil import distil
from quantization.factors import quantization_of
from quantization.observers import ranges_of
from quantization.output_error import float_outputs, output_error
from quantization.quantize_graph import quantize_graph
from quantization.recipe import Distil, RoundWeights
from quantization.round_weights import round_weights
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs

N_RUNS = 16


def runs_of(graph: Graph, first: int = 0, n_runs: int = N_RUNS) -> list[dict[str, FloatArray]]:
    return [random_inputs(graph, seed) for seed in range(first, first + n_runs)]


def network() -> Graph:
    """Convolution, PReLU, depthwise, PReLU and an embedding of 8 values."""
    build = GraphBuilder(np.random.default_rng(4), x=(1, 8, 6, 3))
    x = build.prelu(build.conv("x", 8, (3, 3)))
    x = build.prelu(build.depthwise(x, (3, 3)))
    return run_float_passes(build.graph(build.conv(build.depthwise(x, (4, 2)), 8)))


def lowered(graph: Graph) -> Graph:
    """The same network with one slope for all channels of a PReLU, the mean."""
    ops = tuple(
        LeakyRelu(op.inputs[:1], op.output, float(graph.values(op.inputs[1]).mean())) if isinstance(op, PRelu) else op
        for op in graph.ops
    )
    return replace(graph, ops=ops)


def int8_of(graph: Graph) -> Graph:
    return quantize_graph(graph, ranges_of(calibrate(graph, runs_of(graph), N_RUNS)))


def mean_error(teacher: Graph, int8_graph: Graph) -> float:
    """On clips that no training has seen."""
    unseen = runs_of(teacher, first=1000)
    return output_error(float_outputs(teacher, unseen), int8_graph, unseen).mean


def test_a_lowered_network_learns_to_give_its_teachers_output() -> None:
    teacher = network()
    student = lowered(teacher)
    int8_graph = int8_of(student)
    _, trained = distil(student, int8_graph, runs_of(student), Distil(epochs=25, learning_rate=0.1), teacher=teacher)
    assert mean_error(teacher, trained) < 0.7 * mean_error(teacher, int8_graph)


def test_the_float_graph_holds_the_weights_behind_the_codes() -> None:
    graph = network()
    int8_graph = int8_of(graph)
    trained_float, trained = distil(graph, int8_graph, runs_of(graph), Distil(epochs=4, learning_rate=0.1))
    assert trained.ops == graph.ops
    for name, tensor in trained.tensors.items():
        assert tensor.quantization is int8_graph.tensors[name].quantization
        if tensor.dtype == "int8" and tensor.values is not None:
            quantization = quantization_of(trained, name)
            axis = quantization.axis
            shape = [-1 if index == axis else 1 for index in range(tensor.values.ndim)]
            codes = np.rint(trained_float.values(name).astype(np.float64) / quantization.scale.reshape(shape)).clip(
                -127, 127
            )
            assert np.count_nonzero(codes != tensor.values) <= 0.001 * codes.size, "but for ties of float32"
    assert np.any(trained.values("t0/weights") != int8_graph.values("t0/weights"))


def test_it_starts_from_the_codes_that_it_is_given() -> None:
    """Those of learned rounding aren't the nearest ones."""
    graph = network()
    rounded = round_weights(graph, int8_of(graph), runs_of(graph), RoundWeights(iterations=20))
    _, trained = distil(graph, rounded, runs_of(graph), Distil(epochs=1, learning_rate=1e-6))
    assert any(np.any(rounded.tensors[name].values != tensor.values) for name, tensor in int8_of(graph).tensors.items())
    for name, tensor in rounded.tensors.items():
        if tensor.values is not None:
            assert np.array_equal(trained.values(name), tensor.values), name


def test_the_same_seed_gives_the_same_network() -> None:
    graph = network()
    int8_graph = int8_of(graph)
    settings = Distil(epochs=2, learning_rate=0.1, batch_size=5)
    first, second, other = (
        distil(graph, int8_graph, runs_of(graph), replace(settings, seed=seed))[1] for seed in (1, 1, 2)
    )
    weights = [tensor.name for tensor in first.tensors.values() if tensor.values is not None]
    assert all(np.array_equal(first.values(name), second.values(name)) for name in weights)
    assert any(np.any(first.values(name) != other.values(name)) for name in weights)


def test_without_clips_or_with_a_rate_beyond_all_measure_it_is_refused() -> None:
    graph = network()
    int8_graph = int8_of(graph)
    with pytest.raises(QuantizationError, match="no clip to distil with"):
        distil(graph, int8_graph, [], Distil())
