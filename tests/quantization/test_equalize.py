"""Rescaling of unlike concatenated features: exact in real arithmetic, of the better sign, only where absorbed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import DepthwiseConv2D, Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.equalize import rescale_by, rescale_concatenations
from quantization.observers import Range, ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import sqnr_db
from tests.graph.small_graphs import FloatArray, GraphBuilder, float_graphs, random_inputs

SHAPE = (1, 8, 6, 1)
LOG_MEL, WAVEGRAM = Range(-64, 19), Range(0, 9)


def builder() -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(4), log_mel=SHAPE, wavegram=SHAPE)


def features(seed: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    return {
        "log_mel": rng.uniform(LOG_MEL.low, LOG_MEL.high, SHAPE).astype(np.float32),
        "wavegram": rng.uniform(WAVEGRAM.low, WAVEGRAM.high, SHAPE).astype(np.float32),
    }


def attended(build: GraphBuilder) -> Graph:
    """The reference model's pattern: the concatenation is read by a depthwise convolution, and through Mul and Pad."""
    joined = build.concat(["log_mel", "wavegram"])
    gate = build.unary("logistic", build.conv(build.depthwise(joined, (3, 3), padding=Padding(1, 1, 1, 1)), 2))
    product = build.pad(build.mul(joined, gate), Padding(1, 1, 1, 0))
    return build.graph(build.conv(product, 4, (3, 3), (2, 2)))


def assumed_ranges(graph: Graph, **observed: Range) -> dict[str, Range]:
    return dict.fromkeys(graph.activations(), Range(-1, 1)) | observed


def assert_same_function(before: Graph, after: Graph) -> None:
    for seed in range(3):
        exact, found = (run_float(graph, features(seed))[graph.outputs[0]] for graph in (before, after))
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5 * float(np.abs(exact).max()))


def test_rescaled_graph_computes_the_same() -> None:
    graph = attended(builder())
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    assert factors == {"wavegram": pytest.approx(-64 / 9)}  # log-Mel is mostly negative and the Wavegram is not
    assert_same_function(graph, after)
    joined = run_float(after, features(0))["t0"]
    assert joined[..., 1].min() < -50
    assert joined[..., 1].max() <= 0
    assert len(after.ops) == len(graph.ops) + 1


def test_rescaling_raises_the_sqnr_of_the_narrow_feature() -> None:
    """Its own channel of the concatenation, before and after."""

    def wavegram_sqnr_db(graph: Graph) -> float:
        clips = [features(seed) for seed in range(2)]
        int8 = quantize_graph(graph, ranges_of(calibrate(graph, clips, len(clips))))
        return sqnr_db(graph, int8, clips)[graph.outputs[0]]

    build = builder()
    joined = build.concat(["log_mel", "wavegram"])
    only_wavegram = build.conv(joined, 1)
    build.weight(f"{only_wavegram}/weights", np.array([0.0, 1.0]).reshape(1, 1, 1, 2))
    build.weight(f"{only_wavegram}/bias", np.zeros(1))
    graph = build.graph(only_wavegram)
    after, _ = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    assert wavegram_sqnr_db(after) > wavegram_sqnr_db(graph) + 8


@settings(max_examples=60, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 99))
def test_rescaling_keeps_the_function_of_random_graphs(graph: Graph, seed: int) -> None:
    graph = run_float_passes(graph)
    inputs = random_inputs(graph, seed)
    after, _ = rescale_concatenations(graph, ranges_of(calibrate(graph, [inputs], 1)))
    exact, found = run_float(graph, inputs), run_float(after, inputs)
    greatest = max(1.0, *(float(np.abs(values).max()) for values in exact.values()))
    np.testing.assert_allclose(found[after.outputs[0]], exact[graph.outputs[0]], rtol=0, atol=1e-5 * greatest)


@pytest.mark.parametrize(
    ("wide", "narrow", "factor"),
    [
        (Range(-64, 19), Range(0, 9), -64 / 9),
        (Range(-19, 64), Range(0, 9), 64 / 9),
        (Range(-64, 19), Range(-9, 0), 64 / 9),
        (Range(-64, 19), Range(-2, 1), 19.0),
        (Range(-64, 20), Range(-1, 8), -8.0),
        (Range(-100, -60), Range(0, 10), -10.0),  # the quantized range holds zero
        (Range(60, 100), Range(-3, 0), -100 / 3),
    ],
)
def test_factor_is_the_greatest_of_either_sign_that_stays_inside(wide: Range, narrow: Range, factor: float) -> None:
    graph = attended(builder())
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=wide, wavegram=narrow))
    assert factors == {"wavegram": pytest.approx(factor)}
    assert_same_function(graph, after)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (Range(-64, 19), Range(-60, 18)),  # less than 2 dB to gain
        (Range(-64, 0), Range(-9, 1)),  # the widest has one sign, the other both
        (Range(0, 0), Range(0, 0)),
    ],
)
def test_input_without_enough_to_gain_keeps_its_scale(wide: Range, narrow: Range) -> None:
    graph = attended(builder())
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=wide, wavegram=narrow))
    assert factors == {}
    assert after.ops == graph.ops


@pytest.mark.parametrize("reader", ["elu", "add", "prelu", "pool", "output", "behind a mul", "one of two readers"])
def test_input_that_some_reader_cannot_absorb_is_left_alone(reader: str) -> None:
    build = builder()
    joined = build.concat(["log_mel", "wavegram"])
    match reader:
        case "elu":
            output = build.conv(build.unary("elu", joined), 1)
        case "add":
            output = build.conv(build.add(joined, joined), 1)
        case "prelu":
            output = build.conv(build.prelu(joined), 1)
        case "pool":
            output = build.conv(build.pool(joined, (2, 2), (1, 1)), 1)
        case "output":
            output = joined
        case "behind a mul":
            output = build.prelu(build.mul(joined, joined))
        case _:
            output = build.conv(build.unary("elu", joined), 1)
            build.conv(joined, 1)
    graph = build.graph(output)
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    assert factors == {}
    assert after.ops == graph.ops
    for name, tensor in graph.tensors.items():
        np.testing.assert_array_equal(after.tensors[name].values, tensor.values)


def test_tensor_that_is_concatenated_twice_is_left_alone() -> None:
    build = builder()
    first, second = build.concat(["log_mel", "wavegram"]), build.concat(["wavegram", "log_mel"])
    graph = build.graph(build.add(build.conv(first, 1), build.conv(second, 1)))
    _, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    assert factors == {}


def test_square_of_the_concatenation_is_absorbed_as_a_square() -> None:
    build = builder()
    joined = build.concat(["log_mel", "wavegram"])
    graph = build.graph(build.conv(build.mul(joined, joined), 2))
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    assert set(factors) == {"wavegram"}
    assert_same_function(graph, after)


def test_known_factors_give_the_same_graph_again() -> None:
    graph = attended(builder())
    after, factors = rescale_concatenations(graph, assumed_ranges(graph, log_mel=LOG_MEL, wavegram=WAVEGRAM))
    again = rescale_by(graph, factors)
    assert again.ops == after.ops
    assert isinstance(after.ops[0], DepthwiseConv2D)
    for name, tensor in after.tensors.items():
        np.testing.assert_array_equal(again.tensors[name].values, tensor.values)


def test_known_factor_that_the_graph_cannot_take_is_refused() -> None:
    build = builder()
    graph = build.graph(build.concat(["log_mel", "wavegram"]))
    with pytest.raises(GraphError, match="input wavegram of t0 can't be rescaled; export the network again"):
        rescale_by(graph, {"wavegram": -7.0})
