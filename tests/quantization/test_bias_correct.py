"""Corrected biases take out the mean error of rounded weights, and nothing else is touched."""

import numpy as np
import pytest

from asd_edge.graph.graph import Graph
from quantization.bias_correct import correct_biases
from quantization.calibrate import calibrate
from quantization.interpret_int8 import run_int8
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import quantize_inputs
from tests.graph.small_graphs import FloatArray, GraphBuilder

SHAPE = (1, 40, 16, 3)
MEAN = -30.0  # as log-Mel's, in dB


def clips() -> list[dict[str, FloatArray]]:
    rng = np.random.default_rng(8)
    return [{"x": (MEAN + rng.normal(0, 3, SHAPE)).astype(np.float32)} for _ in range(4)]


def mean_errors(float_graph: Graph, int8_graph: Graph) -> FloatArray:
    """(n_outputs,) mean of int8 minus float over all clips, in real units."""
    name = float_graph.outputs[0]
    statistics = calibrate(float_graph, clips(), 4)
    quantization = int8_graph.tensors[name].quantization
    assert quantization is not None
    codes = [run_int8(int8_graph, quantize_inputs(int8_graph, clip))[name] for clip in clips()]
    means = np.mean([code.astype(np.float64).mean(axis=(0, 1, 2)) for code in codes], axis=0)
    return np.asarray((means - quantization.zero_point[0]) * quantization.scale[0] - statistics[name].mean, np.float32)


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_the_mean_error_of_rounded_weights_goes(kind: str) -> None:
    build = GraphBuilder(np.random.default_rng(2), x=SHAPE)
    graph = build.graph(build.conv("x", 8, (3, 3)) if kind == "conv" else build.depthwise("x", (3, 3)))
    statistics = calibrate(graph, clips(), 4)
    plain = quantize_graph(graph, ranges_of(statistics))
    corrected = correct_biases(graph, plain, statistics)
    before, after = (float(np.abs(mean_errors(graph, int8)).max()) for int8 in (plain, corrected))
    quantization = plain.tensors[graph.outputs[0]].quantization
    assert quantization is not None
    assert before > 0.3 * quantization.scale[0]
    assert after < 0.5 * before


def test_only_biases_change() -> None:
    build = GraphBuilder(np.random.default_rng(2), x=SHAPE)
    graph = build.graph(build.prelu(build.conv("x", 4, (3, 3))))
    statistics = calibrate(graph, clips(), 4)
    plain = quantize_graph(graph, ranges_of(statistics))
    corrected = correct_biases(graph, plain, statistics)
    changed = [
        name
        for name, tensor in plain.tensors.items()
        if tensor.values is not None and not np.array_equal(tensor.values, corrected.tensors[name].values)  # type: ignore[arg-type]
    ]
    assert changed == ["t0/bias"]
    assert corrected.tensors["t0/bias"].values is not None
    assert corrected.tensors["t0/bias"].values.dtype == np.int32
