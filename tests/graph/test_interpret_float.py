"""The float interpreter where the ONNX comparison doesn't reach: its inputs, fused activations, pooling windows."""

import numpy as np
import pytest

from asd_edge.errors import GraphError
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation
from tests.graph.small_graphs import FloatArray, GraphBuilder


def builder(shape: tuple[int, ...]) -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(0), x=shape)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"input x has the shape None, the graph wants \(1, 4, 3, 2\)"),
        ({"x": np.zeros((1, 3, 4, 2), np.float32)}, r"input x has the shape \(1, 3, 4, 2\)"),
    ],
)
def test_input_that_does_not_fit_is_refused(inputs: dict[str, FloatArray], message: str) -> None:
    build = builder((1, 4, 3, 2))
    with pytest.raises(GraphError, match=message):
        run_float(build.graph(build.conv("x", 1)), inputs)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [(Activation.NONE, [-8, -2, 0, 2, 8]), (Activation.RELU, [0, 0, 0, 2, 8]), (Activation.RELU6, [0, 0, 0, 2, 6])],
)
def test_fused_activation_clamps_the_sum(activation: Activation, expected: list[float]) -> None:
    build = builder((1, 5, 1, 1))
    graph = build.graph(build.add("x", "x", activation))
    x = np.array([-4, -1, 0, 1, 4], np.float32).reshape(1, 5, 1, 1)
    assert run_float(graph, {"x": x})[graph.outputs[0]].ravel().tolist() == expected
    assert x.ravel().tolist() == [-4, -1, 0, 1, 4]  # the input itself is left alone


def test_every_activation_is_float32_in_the_declared_shape() -> None:
    build = builder((1, 6, 4, 2))
    y = build.prelu(build.unary("elu", build.unary("logistic", build.affine("x"))))
    build.pool(build.pool(build.concat([y, "x"]), (2, 1), (2, 1)), (1, 2), (1, 1), largest=True)
    graph = build.graph(y)
    activations = run_float(graph, {"x": np.ones((1, 6, 4, 2), np.float32)})
    assert list(activations) == list(graph.activations())
    for name, values in activations.items():
        assert values.dtype == np.float32, name
        assert values.shape == graph.tensors[name].shape, name


@pytest.mark.parametrize(("largest", "expected"), [(False, [1.5, 3.5, 5.5]), (True, [3.0, 5.0, 7.0])])
def test_pooling_windows_move_by_the_stride_and_leave_channels_apart(largest: bool, expected: list[float]) -> None:
    """x[time, mel] = 2 * time + mel in channel 0, its negative in channel 1; windows of 2 x 2, one step in time."""
    build = builder((1, 4, 2, 2))
    graph = build.graph(build.pool("x", (2, 2), (1, 1), largest))
    values = np.arange(8, dtype=np.float32).reshape(1, 4, 2, 1)
    pooled = run_float(graph, {"x": np.concatenate([values, -values], axis=3)})[graph.outputs[0]]
    assert pooled[0, :, 0, 0].tolist() == expected
    assert pooled[0, :, 0, 1].tolist() == ([0.0, -2.0, -4.0] if largest else [-value for value in expected])
