"""ELU in other operators: how far from ELU, over all of its domain."""

import numpy as np

from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.lower_elu import GREATEST_ERROR, lower_elus
from quantization.calibrate import calibrate
from quantization.interpret_int8 import run_int8
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import quantize_inputs
from tests.graph.small_graphs import FloatArray, GraphBuilder
from tests.graph.test_passes import assert_holds_only_what_it_uses, kinds


def elu(x: FloatArray) -> FloatArray:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))


def values(low: float, high: float, n_values: int) -> FloatArray:
    return np.linspace(low, high, n_values, dtype=np.float32).reshape(1, 1, -1, 1)


def test_error_is_as_stated_and_no_less() -> None:
    x = values(-40, 40, 80_001)
    build = GraphBuilder(np.random.default_rng(0), x=x.shape)
    graph = lower_elus(build.graph(build.unary("elu", "x")))
    assert_holds_only_what_it_uses(graph)
    assert kinds(graph) == ["DepthwiseConv2D", "DepthwiseConv2D", "Logistic", "DepthwiseConv2D", "Maximum"]
    found = run_float(graph, {"x": x})[graph.outputs[0]]
    error = np.abs(found - elu(x))
    assert 0.98 * GREATEST_ERROR < error.max() < GREATEST_ERROR
    np.testing.assert_allclose(found[x >= 0], x[x >= 0], rtol=0, atol=1e-6)


def test_int8_error_is_within_one_step_of_elu_in_float() -> None:
    """Over values in -1.5..15, as the attention's are: a step of 0.065, of which the input alone may take half."""
    x = values(-1.5, 15, 4096)
    build = GraphBuilder(np.random.default_rng(0), x=x.shape)
    graph = lower_elus(build.graph(build.unary("elu", "x")))
    int8_graph = quantize_graph(graph, ranges_of(calibrate(graph, [{"x": x}], 1)))
    codes = run_int8(int8_graph, quantize_inputs(int8_graph, {"x": x}))[graph.outputs[0]]
    quantization = int8_graph.tensors[graph.outputs[0]].quantization
    assert quantization is not None
    step = quantization.scale[0]
    found = (codes.astype(np.float64) - quantization.zero_point[0]) * step
    assert np.abs(found - elu(x)).max() < step
