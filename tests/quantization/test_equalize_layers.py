"""Equalization before plain convolutions: it pays where activations and weights are unlike, and else does nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Padding
from quantization.calibrate import calibrate
from quantization.channel_groups import channel_groups, scale_channels, scaled_statistics
from quantization.equalize_layers import layer_factors, predicted_noise
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import sqnr_db
from tests.graph.small_graphs import GraphBuilder, random_inputs

SHAPE = (1, 24, 16, 8)
N_CLIPS = 3
UNLIKE = np.array([1.0, 0.02, 0.5, 0.05, 2.0, 0.1])


def grow(build: GraphBuilder, name: str, factors: NDArray[np.float64]) -> None:
    values = build.tensors[name].values
    assert values is not None
    build.weight(name, values.astype(np.float64) * factors)


def two_convolutions(sizes: NDArray[np.float64]) -> Graph:
    """Convolution to channels of these sizes, PReLU, convolution that evens them out."""
    build = GraphBuilder(np.random.default_rng(3), x=SHAPE)
    inner = build.conv("x", len(sizes), (3, 3))
    grow(build, f"{inner}/weights", sizes[:, None, None, None])
    grow(build, f"{inner}/bias", sizes)
    last = build.conv(build.prelu(inner), 4, (3, 3))
    grow(build, f"{last}/weights", 1 / sizes)
    return build.graph(last)


def residual_block(sizes: NDArray[np.float64]) -> Graph:
    """A stream of channels of these sizes, to which a block adds its own."""
    build = GraphBuilder(np.random.default_rng(3), x=SHAPE)
    stream = build.conv("x", len(sizes))
    spread = build.depthwise(build.prelu(build.conv(stream, 8)), (3, 3), padding=Padding(1, 1, 1, 1))
    added = build.conv(spread, len(sizes))
    for name in (stream, added):
        grow(build, f"{name}/weights", sizes[:, None, None, None])
        grow(build, f"{name}/bias", sizes)
    last = build.conv(build.add(stream, added), 4)
    for name in (f"{last}/weights", "t1/weights"):
        grow(build, name, 1 / sizes)
    return build.graph(last)


NETWORKS = {"two convolutions": two_convolutions, "residual block": residual_block}


@pytest.mark.parametrize("name", NETWORKS)
def test_unlike_channels_are_balanced_and_the_output_gains(name: str) -> None:
    graph = NETWORKS[name](UNLIKE)
    clips = [random_inputs(graph, seed) for seed in range(N_CLIPS)]
    statistics = calibrate(graph, clips, N_CLIPS)
    factors = layer_factors(graph, statistics)
    assert "t0" in factors
    balanced = scale_channels(graph, factors)
    grown = scaled_statistics(graph, statistics, factors)
    (output,) = graph.outputs
    np.testing.assert_allclose(
        run_float(balanced, clips[0])[output], run_float(graph, clips[0])[output], rtol=1e-3, atol=1e-3
    )
    plain, gained = (
        sqnr_db(each, quantize_graph(each, ranges_of(seen)), clips)[output]
        for each, seen in ((graph, statistics), (balanced, grown))
    )
    assert gained > plain + 3


def test_channels_of_one_size_are_left_as_they_are() -> None:
    graph = two_convolutions(np.ones(6))
    statistics = calibrate(graph, [random_inputs(graph, seed) for seed in range(N_CLIPS)], N_CLIPS)
    group = channel_groups(graph)["t0"]
    factors = layer_factors(graph, statistics).get("t0", np.ones(6))
    assert factors.max() < 4, "random weights differ a little"
    assert predicted_noise(graph, group, statistics, factors) <= predicted_noise(graph, group, statistics, np.ones(6))


@pytest.mark.parametrize("exponent", [0.25, 0.5, 1.0])
def test_predicted_noise_is_what_int8_shows(exponent: float) -> None:
    """The model of the choice, against the output of the reader alone, within a factor of two."""
    graph = two_convolutions(UNLIKE)
    clips = [random_inputs(graph, seed) for seed in range(N_CLIPS)]
    statistics = calibrate(graph, clips, N_CLIPS)
    factors = UNLIKE**-exponent
    predicted = predicted_noise(graph, channel_groups(graph)["t0"], statistics, factors)
    scaled, grown = scale_channels(graph, {"t0": factors}), scaled_statistics(graph, statistics, {"t0": factors})
    measured = sqnr_db(scaled, quantize_graph(scaled, ranges_of(grown)), clips)[graph.outputs[0]]
    assert measured == pytest.approx(-10 * np.log10(predicted), abs=3)


def test_a_dead_network_keeps_its_factors_finite() -> None:
    build = GraphBuilder(np.random.default_rng(5), x=SHAPE)
    dead = build.conv("x", 3)
    build.weight(f"{dead}/weights", np.zeros((3, 1, 1, 8)))
    build.weight(f"{dead}/bias", np.zeros(3))
    graph = build.graph(build.conv(dead, 2))
    statistics = calibrate(graph, [random_inputs(graph, 0)], 1)
    assert all(np.isfinite(factors).all() for factors in layer_factors(graph, statistics).values())
