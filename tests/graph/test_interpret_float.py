"""The float interpreter where the ONNX comparison doesn't reach: its inputs, fused activations, pooling windows."""

import numpy as np
import pytest

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Tensor
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation, AveragePool2D, MaxPool2D, Padding
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
    [
        (Activation.NONE, [-8, -2, 0, 2, 8]),
        (Activation.RELU, [0, 0, 0, 2, 8]),
        (Activation.RELU6, [0, 0, 0, 2, 6]),
        (Activation.RELU_N1_TO_1, [-1, -1, 0, 1, 1]),
    ],
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


@pytest.mark.parametrize(("largest", "expected"), [(False, [0.5, 2.0, 3.5]), (True, [1.0, 3.0, 4.0])])
def test_what_padding_adds_does_not_count_in_pooling(largest: bool, expected: list[float]) -> None:
    """x = 0..4 less 10; windows of 3 with one position before and one after."""
    build = builder((1, 5, 1, 1))
    x = np.arange(5, dtype=np.float32).reshape(1, 5, 1, 1)
    kind = MaxPool2D if largest else AveragePool2D
    build.tensors["y"] = Tensor("y", (1, 3, 1, 1), "float32")
    build.ops.append(kind(("x",), "y", (3, 1), (2, 1), Padding(1, 1, 0, 0)))
    pooled = run_float(build.graph("y"), {"x": x - 10})["y"]
    assert (pooled.ravel() + 10).tolist() == expected


def test_each_operator_computes_its_definition() -> None:
    build = builder((1, 2, 3, 4))
    x = np.random.default_rng(1).standard_normal((1, 2, 3, 4)).astype(np.float32)
    names = [
        build.leaky_relu("x", 0.25),
        build.unary("tanh", "x"),
        build.softmax("x", 2.0),
        build.mean("x", (1,)),
        build.mean("x", (1, 2)),
        build.fully_connected("x", 3, Activation.RELU),
        build.unary("requantize", "x"),
    ]
    names.append(build.maximum(names[1], "x"))
    powers = np.exp(2.0 * x)
    weights, bias = (build.graph().values(f"{names[5]}/{kind}").astype(np.float32) for kind in ("weights", "bias"))
    expected = [
        np.where(x < 0, 0.25 * x, x),
        np.tanh(x),
        powers / powers.sum(axis=3, keepdims=True),
        x.mean(axis=1, keepdims=True),
        x.mean(axis=(1, 2), keepdims=True),
        np.maximum(weights @ x.ravel() + bias, 0).reshape(1, 1, 1, 3),
        x,
        np.maximum(np.tanh(x), x),
    ]
    found = run_float(build.graph(*names), {"x": x})
    for name, values in zip(names, expected, strict=True):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
