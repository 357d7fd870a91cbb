"""Fusion: which operators vanish into which step, and that tables are the interpreter's own codes."""

import numpy as np
import pytest

from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.stream_graph import StepActivation, StepOp, StreamGraph
from asd_edge.errors import CompilerError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding
from quantization.interpret_int8 import run_int8
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

SAME = Padding(1, 1, 1, 1)


def builder(shape: tuple[int, ...] = (1, 12, 6, 3)) -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(11), x=shape)


def shapes_of(graph: StreamGraph) -> list[tuple[StepOp, StepActivation]]:
    return [(step.op, step.activation) for step in graph.steps]


def conv_prelu() -> Graph:
    b = builder()
    return quantized(b.graph(b.prelu(b.conv("x", 4, (3, 3), (1, 1), SAME))))


def affine_elu() -> Graph:
    """A BatchNorm behind a ReLU is a 1x1 depthwise convolution; with the ELU it is a table per channel."""
    b = builder()
    return quantized(b.graph(b.unary("elu", b.affine(b.unary("relu", b.conv("x", 4))))))


def conv_logistic() -> Graph:
    b = builder()
    return quantized(b.graph(b.unary("logistic", b.conv("x", 4))))


def odd_stride() -> Graph:
    """Padding at the front of an even length is a Pad before a convolution without padding."""
    b = builder()
    return quantized(b.graph(b.conv("x", 4, (3, 3), (2, 2), Padding(1, 0, 1, 0))))


def whole_window() -> Graph:
    b = builder()
    return quantized(b.graph(b.conv(b.depthwise(b.conv("x", 8), (12, 6)), 5)))


def wide_padding() -> Graph:
    """Wider than its kernel: a step of its own."""
    b = builder()
    return quantized(b.graph(b.conv("x", 4, (1, 1), (1, 1), Padding(1, 2, 1, 0))))


def shared_input() -> Graph:
    """Read twice, so nothing fuses into it."""
    b = builder()
    y = b.conv("x", 3)
    return quantized(b.graph(b.add(b.prelu(y), y)))


def add_relu() -> Graph:
    b = builder()
    y = b.conv("x", 3)
    return quantized(b.graph(b.add(y, b.conv(y, 3), Activation.RELU)))


NONE, PRELU, TABLE, CHANNELS = StepActivation
CASES = [
    (conv_prelu, [(StepOp.CONV2D, PRELU)]),
    (affine_elu, [(StepOp.POINTWISE, CHANNELS)]),
    (conv_logistic, [(StepOp.POINTWISE, TABLE)]),
    (odd_stride, [(StepOp.CONV2D, NONE)]),
    (whole_window, [(StepOp.POINTWISE, NONE), (StepOp.ACCUMULATE_DEPTHWISE, NONE), (StepOp.POINTWISE, NONE)]),
    (wide_padding, [(StepOp.PAD, NONE), (StepOp.POINTWISE, NONE)]),
    (shared_input, [(StepOp.POINTWISE, NONE), (StepOp.PRELU, NONE), (StepOp.ADD, NONE)]),
    (add_relu, [(StepOp.POINTWISE, NONE), (StepOp.POINTWISE, NONE), (StepOp.ADD, NONE)]),
]


@pytest.mark.parametrize(("build", "steps"), CASES, ids=[build.__name__ for build, _ in CASES])
def test_operators_that_can_vanish_do(build: object, steps: list[tuple[StepOp, StepActivation]]) -> None:
    assert callable(build)
    assert shapes_of(fuse(build())) == steps


def test_a_table_holds_what_the_interpreter_makes_of_each_code() -> None:
    graph = affine_elu()
    (step,) = fuse(graph).steps
    assert step.table is not None
    first, last = graph.ops[0], graph.ops[-1]
    x = np.random.default_rng(0).integers(-128, 128, graph.tensors["x"].shape).astype(np.int8)
    run = run_int8(graph, {"x": x})
    codes = run[first.output].reshape(-1, 4)
    looked_up = np.stack([step.table[c][codes[:, c].astype(int) + 128] for c in range(4)], axis=1)
    np.testing.assert_array_equal(looked_up, run[last.output].reshape(-1, 4))


def test_a_large_table_per_channel_stays_a_step() -> None:
    """65 channels would be 16,640 bytes of table."""
    b = builder()
    graph = quantized(b.graph(b.unary("elu", b.affine(b.unary("relu", b.conv("x", 65))))))
    assert shapes_of(fuse(graph)) == [(StepOp.POINTWISE, NONE), (StepOp.DEPTHWISE, TABLE)]


def test_a_function_behind_a_reshape_that_keeps_time_moves_before_it() -> None:
    b = builder((1, 9, 1, 2))
    x = b.reshape(b.conv("x", 5, activation=Activation.RELU), (1, 9, 5, 1))
    graph = quantized(b.graph(b.affine(x)))
    assert shapes_of(fuse(graph)) == [(StepOp.POINTWISE, TABLE), (StepOp.RESHAPE, NONE)]


def test_operators_that_nothing_reads_are_left_out() -> None:
    b = builder()
    y = b.conv("x", 4)
    b.prelu(y)
    assert shapes_of(fuse(quantized(b.graph(y)))) == [(StepOp.POINTWISE, NONE)]


def test_more_than_four_tensors_are_concatenated_in_turn() -> None:
    b = builder()
    parts = [b.conv("x", 1) for _ in range(9)]
    graph = fuse(quantized(b.graph(b.concat(parts))))
    concats = [step for step in graph.steps if step.op == StepOp.CONCAT]
    assert [len(step.inputs) for step in concats] == [4, 4, 3]
    assert graph.tensors[graph.output].n_channels == 9


@pytest.mark.parametrize(
    ("n_columns", "message"), [((12, 11), "side by side"), ((12, 12, 12), "at most 2 inputs")], ids=["lengths", "three"]
)
def test_inputs_that_no_image_takes_are_refused(n_columns: tuple[int, ...], message: str) -> None:
    shapes = {f"x{i}": (1, n, 4, 2) for i, n in enumerate(n_columns)}
    b = GraphBuilder(np.random.default_rng(0), **shapes)
    means = [b.conv(name, 2, (b.shape(name)[1], 4)) for name in shapes]
    graph = quantized(b.graph(b.concat(means)))
    with pytest.raises(CompilerError, match=message):
        fuse(graph)


def test_a_kernel_of_more_columns_than_an_image_reads_at_once_is_refused() -> None:
    b = builder((1, 80, 4, 2))
    graph = quantized(b.graph(b.pool("x", (65, 1), (1, 1))))
    with pytest.raises(CompilerError, match="65 columns at once"):
        fuse(graph)
