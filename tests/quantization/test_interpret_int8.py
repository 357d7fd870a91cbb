"""The int8 interpreter equals LiteRT's reference kernels bit for bit, per operator (ELU: LiteRT's plain kernel)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import Activation, Affine, Conv2D, FullyConnected, LeakyRelu, Mul, Op, PRelu, Relu, Requantize
from quantization.factors import activation_bounds
from quantization.interpret_int8 import run_int8
from tests.bit_exact import differing_bytes
from tests.quantization import foreign_operators, one_operator
from tests.quantization.one_operator import Case, OneOperator

OPERATORS: dict[str, st.SearchStrategy[Case]] = {
    "Conv2D": one_operator.convolutions(depthwise=False),
    "DepthwiseConv2D": one_operator.convolutions(depthwise=True),
    "PRelu": one_operator.prelus(),
    "Elu": one_operator.elus(),
    "Logistic": one_operator.logistics(),
    "Add": one_operator.sums(),
    "Mul": one_operator.products(),
    "Concat": one_operator.concatenations(),
    "Pad": one_operator.pads(),
    "Reshape": one_operator.reshapes(),
    "Relu": foreign_operators.relus(),
    "Requantize": foreign_operators.requantizations(),
    "LeakyRelu": foreign_operators.leaky_relus(),
    "Tanh": foreign_operators.tanhs(),
    "Softmax": foreign_operators.softmaxes(),
    "FullyConnected, a scale per output": foreign_operators.fully_connected(is_per_channel=True),
    "FullyConnected, one scale": foreign_operators.fully_connected(is_per_channel=False),
    "Maximum": foreign_operators.maxima(),
    "broadcast": foreign_operators.broadcasts(),
    "AveragePool2D": foreign_operators.poolings(largest=False),
    "MaxPool2D": foreign_operators.poolings(largest=True),
    "Mean": foreign_operators.means(),
}


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_operator_equals_litert_bit_for_bit(name: str, data: st.DataObject) -> None:
    graph, inputs = data.draw(OPERATORS[name])
    assert differing_bytes(graph, inputs) == {"y": 0}


def conv_by_scales(scales: tuple[float, float, float], bias: int) -> Case:
    """y = bias alone: one 1x1 weight, which is 0."""
    build = OneOperator(np.random.default_rng(0))
    build.constant("w", np.zeros((1, 1, 1, 1), np.int8), np.array([scales[1]]), 0)
    build.constant("b", np.array([bias], np.int32), np.array([scales[0] * scales[1]]), 0)
    build.activation("y", (1, 1, 1, 1), scales[2], 0)
    return build.graph(Conv2D((build.input("x", (1, 1, 1, 1), scales[0], 0), "w", "b"), "y"))


def prelu_by_scales(scales: tuple[float, float, float], code: int, zero_point: int, slope: int) -> Case:
    build = OneOperator(np.random.default_rng(0))
    build.constant("slope", np.full((1, 1, 1), slope, np.int8), np.array([scales[1]]), None)
    build.input("x", (1, 1, 1, 1), scales[0], zero_point)
    build.inputs["x"][:] = code
    build.activation("y", (1, 1, 1, 1), scales[2], 0)
    return build.graph(PRelu(("x", "slope"), "y"))


def mul_by_scales(scales: tuple[float, float, float], code: int, zero_point: int) -> Case:
    build = OneOperator(np.random.default_rng(0))
    for name, scale in zip("ab", scales, strict=False):
        build.input(name, (1, 1, 1, 1), scale, zero_point)
        build.inputs[name][:] = code
    build.activation("y", (1, 1, 1, 1), scales[2], 0)
    return build.graph(Mul(("a", "b"), "y"))


def unary_by_scales(kind: Callable[[tuple[str], str], Op], scales: tuple[float, float], code: int, zero: int) -> Case:
    build = OneOperator(np.random.default_rng(0))
    x = build.input("x", (1, 1, 1, 1), scales[0], zero)
    build.inputs["x"][:] = code
    build.activation("y", (1, 1, 1, 1), scales[1], -128 if zero < 0 else 127)
    return build.graph(kind((x,), "y"))


def leaky_relu(inputs: tuple[str], output: str) -> LeakyRelu:
    return LeakyRelu(inputs, output, 0.033860839903354645)


def fully_connected_by_scales(scales: tuple[float, float, float], bias: int) -> Case:
    """y = bias alone: one weight, which is 0."""
    build = OneOperator(np.random.default_rng(0))
    build.constant("w", np.zeros((1, 1), np.int8), np.array([scales[1]]), None)
    build.constant("b", np.array([bias], np.int32), np.array([scales[0] * scales[1]]), None)
    build.activation("y", (1, 1, 1, 1), scales[2], 0)
    return build.graph(FullyConnected((build.input("x", (1, 1, 1, 1), scales[0], 0), "w", "b"), "y"))


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (unary_by_scales(Relu, (0.48819655179977417, 0.8472405672073364), 36, -128), 94 - 128),  # float64: 95 - 128
        (unary_by_scales(Requantize, (0.48819655179977417, 0.8472405672073364), 36, -128), 95 - 128),  # float32: 94
        (
            unary_by_scales(leaky_relu, (0.07590807229280472, 0.003010098123922944), -27, 127),
            127 - 131,
        ),  # float64: -132
        (fully_connected_by_scales((0.013981334865093231, 0.004455098882317543, 0.21133023500442505), 195084), 57),
        (conv_by_scales((0.013981334865093231, 0.004455098882317543, 0.21133023500442505), 195084), 58),
        (conv_by_scales((0.34446698, 0.01046168, 5.570165), 34777), 22),  # from a float32 product it would be 23
        (conv_by_scales((0.005322303, 0.021892099, 0.20511204), 32566), 19),  # 18
        (prelu_by_scales((0.002343893, 1.0, 0.003607651), 39, -128, 1), None),
        (prelu_by_scales((0.27236697, 1.0, 0.35755664), 21, -128, 1), None),
        (prelu_by_scales((0.081121065, 0.0030706958, 0.02954957), -128, 83, 52), None),
        (prelu_by_scales((0.052387998, 0.02811939, 0.2598711), -110, 0, 89), None),
        (mul_by_scales((0.0049766195, 0.012406094, 0.009469669), -128, 1), None),
    ],
)
def test_factor_is_formed_in_the_precision_that_litert_uses(case: Case, code: int | None) -> None:
    """Scales, found by search, for which a factor from float32 and one from float64 give different codes."""
    graph, inputs = case
    assert differing_bytes(graph, inputs) == {"y": 0}
    assert code is None or run_int8(graph, inputs)["y"].item() == code


def conv_graph(zero_points: tuple[int, int], scales: tuple[float, float], n_inputs: int = 1) -> Graph:
    """A 1x1 convolution by 127 * 2^-7 (one scale for all) from x to y."""
    weights = np.full((1, 1, 1, n_inputs), 127, np.int8)
    names = ("x", "y")
    tensors = {
        name: Tensor(name, (1, 2, 1, n), "int8", None, Quantization(np.array([s], np.float32), np.array([z], np.int32)))
        for name, n, s, z in zip(names, (n_inputs, 1), scales, zero_points, strict=True)
    }
    per_channel = Quantization(np.array([2**-7], np.float32), np.zeros(1, np.int32), 0)
    tensors["w"] = Tensor("w", weights.shape, "int8", weights, per_channel)
    tensors["b"] = Tensor("b", (1,), "int32", np.zeros(1, np.int32), per_channel)
    return Graph(tensors, (Conv2D(("x", "w", "b"), "y"),), ("x",), ("y",))


@pytest.mark.parametrize("n_inputs", [512, 513, 5000])
def test_long_sums_of_extreme_products_are_exact(n_inputs: int) -> None:
    """All codes at the edge: float32 would round a sum of more than 512 products."""
    graph = conv_graph((127, 0), (1.0, n_inputs * 2.0), n_inputs)
    x = np.full((1, 2, 1, n_inputs), -128, np.int8)
    x[0, 1] = -127
    total = np.array([-255, -254]) * 127 * n_inputs
    expected = np.round(total * 2.0**-7 / (n_inputs * 2.0))
    assert run_int8(graph, {"x": x})["y"].ravel().tolist() == expected.tolist()
    assert differing_bytes(graph, {"x": x}) == {"y": 0}


def test_long_sum_that_cancels_is_exact() -> None:
    """40,000 extreme products whose halves cancel but for one: float32 sums would be off by several units."""
    n_inputs = 40_000
    graph = conv_graph((127, 0), (1.0, 2.0**-7), n_inputs)
    weights = np.full(n_inputs, 127, np.int8)
    weights[n_inputs // 2 :] = -127
    tensor = replace(graph.tensors["w"], values=weights.reshape(1, 1, 1, -1))
    graph = Graph(dict(graph.tensors) | {"w": tensor}, graph.ops, graph.inputs, graph.outputs)
    x = np.random.default_rng(0).integers(-128, -120, (1, 2, 1, n_inputs // 2)).astype(np.int8)
    x = np.concatenate([x, x], axis=3)
    x[0, 1, 0, 7] += 1
    assert run_int8(graph, {"x": x})["y"].ravel().tolist() == [0, 127]
    assert differing_bytes(graph, {"x": x}) == {"y": 0}


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "bounds"),
    [
        (Activation.NONE, 0.1, 5, (-128, 127)),
        (Activation.RELU, 0.1, 5, (5, 127)),
        (Activation.RELU6, 0.1, 5, (5, 65)),
        (Activation.RELU6, 0.01, -128, (-128, 127)),
        (Activation.RELU6, 4.0, 0, (0, 2)),  # 1.5 rounds away from zero
        (Activation.RELU_N1_TO_1, 0.1, 5, (-5, 15)),
        (Activation.RELU_N1_TO_1, 2.0, -128, (-128, -127)),  # 0.5 rounds away from zero
        (Activation.RELU6, 12.000001, 0, (0, 0)),  # 0.49999996 does not, though float32 adds 0.5 to 1
    ],
)
def test_fused_activation_clamps_to_its_codes(
    activation: Activation, scale: float, zero_point: int, bounds: tuple[int, int]
) -> None:
    assert activation_bounds(activation, np.float32(scale), zero_point) == bounds


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input x is missing, the graph wants int8"),
        (
            {"x": np.zeros((1, 2, 1, 2), np.int8)},
            r"input x is int8 \(1, 2, 1, 2\), the graph wants int8 \(1, 2, 1, 1\)",
        ),
        ({"x": np.zeros((1, 2, 1, 1), np.uint8)}, "input x is uint8"),
    ],
)
def test_input_that_does_not_fit_is_refused(inputs: dict[str, one_operator.Int8Array], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        run_int8(conv_graph((0, 0), (1.0, 1.0)), inputs)


def test_operator_without_int8_form_is_refused() -> None:
    conv = conv_graph((0, 0), (1.0, 1.0))
    graph = Graph(conv.tensors, (Affine(("x", "w", "b"), "y"),), ("x",), ("y",))
    with pytest.raises(GraphError, match="Affine y has no int8 form; run the float passes first"):
        run_int8(graph, {"x": np.zeros((1, 2, 1, 1), np.int8)})


def test_float_graph_is_refused() -> None:
    conv = conv_graph((0, 0), (1.0, 1.0))
    tensors = dict(conv.tensors) | {"y": Tensor("y", (1, 2, 1, 1), "float32")}
    with pytest.raises(GraphError, match="tensor y has no scale; quantize the graph first"):
        run_int8(Graph(tensors, conv.ops, ("x",), ("y",)), {"x": np.zeros((1, 2, 1, 1), np.int8)})
