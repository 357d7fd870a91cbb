"""Float graph -> int8 graph: TFLite's quantization spec rule by rule; random graphs that equal LiteRT bit for bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph, Quantization
from asd_edge.graph.ops import (
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Logistic,
    MaxPool2D,
    Pad,
    PRelu,
    Reshape,
)
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.observers import Range, ranges_of
from quantization.quantize_graph import activation_quantization, quantize_graph
from quantization.sqnr import quantize_inputs, sqnr_db
from tests.bit_exact import differing_bytes
from tests.graph.small_graphs import GraphBuilder, float_graphs, random_inputs

N_CLIPS = 2


def quantized(graph: Graph) -> Graph:
    clips = [random_inputs(graph, seed) for seed in range(N_CLIPS)]
    return quantize_graph(graph, ranges_of(calibrate(graph, clips, N_CLIPS)))


def of(graph: Graph, name: str) -> Quantization:
    quantization = graph.tensors[name].quantization
    assert quantization is not None, name
    return quantization


@pytest.mark.parametrize(
    ("settled", "zero_point", "scale"),
    [
        (Range(0, 255), -128, 1.0),
        (Range(-255, 0), 127, 1.0),
        (Range(-128, 127), 0, 1.0),
        (Range(0, 255 / 256), -128, 1 / 256),
        (Range(-1, 2), -43, 3 / 255),
        (Range(-1e-30, 1), -128, 1 / 255),
    ],
)
def test_activation_has_one_scale_and_an_exact_zero(settled: Range, zero_point: int, scale: float) -> None:
    quantization = activation_quantization(settled)
    assert quantization.zero_point.tolist() == [zero_point]
    assert quantization.scale.tolist() == [np.float32(scale)]
    assert quantization.scale.dtype == np.float32
    assert quantization.axis is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(low=st.floats(-1e6, 0), high=st.floats(0, 1e6))
def test_codes_reach_both_ends_of_the_range_within_half_a_step(low: float, high: float) -> None:
    assume(high - low > 1e-6)
    quantization = activation_quantization(Range(low, high))
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    assert -128 <= zero_point <= 127
    assert scale * (-128 - zero_point) <= low + 0.5001 * scale
    assert scale * (127 - zero_point) >= high - 0.5001 * scale


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(graph=float_graphs(max_ops=8))
def test_random_graph_keeps_every_rule_and_equals_litert_bit_for_bit(graph: Graph) -> None:
    graph = run_float_passes(graph)
    try:
        int8 = quantized(graph)
    except QuantizationError:  # a sigmoid concatenated with other values: test_settle_ranges.py
        assert {Logistic, Concat} <= {type(op) for op in graph.ops}
        return
    assert int8.ops == graph.ops
    assert set(int8.tensors) == set(graph.tensors)
    for name in graph.activations():
        tensor = int8.tensors[name]
        assert (tensor.dtype, tensor.shape, tensor.values) == ("int8", graph.tensors[name].shape, None)
        assert -128 <= int(of(int8, name).zero_point[0]) <= 127
        assert of(int8, name).scale[0] > 0
    for op in int8.ops:
        match op:
            case Conv2D() | DepthwiseConv2D():
                weights, bias = (int8.tensors[name] for name in op.inputs[1:])
                n_outputs = int8.tensors[op.output].shape[3]
                assert (weights.dtype, bias.dtype) == ("int8", "int32")
                assert len(of(int8, weights.name).scale) == len(of(int8, bias.name).scale) == n_outputs
                expected = of(int8, op.inputs[0]).scale * of(int8, weights.name).scale
                np.testing.assert_allclose(of(int8, bias.name).scale, expected, rtol=1e-6)
            case PRelu():
                assert int8.tensors[op.inputs[1]].dtype == "int8"
                assert len(of(int8, op.inputs[1]).scale) == 1
            case Logistic():
                assert (of(int8, op.output).scale[0], of(int8, op.output).zero_point[0]) == (1 / 256, -128)
            case Concat() | Pad() | Reshape() | AveragePool2D() | MaxPool2D():
                for name in op.inputs:
                    assert of(int8, name) == of(int8, op.output) or (
                        of(int8, name).scale == of(int8, op.output).scale
                        and of(int8, name).zero_point == of(int8, op.output).zero_point
                    )
            case _:
                pass
    unseen = random_inputs(graph, 99)
    assert not any(differing_bytes(int8, quantize_inputs(int8, unseen)).values())


def test_int8_follows_float_where_the_range_is_used() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 12, 10, 3))
    x = build.prelu(build.conv("x", 16, (3, 3)))
    x = build.unary("elu", build.depthwise(x, (3, 3)))
    graph = build.graph(build.add(build.conv(x, 16), x))
    clips = [random_inputs(graph, seed) for seed in range(N_CLIPS)]
    int8 = quantized(graph)
    sqnr = sqnr_db(graph, int8, clips)
    assert list(sqnr) == list(graph.activations())
    assert min(sqnr.values()) > 25


@pytest.mark.parametrize("magnitude", [1e-3, 1.0, 1e6])
def test_dead_layer_gives_a_model_that_runs_on_clips_that_move_it(magnitude: float) -> None:
    """A sum that calibration saw at zero only: its scale must not ask LiteRT for impossible factors."""
    build = GraphBuilder(np.random.default_rng(1), x=(1, 4, 4, 2))
    x = build.conv("x", 2, (3, 3))
    graph = build.graph(build.add(build.mul(x, x), build.prelu(build.depthwise(x))))
    silence = {"x": np.zeros((1, 4, 4, 2), np.float32)}
    ranges = dict.fromkeys(graph.activations(), Range(0, 0)) | {"x": Range(-magnitude, magnitude)}
    int8 = quantize_graph(graph, ranges)
    for inputs in (silence, {"x": np.full((1, 4, 4, 2), magnitude, np.float32)}):
        assert not any(differing_bytes(int8, quantize_inputs(int8, inputs)).values())


def test_activation_that_calibration_has_not_seen_is_refused_by_name() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 4, 4, 2))
    graph = build.graph(build.conv("x", 2))
    with pytest.raises(QuantizationError, match="activation t0 has no calibrated range; calibrate the same graph"):
        quantize_graph(graph, {"x": Range(-1, 1)})


def test_weights_that_two_layers_share_are_refused_by_name() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 4, 4, 2))
    first = build.conv("x", 2)
    second = build.conv(first, 2)
    graph = build.graph(second)
    op = graph.ops[1]
    assert isinstance(op, Conv2D)
    shared = Conv2D((op.inputs[0], "t0/weights", op.inputs[2]), op.output)
    with pytest.raises(QuantizationError, match="tensor t0/weights is shared by two layers; give each its own"):
        quantize_graph(
            Graph(graph.tensors, (graph.ops[0], shared), graph.inputs, graph.outputs),
            dict.fromkeys(graph.activations(), Range(-1, 1)),
        )
