"""Every operator of OPERATORS, imported with time as H and as W, equals onnxruntime; others are refused by name."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from numpy.typing import NDArray

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.onnx_operators import OPERATORS
from tests.graph.onnx_files import Constants, run_onnx, to_graph_layout, write_onnx

HEIGHT, WIDTH, CHANNELS = 6, 9, 3  # one file, read once with time as H and once as W
MAP_SIZE = CHANNELS * HEIGHT * WIDTH
RNG = np.random.default_rng(5)


def normal(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape, np.float32)


def number(value: float) -> NDArray[np.float32]:
    return np.array(value, np.float32)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


CONV = {"w": normal(4, CHANNELS, 3, 2)}
DEPTHWISE = {"w": normal(CHANNELS, 1, 3, 3)}
PER_CHANNEL = {"c": normal(CHANNELS, 1, 1)}
NORMALIZATION = {"g": normal(CHANNELS), "b": normal(CHANNELS), "m": normal(CHANNELS), "v": np.abs(normal(CHANNELS))}
FLAT = "flat = Flatten(x)"
POOLED = "pooled = GlobalAveragePool(x)"

# name: nodes from the map x [1, CHANNELS, HEIGHT, WIDTH] to y, and their constants
CASES: dict[str, tuple[tuple[str, ...], Constants]] = {
    "conv": (("y = Conv(x, w, b)",), CONV | {"b": normal(4)}),
    "conv without bias": (("y = Conv(x, w)",), CONV),
    "conv with an empty bias": (('y = Conv(x, w, "")',), CONV),
    "valid conv": (('y = Conv<auto_pad="VALID">(x, w)',), CONV),
    "conv whose strides and pads differ": (("y = Conv<strides=[2, 3], pads=[2, 0, 1, 1]>(x, w)",), CONV),
    "depthwise": (("y = Conv<group=3, pads=[1, 1, 1, 1]>(x, w)",), DEPTHWISE),
    "depthwise with strides": (("y = Conv<group=3, strides=[2, 1]>(x, w, b)",), DEPTHWISE | {"b": normal(CHANNELS)}),
    "global depthwise": (("y = Conv<group=3>(x, w)",), {"w": normal(CHANNELS, 1, HEIGHT, WIDTH)}),
    "gemm over a map": ((FLAT, "y = Gemm<transB=1>(flat, w, b)"), {"w": normal(5, MAP_SIZE), "b": normal(5)}),
    "gemm with one bias for all": ((FLAT, "y = Gemm(flat, w, b)"), {"w": normal(MAP_SIZE, 5), "b": normal(1)}),
    "matmul over a map": ((FLAT, "y = MatMul(flat, w)"), {"w": normal(MAP_SIZE, 5)}),
    "two fully connected layers": (
        (FLAT, "a = MatMul(flat, w)", "s = Add(b, a)", "r = Relu(s)", "y = Gemm(r, w2)"),
        {"w": normal(MAP_SIZE, 5), "b": normal(5), "w2": normal(5, 4)},
    ),
    "batch norm": (("y = BatchNormalization<epsilon=0.01>(x, g, b, m, v)",), NORMALIZATION),
    "add of two maps": (("r = Relu(x)", "y = Add(x, r)"), {}),
    "add of a number": (("y = Add(x, c)",), {"c": number(1.5)}),
    "add of a constant per channel": (("y = Add(c, x)",), PER_CHANNEL),
    "mul of two maps": (("r = Elu(x)", "y = Mul(x, r)"), {}),
    "mul by a constant per channel": (("y = Mul(x, c)",), {"c": PER_CHANNEL["c"][None]}),
    "prelu per channel": (("y = PRelu(x, c)",), PER_CHANNEL),
    "prelu with one slope": (("y = PRelu(x, c)",), {"c": normal(1)}),
    "leaky relu": (("y = LeakyRelu<alpha=0.3>(x)",), {}),
    "relu": (("y = Relu(x)",), {}),
    "elu": (("y = Elu(x)",), {}),
    "sigmoid": (("y = Sigmoid(x)",), {}),
    "clip to relu6": (("y = Clip(x, low, high)",), {"low": number(0), "high": number(6)}),
    "clip to relu": (("y = Clip(x, low)",), {"low": number(0)}),
    "concat": (("r = Relu(x)", "y = Concat<axis=1>(x, r, x)"), {}),
    "concat with the axis from the end": (("r = Relu(x)", "y = Concat<axis=-3>(r, x)"), {}),
    "concat of vectors": (("p = ReduceMean<keepdims=0>(x, a)", "y = Concat<axis=-1>(p, p)"), {"a": ints(2, 3)}),
    "pad": (("y = Pad(x, p)",), {"p": ints(0, 0, 1, 2, 0, 0, 3, 4)}),
    "pad of one axis": (("y = Pad(x, p, z, a)",), {"p": ints(1, 2), "z": number(0), "a": ints(-1)}),
    "transpose that moves nothing": (("y = Transpose<perm=[0, 1, 2, 3]>(x)",), {}),
    "transpose of singleton axes": ((POOLED, "y = Transpose<perm=[0, 2, 1, 3]>(pooled)"), {}),
    "reshape to the same shape": (("y = Reshape(x, s)",), {"s": ints(1, CHANNELS, HEIGHT, WIDTH)}),
    "squeeze, unsqueeze and flatten of a vector": (
        (POOLED, "v = Squeeze(pooled, a)", "r = Relu(v)", "m = Unsqueeze(r, a)", "k = Conv(m, w)", "y = Flatten(k)"),
        {"a": ints(2, 3), "w": normal(4, CHANNELS, 1, 1)},
    ),
    "average pool": (("y = AveragePool<kernel_shape=[2, 3], strides=[2, 1]>(x)",), {}),
    "max pool": (("y = MaxPool<kernel_shape=[3, 2], strides=[1, 2]>(x)",), {}),
    "global average pool": (("y = GlobalAveragePool(x)",), {}),
    "mean over the map": (("y = ReduceMean(x, a)",), {"a": ints(-1, 2)}),
    "mean over the map, axes dropped": (("y = ReduceMean<keepdims=0>(x, a)",), {"a": ints(2, 3)}),
    "identity of map and constant": (("i = Identity(x)", "k = Identity(c)", "y = Mul(i, k)"), PER_CHANNEL),
    "dropout": (("kept = Dropout(x)", "y = Relu(kept)"), {}),
    "constant among the nodes": (("c = Constant<value = float[3, 1, 1] {1.0, -2.0, 3.0}>()", "y = Add(x, c)"), {}),
}


def write_case(path: Path, nodes: tuple[str, ...], constants: Constants) -> Path:
    """log_mel [1, 1, HEIGHT, WIDTH] -> a 1x1 convolution to x -> the nodes."""
    spread = {
        "spread_weights": np.array([1.0, -0.7, 0.4], np.float32).reshape(CHANNELS, 1, 1, 1),
        "spread_bias": np.array([0.1, -0.2, 0.3], np.float32),
    }
    all_nodes = ("x = Conv(log_mel, spread_weights, spread_bias)", *nodes)
    return write_onnx(path, all_nodes, {"log_mel": [1, 1, HEIGHT, WIDTH]}, {**constants, **spread})


@pytest.mark.parametrize("n_frames", [WIDTH, HEIGHT], ids=["time_is_width", "time_is_height"])
@pytest.mark.parametrize("name", CASES)
def test_imported_operator_equals_onnxruntime(name: str, n_frames: int, tmp_path: Path) -> None:
    path = write_case(tmp_path / "case.onnx", *CASES[name])
    log_mel = np.random.default_rng(1).standard_normal((1, 1, HEIGHT, WIDTH), np.float32)
    graph = import_onnx(path, n_frames)
    expected = to_graph_layout(run_onnx(path, {"log_mel": log_mel}), n_frames == WIDTH)
    found = run_float(graph, {"log_mel": to_graph_layout(log_mel, n_frames == WIDTH)})["y"]
    assert graph.outputs == ("y",)
    assert found.shape == expected.shape == graph.tensors["y"].shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * max(1.0, float(np.abs(expected).max())))


def test_the_cases_cover_every_operator() -> None:
    used = {onnx.parser.parse_node(node).op_type for nodes, _ in CASES.values() for node in nodes}
    assert used == set(OPERATORS)


# name: nodes, constants, and what the message must say
REFUSED: dict[str, tuple[tuple[str, ...], Constants, tuple[str, ...]]] = {
    "unknown operator": (("[last] y = Softmax(x)",), {}, ("Softmax node 'last'", "replace it by one of Add, ")),
    "another domain's operator": (("y = com.example.Relu(x)",), {}, ("com.example.Relu",)),
    "dilation": (("[c1] y = Conv<dilations=[2, 1]>(x, w)",), CONV, ("Conv node 'c1'", "dilation", "stride")),
    "groups": (
        ("z = Conv(x, w)", "y = Conv<group=2>(z, w2)"),
        {"w": normal(4, CHANNELS, 1, 1), "w2": normal(4, 2, 1, 1)},
        ("Conv node 'y'", "2 groups of 4 channels", "group=1"),
    ),
    "channel multiplier": (("y = Conv<group=3>(x, w)",), {"w": normal(6, 1, 1, 1)}, ("Conv", "as many outputs")),
    "auto_pad": (('y = Conv<auto_pad="SAME_UPPER">(x, w)',), CONV, ("Conv node 'y'", "auto_pad", "explicit pads")),
    "computed weights": (("y = Conv(x, x)",), {}, ("Conv node 'y'", "input x is not a constant", "fold")),
    "transpose of time": (("y = Transpose<perm=[0, 1, 3, 2]>(x)",), {}, ("Transpose node 'y'", "moves values")),
    "transpose of channels": (("y = Transpose<perm=[0, 3, 2, 1]>(x)",), {}, ("moves values", "[1, channels, H, W]")),
    "transpose of a vector": ((POOLED, "f = Flatten(pooled)", "y = Transpose(f)"), {}, ("Transpose", "moves values")),
    "regrouping": (("y = Reshape(x, s)",), {"s": ints(1, 9, 6, 3)}, ("Reshape node 'y'", "regroups values")),
    "rank 3": (("y = Reshape(x, s)",), {"s": ints(1, 9, 18)}, ("Reshape node 'y'", "regroups values")),
    "flatten to rows": (("y = Flatten<axis=2>(x)",), {}, ("y has the shape [3, 54]", "batch size 1")),
    "flattened output": ((FLAT, "y = Identity(flat)"), {}, ("output y flattens a map", "reduces it")),
    "activation after flatten": ((FLAT, "y = Relu(flat)"), {}, ("Relu node 'y'", "flattened", "before flattening")),
    "constant per mel": (("y = Add(x, c)",), {"c": normal(HEIGHT, 1)}, ("Add node 'y'", "along time or mel")),
    "constant per frame": (("y = Mul(x, c)",), {"c": normal(WIDTH)}, ("Mul node 'y'", "[channels, 1, 1]")),
    "slope per frame": (("y = PRelu(x, c)",), {"c": normal(1, 1, WIDTH)}, ("PRelu node 'y'", "per channel")),
    "constant that adds channels": (
        (POOLED, "v = Flatten(pooled)", "y = Add(v, c)"),
        {"c": normal(1, CHANNELS, 1, 1)},
        ("Add node 'y'", "a constant adds an axis"),
    ),
    "product that broadcasts": ((POOLED, "y = Mul(x, pooled)"), {}, ("Mul node 'y'", "broadcast", "expand")),
    "matmul of a map": (("y = MatMul(x, w)",), {"w": normal(WIDTH, 4)}, ("MatMul node 'y'", "flatten before")),
    "gemm with alpha": ((FLAT, "y = Gemm<alpha=2.0>(flat, w)"), {"w": normal(MAP_SIZE, 2)}, ("Gemm", "alpha=2.0")),
    "elu with alpha": (("y = Elu<alpha=0.5>(x)",), {}, ("Elu node 'y'", "alpha = 1")),
    "clip to -1": (("y = Clip(x, low)",), {"low": number(-1)}, ("Clip node 'y'", "-1.0", "ReLU6")),
    "concat along time": (("y = Concat<axis=3>(x, x)",), {}, ("Concat node 'y'", "axis 3", "channel axis")),
    "concat of a constant": (("y = Concat<axis=1>(x, c)",), {"c": normal(1, 1, 6, 9)}, ("input c is a constant",)),
    "crop": (("y = Pad(x, p)",), {"p": ints(0, 0, -1, 0, 0, 0, 0, 0)}, ("Pad node 'y'", "only zeros")),
    "pad of channels": (("y = Pad(x, p)",), {"p": ints(0, 1, 0, 0, 0, 0, 0, 0)}, ("Pad node 'y'", "H and W")),
    "pad by ones": (("y = Pad(x, p, v)",), {"p": ints(0, 0, 1, 0, 0, 0, 0, 0), "v": number(1)}, ("only zeros",)),
    "reflected pad": (('y = Pad<mode="reflect">(x, p)',), {"p": ints(0, 0, 1, 0, 0, 0, 0, 0)}, ("only zeros",)),
    "mean over time": (("y = ReduceMean(x, a)",), {"a": ints(3)}, ("ReduceMean node 'y'", "axes [3]", "(2, 3)")),
    "mean over all": (("y = ReduceMean(x)",), {}, ("ReduceMean node 'y'", "axes []")),
    "padded pool": (("y = MaxPool<kernel_shape=[2, 2], pads=[1, 0, 0, 0]>(x)",), {}, ("MaxPool node 'y'", "padding")),
    "dilated pool": (("y = MaxPool<kernel_shape=[2, 2], dilations=[2, 2]>(x)",), {}, ("MaxPool", "dilations")),
    "ceil pool": (("y = AveragePool<kernel_shape=[2, 2], ceil_mode=1>(x)",), {}, ("AveragePool", "ceil_mode")),
    "batch norm in training": (
        ("y, m2, v2 = BatchNormalization<training_mode=1>(x, g, b, m, v)",),
        NORMALIZATION,
        ("BatchNormalization node 'y'", "eval mode"),
    ),
    "constant that isn't a tensor": (("c = Constant<value_float=2.0>()", "y = Mul(x, c)"), {}, ("Constant node 'c'",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_node_is_refused_with_its_name_and_a_way_out(name: str, tmp_path: Path) -> None:
    nodes, constants, words = REFUSED[name]
    path = write_case(tmp_path / "refused.onnx", nodes, constants)
    with pytest.raises(GraphError) as caught:
        import_onnx(path, WIDTH)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("node", "shape"),
    [
        ("Add(x, c)", (3,)),
        ("Add(x, c)", (3, 1)),
        ("Mul(c, x)", (1, 3)),
        ("PRelu(x, c)", (1, 1, 3)),
        ("PRelu(x, c)", (1, 3, 1)),
    ],
)
def test_constant_along_an_axis_as_long_as_the_channels_is_refused(
    node: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    """Three channels, three mels, three frames: sizes alone don't tell which axis a constant varies along."""
    nodes = ("x = Conv(log_mel, w)", f"y = {node}")
    constants = {"w": normal(3, 1, 1, 1), "c": normal(*shape)}
    path = write_onnx(tmp_path / "cube.onnx", nodes, {"log_mel": [1, 1, 3, 3]}, constants)
    with pytest.raises(UnsupportedOperatorError, match="varies along time or mel"):
        import_onnx(path, 3)


@pytest.mark.parametrize("n_frames", [8, 9], ids=["time_is_height", "time_is_width"])
def test_reshape_that_swaps_axes_of_one_length_is_not_taken_for_a_view(n_frames: int, tmp_path: Path) -> None:
    """[1, 8, 1, 8] -> [1, 1, 8, 8]: channels become H. With time as H they become time: a transpose in disguise."""
    nodes = ("column = Conv(log_mel, w)", "turned = Reshape(column, shape)", "y = Conv(turned, w2)")
    constants: Constants = {"w": normal(8, 1, 8, 2), "shape": ints(1, 1, 8, 8), "w2": normal(2, 1, 2, 3)}
    path = write_onnx(tmp_path / "swap.onnx", nodes, {"log_mel": [1, 1, 8, 9]}, constants)
    if n_frames == 8:
        with pytest.raises(UnsupportedOperatorError, match="regroups values"):
            import_onnx(path, n_frames)
        return
    log_mel = normal(1, 1, 8, 9)
    found = run_float(import_onnx(path, n_frames), {"log_mel": to_graph_layout(log_mel, True)})["y"]
    np.testing.assert_allclose(found, to_graph_layout(run_onnx(path, {"log_mel": log_mel}), True), rtol=0, atol=1e-4)
