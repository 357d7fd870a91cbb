"""SQNR per activation: the definition on numbers that can be worked out by hand."""

import math

import numpy as np
import pytest

from asd_edge.graph.graph import Graph
from quantization.observers import Range
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import quantize_inputs, sqnr_db
from tests.graph.small_graphs import FloatArray, GraphBuilder


def doubling() -> tuple[Graph, Graph]:
    """y = x + x and its int8 form with scale 1 for x, 2 for y."""
    build = GraphBuilder(np.random.default_rng(0), x=(1, 2, 1, 1))
    graph = build.graph(build.add("x", "x"))
    return graph, quantize_graph(graph, {"x": Range(-128, 127), "t0": Range(-256, 254)})


def clip(*values: float) -> dict[str, FloatArray]:
    return {"x": np.array(values, np.float32).reshape(1, 2, 1, 1)}


def test_inputs_are_quantized_at_their_scale() -> None:
    _, int8 = doubling()
    assert quantize_inputs(int8, clip(3.4, -500))["x"].ravel().tolist() == [3, -128]


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        ([clip(3, 4)], math.inf),
        ([clip(3.25, 4)], 10 * math.log10((3.25**2 + 4**2) / 0.25**2)),
        ([clip(3.25, 4), clip(0, 0.25)], 10 * math.log10((3.25**2 + 4**2 + 0.25**2) / (2 * 0.25**2))),
    ],
)
def test_sqnr_sums_signal_and_noise_over_all_clips(clips: list[dict[str, FloatArray]], expected: float) -> None:
    found = sqnr_db(*doubling(), clips)
    assert list(found) == ["x", "t0"]
    assert found["x"] == pytest.approx(expected)
    assert found["t0"] == pytest.approx(expected)  # twice the signal, twice the error


def test_noise_without_signal_is_not_called_exact() -> None:
    build = GraphBuilder(np.random.default_rng(0), x=(1, 2, 1, 1))
    negated = build.depthwise("x")
    build.weight(f"{negated}/weights", np.full((1, 1, 1, 1), -1.0))
    build.weight(f"{negated}/bias", np.zeros(1))
    graph = build.graph(build.add("x", negated))  # zero in real arithmetic; the two operands' codes differ
    int8 = quantize_graph(graph, {"x": Range(-128, 127), negated: Range(-100, 200), "t1": Range(-3, 3)})
    assert sqnr_db(graph, int8, [clip(100, 77)])["t1"] == -math.inf
