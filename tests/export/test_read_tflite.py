"""read_tflite: the inverse of write_tflite, and every file that isn't such a network refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from asd_edge.errors import AsdEdgeError, GraphError, UnsupportedOperatorError, WorkDirectoryError
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.graph import Graph
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests.export.int8_graphs import every_operator, quantized
from tests.export.tflite_changes import changed, operator_of
from tests.graph.small_graphs import GraphBuilder, random_inputs

N_FLIPS = 150


@pytest.fixture(scope="module")
def graph() -> Graph:
    return every_operator()


@pytest.fixture
def path(graph: Graph, tmp_path: Path) -> Path:
    file = tmp_path / "model.tflite"
    file.write_bytes(tflite_bytes(graph))
    return file


def assert_same_graph(found: Graph, expected: Graph) -> None:
    assert (found.ops, found.inputs, found.outputs) == (expected.ops, expected.inputs, expected.outputs)
    assert set(found.tensors) == set(expected.tensors)
    for name, tensor in expected.tensors.items():
        other = found.tensors[name]
        assert (other.name, other.shape, other.dtype) == (name, tensor.shape, tensor.dtype)
        assert (other.values is None) == (tensor.values is None)
        if tensor.values is not None:
            assert other.values is not None
            assert other.values.dtype == tensor.values.dtype
            np.testing.assert_array_equal(other.values, tensor.values)
        assert tensor.quantization is not None
        assert other.quantization is not None
        assert other.quantization.axis == tensor.quantization.axis
        np.testing.assert_array_equal(other.quantization.scale, tensor.quantization.scale, strict=True)
        np.testing.assert_array_equal(other.quantization.zero_point, tensor.quantization.zero_point, strict=True)


def test_read_graph_is_the_written_one(graph: Graph, path: Path) -> None:
    assert_same_graph(read_tflite(path), graph)


def test_one_channel_keeps_its_axis(tmp_path: Path) -> None:
    builder = GraphBuilder(np.random.default_rng(0), x=(1, 6, 5, 1))
    graph = quantized(builder.graph(builder.depthwise(builder.conv("x", 1))))
    (tmp_path / "model.tflite").write_bytes(tflite_bytes(graph))
    assert_same_graph(read_tflite(tmp_path / "model.tflite"), graph)


def test_writing_what_was_read_gives_the_same_bytes(path: Path) -> None:
    assert tflite_bytes(read_tflite(path)) == path.read_bytes()


def test_read_graph_computes_what_the_written_one_does(graph: Graph, path: Path) -> None:
    inputs = quantize_inputs(graph, random_inputs(graph, 11))
    (output,) = graph.outputs
    np.testing.assert_array_equal(run_int8(read_tflite(path), inputs)[output], run_int8(graph, inputs)[output])


def tensor(model: Any, name: str) -> Any:
    return next(tensor for tensor in model.subgraphs[0].tensors if tensor.name == name.encode())


def set_operator_code(model: Any) -> None:
    code = next(code for code in model.operatorCodes if code.builtinCode == schema.BuiltinOperator.ELU)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.COS


def set_float(model: Any) -> None:
    tensor(model, "log_mel").type = schema.TensorType.FLOAT32


def set_dilation(model: Any) -> None:
    operator_of(model, "CONV_2D").builtinOptions.dilationHFactor = 2


def set_fused_activation(model: Any) -> None:
    operator_of(model, "CONCATENATION").builtinOptions.fusedActivationFunction = 1


def set_concatenation_axis(model: Any) -> None:
    operator_of(model, "CONCATENATION").builtinOptions.axis = 1


def set_input_missing(model: Any) -> None:
    op = operator_of(model, "CONV_2D")
    op.inputs = np.array([op.inputs[0], -1, op.inputs[2]], np.int32)


def set_shape(model: Any) -> None:
    tensor(model, "t0").shape = np.array([1, 13, 10, 5], np.int32)


def set_batch(model: Any) -> None:
    tensor(model, "log_mel").shape = np.array([2, 13, 10, 2], np.int32)


def set_scale_missing(model: Any) -> None:
    tensor(model, "t0").quantization = None


def set_scale_negative(model: Any) -> None:
    tensor(model, "t0").quantization.scale = np.array([-1.0], np.float32)


def set_two_scales(model: Any) -> None:
    quantization = tensor(model, "t1/weights").quantization
    quantization.scale, quantization.zeroPoint = quantization.scale[:2], quantization.zeroPoint[:2]


def set_asymmetric_weights(model: Any) -> None:
    quantization = tensor(model, "t1/weights").quantization
    quantization.zeroPoint = quantization.zeroPoint + 3


def set_same_names(model: Any) -> None:
    tensor(model, "t0").name = b"log_mel"


def set_order(model: Any) -> None:
    model.subgraphs[0].operators.reverse()


def set_output(model: Any) -> None:
    subgraph = model.subgraphs[0]
    names = [tensor.name for tensor in subgraph.tensors]
    subgraph.outputs = np.array([names.index(b"t1/weights")], np.int32)


def set_second_subgraph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def set_bias_beyond_32_bits(model: Any) -> None:
    buffer = model.buffers[tensor(model, "t1/bias").buffer]
    buffer.data = np.full(len(buffer.data) // 4, 2**31 - 1, np.int32).view(np.uint8)


def set_scale_that_shifts_left(model: Any) -> None:
    tensor(model, "t1").quantization.scale = np.array([1e-9], np.float32)


def set_alpha_negative(model: Any) -> None:
    operator_of(model, "LEAKY_RELU").builtinOptions.alpha = -0.1


def set_beta_zero(model: Any) -> None:
    operator_of(model, "SOFTMAX").builtinOptions.beta = 0.0


def set_mean_of_channels(model: Any) -> None:
    axes = next(tensor for tensor in model.subgraphs[0].tensors if tensor.name.endswith(b"/axes"))
    model.buffers[axes.buffer].data = np.array([2, 3], np.int32).view(np.uint8)


def set_softmax_scale(model: Any) -> None:
    op = operator_of(model, "SOFTMAX")
    model.subgraphs[0].tensors[op.outputs[0]].quantization.scale = np.array([1 / 128], np.float32)


def set_maximum_scale(model: Any) -> None:
    op = operator_of(model, "MAXIMUM")
    model.subgraphs[0].tensors[op.outputs[0]].quantization.zeroPoint = np.array([77], np.int64)


CHANGES: dict[Callable[[Any], None], tuple[type[AsdEdgeError], str]] = {
    set_operator_code: (UnsupportedOperatorError, r"operator COS \(output 't\d+'\) is not supported.*ELU"),
    set_float: (GraphError, "tensor log_mel is FLOAT32.*quantize the whole network"),
    set_dilation: (GraphError, r"CONV_2D \(output 't\d+'\): dilation"),
    set_fused_activation: (GraphError, r"CONCATENATION .*fused activation 1 is not supported"),
    set_concatenation_axis: (GraphError, "CONCATENATION .*axis 1"),
    set_input_missing: (GraphError, "an operator lacks an input"),
    set_shape: (GraphError, r"tensor t0 has the shape \(1, 13, 10, 5\); its operator gives \(1, 13, 10, 4\)"),
    set_batch: (GraphError, r"tensor log_mel is int8 \(2, 13, 10, 2\)"),
    set_scale_missing: (GraphError, "tensor t0 has no scale"),
    set_scale_negative: (GraphError, "tensor t0 has unusable scales"),
    set_two_scales: (GraphError, "tensor t1/weights of t1 isn't a constant with one scale or one per channel"),
    set_asymmetric_weights: (GraphError, "tensor t1/weights needs symmetric scales"),
    set_same_names: (GraphError, "two tensors share a name"),
    set_order: (GraphError, "is read by .* before an operator gives it"),
    set_output: (GraphError, "output t1/weights is given by no operator"),
    set_bias_beyond_32_bits: (GraphError, r"t1: at these scales a sum could reach 2\.\d+e\+09, beyond 32 bits"),
    set_scale_that_shifts_left: (GraphError, "t1: at these scales a sum could reach .*, beyond 32 bits"),
    set_alpha_negative: (GraphError, r"LEAKY_RELU .*alpha -0\.1"),
    set_beta_zero: (GraphError, r"SOFTMAX .*beta 0\.0"),
    set_mean_of_channels: (GraphError, r"MEAN .*axes \(2, 3\)"),
    set_softmax_scale: (GraphError, r"has the scale 0\.0078125 and zero point -128; its operator gives 0\.00390625"),
    set_maximum_scale: (GraphError, "another scale or zero point than"),
    set_second_subgraph: (GraphError, "2 subgraphs"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_file_of_another_kind_is_refused_by_name(change: Callable[[Any], None], path: Path) -> None:
    error, words = CHANGES[change]
    changed(path, change)
    with pytest.raises(error, match=words) as caught:
        read_tflite(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_bias_is_zero(graph: Graph, path: Path) -> None:
    def drop_bias(model: Any) -> None:
        op = operator_of(model, "CONV_2D")
        op.inputs = np.array([*op.inputs[:2], -1], np.int32)

    changed(path, drop_bias)
    found = read_tflite(path)
    bias, written = found.tensors["t1/zero_bias"], graph.tensors["t1/bias"]
    assert np.asarray(bias.values).tolist() == [0] * len(np.asarray(written.values))
    assert bias.quantization is not None
    assert written.quantization is not None
    np.testing.assert_allclose(bias.quantization.scale, written.quantization.scale, rtol=1e-6)


def test_one_scale_of_weights_stands_for_all_channels(graph: Graph, path: Path) -> None:
    def keep_one_scale(model: Any) -> None:
        quantization = tensor(model, "t1/weights").quantization
        quantization.scale, quantization.zeroPoint = quantization.scale[:1], quantization.zeroPoint[:1]

    changed(path, keep_one_scale)
    found, written = read_tflite(path).tensors["t1/weights"].quantization, graph.tensors["t1/weights"].quantization
    assert found is not None
    assert written is not None
    assert (found.axis, found.scale.tolist()) == (0, [written.scale[0]] * len(written.scale))


def test_unchanged_rewrite_is_still_read(graph: Graph, path: Path) -> None:
    changed(path, lambda model: None)
    assert_same_graph(read_tflite(path), graph)


@pytest.mark.parametrize("share_kept", [0, 0.001, 0.1, 0.5, 0.9, 0.99])
def test_truncated_file_is_refused(share_kept: float, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share_kept)])
    with pytest.raises(GraphError, match=r"damaged or cut off|not a TFLite file"):
        read_tflite(path)


def test_flipped_bits_never_end_in_anything_but_a_graph_or_an_error(path: Path) -> None:
    content = path.read_bytes()
    rng = np.random.default_rng(3)
    refused = 0
    for place, bit in zip(rng.integers(8, len(content), N_FLIPS), rng.integers(0, 8, N_FLIPS), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            read_tflite(path)
        except AsdEdgeError:
            refused += 1
    assert refused > N_FLIPS // 10  # the others hit weights, names and paddings between tables


def test_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(WorkDirectoryError, match=r"model\.tflite: can't be read .*run asd-edge export"):
        read_tflite(tmp_path / "model.tflite")
