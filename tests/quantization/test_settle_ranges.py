"""The ranges that are quantized: hold zero, shared where TFLite can't rescale, wide enough for 32-bit arithmetic."""

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding
from quantization.observers import Range
from quantization.settle_ranges import LOGISTIC_RANGE, settle_ranges
from tests.graph.small_graphs import GraphBuilder


def builder() -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(0), x=(1, 4, 4, 2))


def with_ranges(graph: Graph, observed: Range = Range(-1, 1)) -> dict[str, Range]:  # noqa: B008
    return dict.fromkeys(graph.activations(), observed)


def test_every_range_holds_zero() -> None:
    build = builder()
    graph = build.graph(build.conv("x", 2))
    settled = settle_ranges(graph, {"x": Range(3, 8), "t0": Range(-4, -2)})
    assert settled == {"x": Range(0, 8), "t0": Range(-4, 0)}


def test_concat_pad_reshape_and_pooling_share_one_range_with_their_inputs() -> None:
    build = builder()
    left, right = build.conv("x", 1), build.conv("x", 1)
    joined = build.concat([left, right])
    padded = build.pad(joined, Padding(1, 0, 0, 0))
    pooled = build.pool(build.reshape(padded, (1, 4, 5, 2)), (2, 2), (1, 1))
    largest = build.pool(pooled, (1, 2), (1, 1), largest=True)
    graph = build.graph(build.conv(largest, 1))
    ranges = with_ranges(graph) | {left: Range(-3, 1), right: Range(-1, 7), largest: Range(-4, 0)}
    settled = settle_ranges(graph, ranges)
    shared = {left, right, *(op.output for op in graph.ops[2:7])}
    assert {name: settled[name] for name in shared} == dict.fromkeys(shared, Range(-4, 7))
    assert settled["x"] == Range(-1, 1)
    assert settled[graph.outputs[0]] == Range(-1, 1)


def test_tensor_in_two_concatenations_joins_their_ranges() -> None:
    build = builder()
    a, b, c = (build.conv("x", 1) for _ in range(3))
    graph = build.graph(build.add(build.concat([a, b]), build.concat([b, c])))
    settled = settle_ranges(graph, with_ranges(graph) | {a: Range(-9, 0), c: Range(0, 5)})
    assert settled[a] == settled[b] == settled[c] == Range(-9, 5)


def test_logistic_has_the_range_that_tflite_fixes() -> None:
    build = builder()
    gate = build.unary("logistic", "x")
    padded = build.pad(build.concat([gate, build.unary("logistic", "x")]), Padding(0, 1, 0, 0))
    graph = build.graph(padded)
    settled = settle_ranges(graph, with_ranges(graph, Range(0.2, 0.7)))
    assert {settled[op.output] for op in graph.ops} == {LOGISTIC_RANGE}


def test_sigmoid_concatenated_with_other_values_is_refused_by_name() -> None:
    build = builder()
    graph = build.graph(build.concat([build.unary("logistic", "x"), "x"]))
    with pytest.raises(QuantizationError, match=r"t0: a sigmoid.*-1 to 1.*1x1 convolution behind the sigmoid"):
        settle_ranges(graph, with_ranges(graph))


def test_tanh_and_softmax_have_the_ranges_that_tflite_fixes() -> None:
    build = builder()
    names = build.unary("tanh", "x"), build.softmax("x")
    graph = build.graph(*names)
    settled = settle_ranges(graph, with_ranges(graph, Range(0, 0.5)))
    assert [settled[name] for name in names] == [Range(-1.0, 127 / 128), Range(0.0, 255 / 256)]


def test_maximum_shares_one_range_and_refuses_two_fixed_ones() -> None:
    build = builder()
    graph = build.graph(build.maximum(build.conv("x", build.shape("x")[3]), "x"))
    settled = settle_ranges(graph, {"x": Range(-3, 1), "t0": Range(-1, 2), "t1": Range(-1, 2)})
    assert settled == dict.fromkeys(("x", "t0", "t1"), Range(-3, 2))
    build = builder()
    graph = build.graph(build.maximum(build.unary("tanh", "x"), build.unary("logistic", "x")))
    with pytest.raises(QuantizationError, match="t0: a tanh, whose int8 scale is 1/128"):
        settle_ranges(graph, with_ranges(graph, Range(0, 0.5)))


STILL = Range(0, 0)


@pytest.mark.parametrize(
    "kind", ["conv", "depthwise", "add", "mul", "prelu", "elu", "leaky_relu", "fully_connected", "mean"]
)
def test_output_that_calibration_saw_unmoved_is_as_wide_as_32_bits_need(kind: str) -> None:
    build = builder()
    match kind:
        case "conv":
            output = build.conv("x", 3, (2, 2))
        case "depthwise":
            output = build.depthwise("x", (2, 2))
        case "add":
            output = build.add("x", "x")
        case "mul":
            output = build.mul("x", "x")
        case "prelu":
            output = build.prelu("x")
        case "leaky_relu":
            output = build.leaky_relu("x", 0.1)
        case "fully_connected":
            output = build.fully_connected("x", 2)
        case "mean":
            output = build.mean("x", (1, 2))
        case _:
            output = build.unary("elu", "x")
    graph = build.graph(output)
    wide = settle_ranges(graph, {"x": Range(-40, 60), output: STILL})[output]
    assert 100 * 2.0**-19 < wide.width < 1  # of inputs 100 wide
    alive = Range(-5, 0.1)
    assert settle_ranges(graph, {"x": Range(-40, 60), output: alive})[output] == alive


def test_least_width_follows_inputs_that_were_widened_by_sharing() -> None:
    build = builder()
    narrow = build.conv("x", 2)
    total = build.add(narrow, narrow)
    graph = build.graph(total, build.concat([narrow, "x"]))
    ranges = with_ranges(graph, Range(-1000, 1000)) | {narrow: Range(-1e-3, 1e-3), total: STILL}
    settled = settle_ranges(graph, ranges)
    assert settled[narrow] == Range(-1000, 1000)
    assert settled[total].width >= 4000 * 2.0**-18
