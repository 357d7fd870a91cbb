"""Equalized channels change no output, fill their tensor's int8 range, and cost the weights nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation, Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.channel_groups import scale_channels, scaled_statistics
from quantization.equalize_channels import channel_factors
from quantization.observers import ChannelStatistics, ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import sqnr_db
from tests.graph.small_graphs import FloatArray, GraphBuilder, float_graphs, random_inputs

SHAPE = (1, 12, 10, 3)


SIZES = np.array([1.0, 0.3, 0.1, 0.03, 2.0, 0.5])


def bottleneck(seed: int = 3) -> Graph:
    """Expansion to channels of unlike size, PReLU, a depthwise convolution that evens them out, PReLU, projection."""
    build = GraphBuilder(np.random.default_rng(seed), x=SHAPE)
    expanded = build.conv("x", 6)
    grow(build, f"{expanded}/weights", SIZES[:, None, None, None])
    grow(build, f"{expanded}/bias", SIZES)
    spread = build.depthwise(build.pad(build.prelu(expanded), Padding(1, 1, 1, 0)), (3, 3), (2, 1))
    grow(build, f"{spread}/weights", 1 / SIZES)
    return build.graph(build.conv(build.prelu(spread), 4))


def grow(build: GraphBuilder, name: str, factors: NDArray[np.float64]) -> None:
    values = build.tensors[name].values
    assert values is not None
    build.weight(name, values.astype(np.float64) * factors)


def clips(graph: Graph, n_clips: int = 3) -> list[dict[str, FloatArray]]:
    return [random_inputs(graph, seed) for seed in range(n_clips)]


def equalized(graph: Graph) -> tuple[Graph, dict[str, ChannelStatistics], dict[str, ChannelStatistics]]:
    """The graph, its statistics before and after."""
    before = calibrate(graph, clips(graph), 3)
    factors = channel_factors(graph, before)
    return scale_channels(graph, factors), before, scaled_statistics(graph, before, factors)


def test_every_channel_before_a_depthwise_convolution_fills_the_range() -> None:
    graph, before, after = equalized(bottleneck())
    shares = [np.maximum(np.abs(seen.low), np.abs(seen.high)) for seen in (before["t0"], after["t0"])]
    shares = [share / share.max() for share in shares]
    assert shares[0].min() < 0.05
    assert shares[1].min() > 0.5, "PReLU's negative half may hold a channel back, no more"
    measured = calibrate(graph, clips(graph), 3)
    for name, predicted in after.items():
        np.testing.assert_allclose(measured[name].mean, predicted.mean, rtol=1e-4, atol=1e-5)
        assert measured[name].range.high == pytest.approx(predicted.range.high, rel=1e-5)


def test_half_of_the_way_leaves_each_channel_the_root_of_its_share() -> None:
    graph = bottleneck()
    statistics = calibrate(graph, clips(graph), 3)
    whole, half = (channel_factors(graph, statistics, exponent) for exponent in (1.0, 0.5))
    assert list(whole) == list(half)
    for name, factors in whole.items():
        np.testing.assert_allclose(half[name] ** 2, factors, rtol=1e-12)


def test_equalization_raises_the_signal_to_noise_ratio_of_the_small_channels() -> None:
    before = bottleneck()
    after, plain, grown = equalized(before)
    ratios = [
        sqnr_db(graph, quantize_graph(graph, ranges_of(statistics)), clips(graph))
        for graph, statistics in ((before, plain), (after, grown))
    ]
    output = before.outputs[0]
    assert ratios[1][output] > ratios[0][output] + 3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 2**32 - 1))
def test_equalization_changes_no_output(graph: Graph, seed: int) -> None:
    graph = run_float_passes(graph)
    after, _, _ = equalized(graph)
    inputs = random_inputs(graph, seed)
    expected, found = run_float(graph, inputs), run_float(after, inputs)
    for name in graph.outputs:
        scale = max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(found[name] / scale, expected[name] / scale, rtol=0, atol=2e-5)


@pytest.mark.parametrize("reader", ["conv", "elu", "both", "relu6", "relu_n1_to_1", "output"])
def test_what_can_not_be_equalized_for_nothing_is_left_alone(reader: str) -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    bounds = {"relu6": Activation.RELU6, "relu_n1_to_1": Activation.RELU_N1_TO_1}
    source = build.conv("x", 4, activation=bounds.get(reader, Activation.RELU))
    outputs = [build.conv(source, 2)] if reader == "conv" else []
    outputs += [build.depthwise(build.unary("elu", source))] if reader == "elu" else []
    outputs += [build.depthwise(source), build.conv(source, 2)] if reader == "both" else []
    outputs += [build.depthwise(source)] if reader in bounds else []
    outputs += [build.depthwise(source), source] if reader == "output" else []
    graph = build.graph(*outputs)
    assert source not in channel_factors(graph, calibrate(graph, clips(graph), 3))


def test_a_dead_channel_is_not_blown_up() -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    source = build.conv("x", 2)
    build.weight(f"{source}/weights", np.array([1.0, 0.0]).reshape(2, 1, 1, 1) * np.ones((2, 1, 1, 3)))
    build.weight(f"{source}/bias", np.zeros(2))
    graph = build.graph(build.depthwise(source))
    (factors,) = channel_factors(graph, calibrate(graph, clips(graph), 3)).values()
    assert factors.tolist() == [1.0, 64.0]
