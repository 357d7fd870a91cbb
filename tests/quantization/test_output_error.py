"""What int8 costs an output: the angle of an embedding, the squared error of a reconstruction."""

import numpy as np
import pytest

from asd_edge.graph.graph import Graph, Tensor, float_weight, with_ops
from asd_edge.graph.interpret_float import run_float
from quantization.calibrate import calibrate
from quantization.interpret_int8 import run_int8
from quantization.observers import ranges_of
from quantization.output_error import COSINE, SQUARED, error_measure, float_outputs, output_error
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import quantize_inputs
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs


def network(n_outputs: int) -> Graph:
    build = GraphBuilder(np.random.default_rng(4), x=(1, 6, 1, 20))
    return build.graph(build.conv(build.prelu(build.conv("x", 12)), n_outputs))


@pytest.mark.parametrize(("n_outputs", "measure"), [(5, COSINE), (20, SQUARED)])
def test_mean_and_worst_are_those_of_the_clips(n_outputs: int, measure: str) -> None:
    graph = network(n_outputs)
    assert error_measure(graph) == measure
    clips = [random_inputs(graph, seed) for seed in range(4)]
    int8_graph = quantize_graph(graph, ranges_of(calibrate(graph, clips, 4)))
    errors = []
    for clip in clips:
        exact, found = run_float(graph, clip)["t2"].ravel(), dequantized(int8_graph, clip)
        cosine = exact @ found / np.linalg.norm(exact) / np.linalg.norm(found)
        errors.append(1 - cosine if measure == COSINE else np.square(found - exact).sum() / np.square(exact).sum())
    found_error = output_error(float_outputs(graph, clips), int8_graph, clips)
    assert found_error.mean == pytest.approx(np.mean(errors), rel=1e-3)
    assert found_error.worst == pytest.approx(np.max(errors), rel=1e-3)
    assert 0 < found_error.mean < found_error.worst


def dequantized(int8_graph: Graph, clip: dict[str, FloatArray]) -> FloatArray:
    quantization = int8_graph.tensors["t2"].quantization
    assert quantization is not None
    codes = run_int8(int8_graph, quantize_inputs(int8_graph, clip))["t2"].ravel()
    return np.asarray((codes.astype(np.float32) - quantization.zero_point[0]) * quantization.scale[0])


@pytest.mark.parametrize("n_outputs", [5, 20])
def test_an_output_of_zeros_is_as_wrong_as_can_be(n_outputs: int) -> None:
    graph = network(n_outputs)
    clips = [random_inputs(graph, 0)]
    silent = with_ops(graph, graph.ops, tuple(zeros(graph.tensors[f"t2/{part}"]) for part in ("weights", "bias")))
    int8_graph = quantize_graph(silent, ranges_of(calibrate(silent, clips, 1)))
    assert output_error(float_outputs(graph, clips), int8_graph, clips).worst == pytest.approx(1.0)
    assert output_error(float_outputs(silent, clips), int8_graph, clips).worst == 0.0


def zeros(tensor: Tensor) -> Tensor:
    return float_weight(tensor.name, np.zeros(tensor.shape))
