"""Each pass: what it ensures, and that run_float gives the same before and after."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import (
    Activation,
    Add,
    Affine,
    Conv2D,
    DepthwiseConv2D,
    Pad,
    Padding,
    Relu,
    same_padding,
)
from asd_edge.graph.passes import (
    FLOAT_PASSES,
    absorb_pads,
    fold_affines,
    fuse_relus,
    insert_pads,
    is_same_padding,
    lower_affines,
    lower_relus,
    merge_affines,
    run_float_passes,
)
from tests.graph.small_graphs import GraphBuilder, float_graphs, random_inputs

CONV_PADDING = Padding(1, 1, 1, 1)
FUSED = (Conv2D, DepthwiseConv2D, Add)


def builder(time: int = 7, mel: int = 6, channels: int = 3) -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(2), x=(1, time, mel, channels))


def kinds(graph: Graph) -> list[str]:
    return [type(op).__name__ for op in graph.ops]


def assert_same_function(before: Graph, after: Graph, seed: int = 0) -> None:
    """Equal outputs within 1e-5 of the greatest value that occurs on the way."""
    inputs = random_inputs(before, seed)
    exact, found = run_float(before, inputs), run_float(after, inputs)
    assert after.inputs == before.inputs
    assert after.outputs == before.outputs
    greatest = max(1.0, *(float(np.abs(values).max()) for values in exact.values()))
    for name in before.outputs:
        assert found[name].shape == after.tensors[name].shape == before.tensors[name].shape
        np.testing.assert_allclose(found[name], exact[name], rtol=0, atol=1e-5 * greatest)


def assert_holds_only_what_it_uses(graph: Graph) -> None:
    used = {*graph.inputs, *graph.outputs}
    for op in graph.ops:
        used.update((*op.inputs, op.output))
    assert set(graph.tensors) == used


@pytest.mark.parametrize("rewrite", [*FLOAT_PASSES, run_float_passes], ids=lambda rewrite: rewrite.__name__)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 99))
def test_pass_alone_keeps_the_function_of_random_graphs(
    rewrite: Callable[[Graph], Graph], graph: Graph, seed: int
) -> None:
    after = rewrite(graph)
    assert_same_function(graph, after, seed)
    assert_holds_only_what_it_uses(after)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(graph=float_graphs())
def test_only_what_int8_tflite_can_say_is_left_of_random_graphs(graph: Graph) -> None:
    after = run_float_passes(graph)
    assert not [op for op in after.ops if isinstance(op, Affine | Relu)]
    for op in after.ops:
        if isinstance(op, Conv2D | DepthwiseConv2D):
            assert op.padding == Padding() or is_same_padding(after, op)
    assert run_float_passes(after) == after


def test_pad_is_absorbed_into_the_convolution_that_alone_reads_it() -> None:
    build = builder()
    output = build.conv(build.pad("x", Padding(1, 0, 2, 0)), 2, (3, 3), padding=Padding(0, 1, 1, 1))
    after = absorb_pads(build.graph(output))
    (op,) = after.ops
    assert isinstance(op, Conv2D)
    assert op.padding == Padding(1, 1, 3, 1)
    assert op.inputs[0] == "x"
    assert_same_function(build.graph(output), after)


def test_pad_that_others_read_stays() -> None:
    build = builder()
    padded = build.pad("x", Padding(1, 1, 1, 1))
    left, right = build.conv(padded, 2, (3, 3)), build.conv(padded, 2, (3, 3))
    graph = build.graph(build.add(left, right))
    assert absorb_pads(graph).ops == graph.ops


def test_chain_of_affines_becomes_one() -> None:
    build = builder()
    output = build.affine(build.affine(build.affine("x")))
    after = merge_affines(build.graph(output))
    assert kinds(after) == ["Affine"]
    assert_same_function(build.graph(output), after)


def test_affine_that_is_also_the_output_is_not_merged_away() -> None:
    build = builder()
    first = build.affine("x")
    graph = build.graph(first, build.affine(first))
    assert kinds(merge_affines(graph)) == ["Affine", "Affine"]


@pytest.mark.parametrize("depthwise", [False, True])
def test_affine_folds_into_the_convolution_before_it(depthwise: bool) -> None:
    build = builder()
    convolution = build.depthwise if depthwise else lambda x, *args: build.conv(x, 4, *args)
    graph = build.graph(build.affine(convolution("x", (3, 3), (1, 1), CONV_PADDING)))
    after = fold_affines(graph)
    assert len(after.ops) == 1
    assert after.ops[0].output == graph.outputs[0]
    assert_same_function(graph, after)


@pytest.mark.parametrize("why", ["activation between", "read by others", "before the convolution"])
def test_affine_that_cannot_fold_becomes_a_1x1_depthwise_convolution(why: str) -> None:
    build = builder()
    match why:
        case "activation between":
            output = build.affine(build.conv("x", 3, (3, 3), padding=CONV_PADDING, activation=Activation.RELU))
        case "read by others":
            shared = build.conv("x", 3, (3, 3), padding=CONV_PADDING)
            output = build.add(build.affine(shared), shared)
        case _:
            output = build.conv(
                build.affine("x"), 3, (3, 3), padding=CONV_PADDING
            )  # padded by zeros, not by its offset
    graph = build.graph(output)
    assert kinds(fold_affines(graph)) == kinds(graph)
    after = lower_affines(fold_affines(graph))
    assert kinds(after).count("DepthwiseConv2D") == 1
    (lowered,) = (op for op in after.ops if isinstance(op, DepthwiseConv2D))
    assert after.tensors[lowered.inputs[1]].shape[:3] == (1, 1, 1)
    assert_same_function(graph, after)


def test_relu_fuses_into_convolution_depthwise_and_add() -> None:
    build = builder()
    x = build.unary("relu", build.conv("x", 3))
    y = build.relu6(build.depthwise(x))
    graph = build.graph(build.unary("relu", build.add(x, y)))
    after = fuse_relus(graph)
    assert [(type(op), op.activation) for op in after.ops if isinstance(op, FUSED)] == [
        (Conv2D, Activation.RELU),
        (DepthwiseConv2D, Activation.RELU6),
        (Add, Activation.RELU),
    ]
    assert_same_function(graph, after)


def test_relu_behind_an_operator_without_activation_becomes_a_1x1_identity() -> None:
    build = builder()
    graph = build.graph(
        build.unary("relu", build.mul("x", "x")), build.relu6(build.conv("x", 2, activation=Activation.RELU))
    )
    after = lower_relus(fuse_relus(graph))
    assert kinds(after) == ["Mul", "DepthwiseConv2D", "Conv2D", "DepthwiseConv2D"]
    assert [op.activation for op in after.ops if isinstance(op, FUSED)] == [
        Activation.RELU,
        Activation.RELU,
        Activation.RELU6,
    ]
    assert_same_function(graph, after)


@pytest.mark.parametrize(
    ("axis", "size", "pad_needed"),
    [
        ("mel", 128, True),
        ("mel", 64, True),
        ("mel", 32, True),
        ("mel", 16, True),
        ("time", 313, False),
        ("time", 157, False),
        ("time", 79, False),
        ("time", 40, True),
    ],
)
def test_stride_2_padding_1_needs_a_pad_on_even_lengths_only(axis: str, size: int, pad_needed: bool) -> None:
    time, mel = (size, 3) if axis == "time" else (3, size)
    build = builder(time, mel, 1)
    graph = build.graph(build.conv("x", 1, (3, 3), (2, 2), CONV_PADDING))
    after = insert_pads(graph)
    assert [isinstance(op, Pad) for op in after.ops] == ([True, False] if pad_needed else [False])
    if pad_needed:
        pad, conv = after.ops
        assert isinstance(pad, Pad)
        assert isinstance(conv, Conv2D)
        assert conv.padding == Padding()
        # the last zero of the even axis is beyond the last window
        assert pad.padding == (Padding(1, 0, 1, 1) if axis == "time" else Padding(1, 1, 1, 0))
        padded = after.tensors[pad.output].shape
        assert padded == (1, time + (1 if axis == "time" else 2), mel + (2 if axis == "time" else 1), 1)
    assert_same_function(graph, after)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(size=st.integers(1, 40), kernel=st.integers(1, 8), stride=st.integers(1, 4))
def test_same_padding_gives_ceil_of_size_over_stride(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    n_outputs = -(-size // stride)
    assert after - before in (0, 1)
    assert (n_outputs - 1) * stride + kernel <= size + before + after
    if before + after:  # no zero too many
        assert (n_outputs - 1) * stride + kernel == size + before + after
