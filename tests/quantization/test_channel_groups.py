"""Groups of channels: any positive factors leave every output as it was, and what can't take factors in is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation, Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.channel_groups import channel_groups, scale_channels, scaled_statistics
from tests.graph.small_graphs import GraphBuilder, float_graphs, random_inputs

SHAPE = (1, 12, 10, 3)
CHANNELS = 5


def residual_network() -> Graph:
    """Two residual blocks between a first convolution and a last, as the classifier has them."""
    build = GraphBuilder(np.random.default_rng(3), x=SHAPE)
    stream = build.prelu(build.conv("x", CHANNELS, (3, 3)))
    for _ in range(2):
        inner = build.prelu(build.conv(stream, 7))
        spread = build.prelu(build.depthwise(inner, (3, 3), padding=Padding(1, 1, 1, 1)))
        stream = build.add(stream, build.conv(spread, CHANNELS))
    return build.graph(build.conv(stream, 4))


def random_factors(graph: Graph, seed: int) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {name: np.exp(rng.normal(0, 1.5, graph.tensors[name].shape[3])) for name in channel_groups(graph)}


def test_a_residual_stream_is_one_group() -> None:
    graph = residual_network()
    groups = channel_groups(graph)
    stream = groups["t0"]
    assert stream.names == ("t0", "t1", "t6", "t7", "t12", "t13")
    assert [op.output for op in stream.producers] == ["t0", "t6", "t12"]
    assert [op.output for op in stream.readers] == ["t2", "t8", "t14"]
    assert [len(group.names) for name, group in groups.items() if name != "t0"] == [2, 2, 2, 2]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 2**32 - 1))
def test_no_factor_changes_an_output(graph: Graph, seed: int) -> None:
    graph = run_float_passes(graph)
    scaled = scale_channels(graph, random_factors(graph, seed))
    inputs = random_inputs(graph, seed)
    expected, found = run_float(graph, inputs), run_float(scaled, inputs)
    for name in graph.outputs:
        scale = max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(found[name] / scale, expected[name] / scale, rtol=0, atol=5e-5)


def test_scaled_statistics_are_those_of_the_scaled_graph() -> None:
    graph = residual_network()
    clips = [random_inputs(graph, seed) for seed in range(3)]
    factors = random_factors(graph, 1)
    predicted = scaled_statistics(graph, calibrate(graph, clips, 3), factors)
    measured = calibrate(scale_channels(graph, factors), clips, 3)
    for name, seen in measured.items():
        for attribute in ("low", "high", "mean", "mean_square"):
            found, expected = getattr(seen, attribute), getattr(predicted[name], attribute)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max()))


LEFT_ALONE = {
    "relu6": lambda build, x: build.conv(build.relu6(x), 2),
    "elu": lambda build, x: build.conv(build.unary("elu", x), 2),
    "logistic": lambda build, x: build.conv(build.unary("logistic", x), 2),
    "product": lambda build, x: build.conv(build.mul(x, x), 2),
    "sum bounded at 6": lambda build, x: build.conv(build.add(x, x, Activation.RELU6), 2),
    "sum with the input": lambda build, x: build.conv(build.add(x, "x"), 2),
    "sum with a constant": lambda build, x: build.conv(build.add(x, build.weight("c", np.ones((1, 1, 1, 3)))), 2),
    "concatenation": lambda build, x: build.conv(build.concat([x, x]), 2),
    "reshape": lambda build, x: build.conv(build.reshape(x, (1, 10, 12, 3)), 2),
    "output of the network": lambda build, x: build.prelu(x),
    "bounded producer": lambda build, x: build.conv(build.depthwise(x, activation=Activation.RELU_N1_TO_1), 2),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_what_does_not_commute_with_factors_is_left_alone(case: str) -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    graph = build.graph(LEFT_ALONE[case](build, build.conv("x", 3)))
    assert set(channel_groups(graph)) <= ({"t0"} if case == "bounded producer" else set())


def test_a_lowered_prelu_is_one_group_with_what_it_reads() -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    source = build.conv("x", 6)
    scaled = build.depthwise(source)
    build.weight(f"{scaled}/bias", np.zeros(6))
    graph = build.graph(build.depthwise(build.maximum(source, scaled)))
    (group,) = channel_groups(graph).values()
    assert (len(group.names), len(group.producers), len(group.readers)) == (3, 1, 1)
    inputs = random_inputs(graph, 4)
    (output,) = graph.outputs
    found = run_float(scale_channels(graph, random_factors(graph, 2)), inputs)[output]
    np.testing.assert_allclose(found, run_float(graph, inputs)[output], rtol=1e-4, atol=1e-4)


def test_layers_of_every_kind_take_factors_in() -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    pooled = build.pool(build.leaky_relu(build.conv("x", 6), 0.2), (2, 2), (2, 2), largest=True)
    vector = build.fully_connected(build.mean(pooled, (1,)), 8, Activation.RELU)
    graph = build.graph(build.fully_connected(vector, 3))
    assert {name: len(group.names) for name, group in channel_groups(graph).items()} == {"t0": 4, vector: 1}
    inputs = random_inputs(graph, 4)
    (output,) = graph.outputs
    found = run_float(scale_channels(graph, random_factors(graph, 2)), inputs)[output]
    np.testing.assert_allclose(found, run_float(graph, inputs)[output], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["t2", "nowhere"])
def test_factors_of_another_graph_are_refused_by_name(name: str) -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    graph = build.graph(build.conv(build.unary("elu", build.conv("x", 3)), 2))
    with pytest.raises(GraphError, match=rf"activation {name} can't be equalized"):
        scale_channels(graph, {name: np.ones(3)})
