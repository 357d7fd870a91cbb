"""write_tflite: what the flatbuffer holds, how it is packed, and that LiteRT takes every operator and version of it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import OpResolverType

from asd_edge.errors import GraphError
from asd_edge.export.tflite_operators import OPERATORS, builtin_name
from asd_edge.export.write_tflite import SIGNATURE, tflite_bytes
from asd_edge.graph.graph import Graph, Quantization
from asd_edge.graph.ops import Conv2D, Mul, Padding
from quantization.sqnr import quantize_inputs
from tests.bit_exact import differing_bytes, run_litert
from tests.export.int8_graphs import every_operator, quantized
from tests.graph.small_graphs import GraphBuilder, random_inputs

# What tflite-runtime 2.14's kernels are registered for, int8: op_version.cc of TensorFlow 2.14.
VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "PRELU": 1,
    "ELU": 1,
    "LOGISTIC": 2,
    "ADD": 2,
    "MUL": 2,
    "CONCATENATION": 2,
    "PAD": 2,
    "RESHAPE": 1,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "LEAKY_RELU": 2,
    "TANH": 2,
    "SOFTMAX": 2,
    "MAXIMUM": 2,
    "MEAN": 2,
    "QUANTIZE": 2,
    "FULLY_CONNECTED": 12,  # a scale per output, which tflite-runtime 2.14 lacks; nothing that we export needs it
}
ZERO_POINT_FIELD, DATA_FIELD = 10, 4  # offsets in the vtables of QuantizationParameters and Buffer


@pytest.fixture(scope="module")
def graph() -> Graph:
    return every_operator()


def tensors_of(content: bytes) -> Iterator[Any]:
    model = schema.Model.GetRootAs(content)
    subgraph = model.Subgraphs(0)
    return (subgraph.Tensors(index) for index in range(subgraph.TensorsLength()))


def test_every_operator_is_written_once_and_with_its_version(graph: Graph) -> None:
    assert {type(op) for op in graph.ops} == set(OPERATORS)
    model = schema.ModelT.InitFromPackedBuf(tflite_bytes(graph), 0)
    written = {builtin_name(code.builtinCode): code.version for code in model.operatorCodes}
    assert written == VERSIONS
    assert all(code.builtinCode == code.deprecatedBuiltinCode for code in model.operatorCodes)


def test_reference_interpreter_equals_litert_on_every_operator(graph: Graph) -> None:
    differing = differing_bytes(graph, quantize_inputs(graph, random_inputs(graph, 7)))
    assert len(differing) == len(graph.ops)
    assert not any(differing.values())


@pytest.mark.parametrize(("output_scale", "version"), [(0.5, 2), (1e-4, 3)])
def test_mul_that_scales_up_says_version_3_and_runs(output_scale: float, version: int) -> None:
    builder = GraphBuilder(np.random.default_rng(0), x=(1, 3, 4, 2), y=(1, 3, 4, 2))
    graph = quantized(builder.graph(builder.mul("x", "y")))
    (op,) = graph.ops
    assert isinstance(op, Mul)
    quantization = Quantization(np.array([output_scale], np.float32), np.array([3], np.int32))
    product = replace(graph.tensors[op.output], quantization=quantization)
    graph = replace(graph, tensors={**graph.tensors, op.output: product})
    (code,) = schema.ModelT.InitFromPackedBuf(tflite_bytes(graph), 0).operatorCodes
    assert code.version == version
    assert not any(differing_bytes(graph, quantize_inputs(graph, random_inputs(graph, 1))).values())


def test_same_graph_gives_the_same_bytes(graph: Graph) -> None:
    assert tflite_bytes(graph) == tflite_bytes(graph)
    shuffled = replace(graph, tensors=dict(reversed(list(graph.tensors.items()))))
    assert tflite_bytes(shuffled) == tflite_bytes(graph)


def test_names_signature_and_interface_are_those_of_the_graph(graph: Graph) -> None:
    model = schema.ModelT.InitFromPackedBuf(tflite_bytes(graph), 0)
    (subgraph,) = model.subgraphs
    names = [tensor.name.decode() for tensor in subgraph.tensors]
    assert set(graph.tensors) <= set(names)
    assert tuple(names[index] for index in subgraph.inputs) == graph.inputs
    assert tuple(names[index] for index in subgraph.outputs) == graph.outputs
    (signature,) = model.signatureDefs
    assert signature.signatureKey.decode() == SIGNATURE
    assert [(entry.name.decode(), names[entry.tensorIndex]) for entry in signature.inputs] == [
        ("log_mel", "log_mel"),
        ("wavegram_fir", "wavegram_fir"),
    ]


def test_tensors_are_int8_and_their_parameters_int32(graph: Graph) -> None:
    for tensor in tensors_of(tflite_bytes(graph)):
        name = tensor.Name().decode()
        is_parameter = name.endswith(("/bias", "/paddings", "/shape", "/axes"))
        assert tensor.Type() == (schema.TensorType.INT32 if is_parameter else schema.TensorType.INT8), name
        assert (tensor.Quantization() is None) == name.endswith(("/paddings", "/shape", "/axes")), name


def test_equal_zero_points_and_equal_constants_are_written_once(graph: Graph) -> None:
    zero_points: defaultdict[bytes, set[int]] = defaultdict(set)
    for tensor in tensors_of(tflite_bytes(graph)):
        quantization = tensor.Quantization()
        if quantization is not None:
            table = quantization._tab
            place = table.Vector(table.Offset(ZERO_POINT_FIELD))
            zero_points[quantization.ZeroPointAsNumpy().tobytes()].add(place)
    assert len(zero_points) > 3
    assert all(len(places) == 1 for places in zero_points.values())
    model = schema.ModelT.InitFromPackedBuf(tflite_bytes(graph), 0)
    contents = [b"" if buffer.data is None else buffer.data.tobytes() for buffer in model.buffers]
    assert contents[0] == b""
    assert len(set(contents)) == len(contents)


def test_constants_lie_on_multiples_of_16_bytes(graph: Graph) -> None:
    model = schema.Model.GetRootAs(tflite_bytes(graph))
    places = []
    for index in range(1, model.BuffersLength()):
        table = model.Buffers(index)._tab
        places.append(table.Vector(table.Offset(DATA_FIELD)))
    assert len(places) > 10
    assert all(place % 16 == 0 for place in places)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "expected"),
    [
        ((3, 3), (1, 1), Padding(1, 1, 1, 1), "SAME"),
        ((3, 3), (2, 2), Padding(1, 1, 0, 1), "SAME"),  # 13 frames, 10 mels
        ((3, 3), (1, 1), Padding(), "VALID"),
        ((1, 1), (1, 1), Padding(), "VALID"),
        ((3, 3), (2, 2), Padding(1, 1, 1, 1), "PAD"),
        ((3, 3), (1, 1), Padding(0, 2, 1, 1), "PAD"),
        ((5, 3), (1, 1), Padding(1, 1, 1, 1), "PAD"),
    ],
)
def test_padding_is_said_as_same_or_valid_or_by_a_pad(
    kernel: tuple[int, int], stride: tuple[int, int], padding: Padding, expected: str
) -> None:
    builder = GraphBuilder(np.random.default_rng(0), x=(1, 13, 10, 3))
    graph = quantized(builder.graph(builder.conv("x", 4, kernel, stride, padding)))
    model = schema.ModelT.InitFromPackedBuf(tflite_bytes(graph), 0)
    options = model.subgraphs[0].operators[-1].builtinOptions
    said = "SAME" if options.padding == schema.Padding.SAME else "VALID"
    assert ("PAD" if len(graph.ops) == 2 else said) == expected
    inputs = quantize_inputs(graph, random_inputs(graph, 3))
    litert = run_litert(tflite_bytes(graph), inputs, OpResolverType.BUILTIN_REF)
    assert litert[graph.outputs[0]].shape == graph.tensors[graph.outputs[0]].shape
    assert not any(differing_bytes(graph, inputs).values())


def test_what_tflite_cannot_say_is_refused_by_name(graph: Graph) -> None:
    builder = GraphBuilder(np.random.default_rng(0), x=(1, 13, 10, 3))
    float_graph = builder.graph(builder.unary("relu", builder.conv("x", 4)))
    with pytest.raises(GraphError, match=r"tensor x is float32; quantize"):
        tflite_bytes(float_graph)
    with pytest.raises(GraphError, match="Affine t0 has no TFLite operator"):
        tflite_bytes(_as_int8(GraphBuilder(np.random.default_rng(0), x=(1, 13, 10, 3))))
    op = next(op for op in graph.ops if isinstance(op, Conv2D))
    odd = replace(op, padding=Padding(0, 2, 0, 0))
    with pytest.raises(GraphError, match=f"{op.output}: .* neither VALID nor SAME"):
        tflite_bytes(replace(graph, ops=tuple(odd if other is op else other for other in graph.ops)))


def _as_int8(builder: GraphBuilder) -> Graph:
    """An Affine whose tensors only claim to be int8."""
    graph = builder.graph(builder.affine("x"))
    tensors = {name: replace(tensor, dtype="int8") for name, tensor in graph.tensors.items()}
    return replace(graph, tensors=tensors)
