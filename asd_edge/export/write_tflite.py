"""int8 Graph -> the bytes of a .tflite file, written with the TFLite schema's own classes; same graph, same bytes.

Every tensor is int8 but int32 biases and the int32 constants of PAD, RESHAPE and MEAN. Constants with the same bytes
share a buffer; vectors with the same content (zero points, shapes) share one place in the file.
"""

from collections.abc import Mapping, Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.export.tflite_operators import FILE_IDENTIFIER, SCHEMA_VERSION, TfliteOperator, tflite_operator
from asd_edge.export.write_options import write_options
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import (
    Mean,
    Op,
    Pad,
    Reshape,
)

DESCRIPTION = "asd-edge int8"
SIGNATURE = "serving_default"
_BUFFER_ALIGNMENT = 16  # runtimes read weights in place with vector loads
_TENSOR_TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}
_FIRST_BYTES = 1024  # the builder grows by doubling


def tflite_bytes(graph: Graph) -> bytes:
    """The file's content. Raises GraphError for a tensor that isn't int8 or int32 or a padding TFLite can't say."""
    return _Writer(graph, _TENSOR_TYPES).write()


def float_tflite_bytes(graph: Graph) -> bytes:
    """The same operators with float32 tensors, for comparison: nothing that asd-edge exports is float."""
    return _Writer(graph, {**_TENSOR_TYPES, "float32": schema.TensorType.FLOAT32}).write()


def file_tensors(graph: Graph) -> tuple[list[Tensor], list[list[str]]]:
    """The file's tensors in order (inputs, then each operator's constants and output); each operator's inputs.

    PAD, RESHAPE and MEAN get the constants that TFLite reads their padding, shape and axes from.
    """
    tensors = {name: graph.tensors[name] for name in graph.inputs}
    operands: list[list[str]] = []
    for op in graph.ops:
        constants = [graph.tensors[name] for name in op.inputs if graph.tensors[name].values is not None]
        operands.append(list(op.inputs))
        match op:
            case Pad(padding=p):
                rows = ((0, 0), (p.time_before, p.time_after), (p.mel_before, p.mel_after), (0, 0))
                constants.append(_int32(f"{op.output}/paddings", rows))
                operands[-1].append(constants[-1].name)
            case Reshape():
                constants.append(_int32(f"{op.output}/shape", graph.tensors[op.output].shape))
                operands[-1].append(constants[-1].name)
            case Mean():
                constants.append(_int32(f"{op.output}/axes", op.axes))
                operands[-1].append(constants[-1].name)
            case _:
                pass
        for tensor in (*constants, graph.tensors[op.output]):
            tensors[tensor.name] = tensor
    return list(tensors.values()), operands


def _int32(name: str, values: Sequence[int] | Sequence[tuple[int, int]]) -> Tensor:
    array = np.array(values, np.int32)
    return Tensor(name, array.shape, "int32", array)


class _Writer:
    """A flatbuffer under construction: children before parents, equal vectors once."""

    def __init__(self, graph: Graph, tensor_types: Mapping[str, int]) -> None:
        self.graph = graph
        self.tensor_types = tensor_types
        self.builder = flatbuffers.Builder(_FIRST_BYTES)
        self.vectors: dict[tuple[str, bytes], int] = {}
        self.buffers: dict[bytes, int] = {b"": 0}  # content -> index; buffer 0 is empty and stands for "no constant"
        self.operators: dict[TfliteOperator, int] = {}
        self.tensors, self.operands = file_tensors(graph)
        self.index = {tensor.name: index for index, tensor in enumerate(self.tensors)}

    def write(self) -> bytes:
        tensors = self._tables([self._tensor(tensor) for tensor in self.tensors])
        ops = zip(self.graph.ops, self.operands, strict=True)
        operators = self._tables([self._operator(op, operands) for op, operands in ops])
        subgraphs = self._tables([self._subgraph(tensors, operators)])
        codes = self._tables([self._operator_code(operator) for operator in self.operators])
        buffers = self._tables([self._buffer(content) for content in self.buffers])
        signatures = self._tables([self._signature()])
        description = self.builder.CreateString(DESCRIPTION)
        schema.ModelStart(self.builder)
        schema.ModelAddVersion(self.builder, SCHEMA_VERSION)
        schema.ModelAddOperatorCodes(self.builder, codes)
        schema.ModelAddSubgraphs(self.builder, subgraphs)
        schema.ModelAddDescription(self.builder, description)
        schema.ModelAddBuffers(self.builder, buffers)
        schema.ModelAddSignatureDefs(self.builder, signatures)
        self.builder.Finish(schema.ModelEnd(self.builder), FILE_IDENTIFIER)
        return bytes(self.builder.Output())

    def _vector(self, values: NDArray[np.generic]) -> int:
        """The offset of a vector of numbers with this content."""
        flat = np.ascontiguousarray(values).reshape(-1)
        key = (flat.dtype.str, flat.tobytes())
        if key not in self.vectors:
            self.vectors[key] = self.builder.CreateNumpyVector(flat)
        return self.vectors[key]

    def _indices(self, names: Sequence[str]) -> int:
        return self._vector(np.array([self.index[name] for name in names], np.int32))

    def _tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def _tensor(self, tensor: Tensor) -> int:
        if tensor.dtype not in self.tensor_types:
            raise GraphError(f"tensor {tensor.name} is {tensor.dtype}; quantize the graph before it becomes TFLite")
        content = b"" if tensor.values is None else np.ascontiguousarray(tensor.values).tobytes()
        buffer = self.buffers.setdefault(content, len(self.buffers))
        name = self.builder.CreateString(tensor.name)
        shape = self._vector(np.array(tensor.shape, np.int32))
        quantization = None if tensor.quantization is None else self._quantization(tensor.quantization)
        schema.TensorStart(self.builder)
        schema.TensorAddShape(self.builder, shape)
        schema.TensorAddType(self.builder, self.tensor_types[tensor.dtype])
        schema.TensorAddBuffer(self.builder, buffer)
        schema.TensorAddName(self.builder, name)
        if quantization is not None:
            schema.TensorAddQuantization(self.builder, quantization)
        schema.TensorAddHasRank(self.builder, True)
        return int(schema.TensorEnd(self.builder))

    def _quantization(self, quantization: Quantization) -> int:
        scale = self._vector(quantization.scale.astype(np.float32))
        zero_point = self._vector(quantization.zero_point.astype(np.int64))
        schema.QuantizationParametersStart(self.builder)
        schema.QuantizationParametersAddScale(self.builder, scale)
        schema.QuantizationParametersAddZeroPoint(self.builder, zero_point)
        schema.QuantizationParametersAddQuantizedDimension(self.builder, quantization.axis or 0)
        return int(schema.QuantizationParametersEnd(self.builder))

    def _operator(self, op: Op, operands: Sequence[str]) -> int:
        operator = tflite_operator(self.graph, op)
        code = self.operators.setdefault(operator, len(self.operators))
        inputs, outputs = self._indices(operands), self._indices([op.output])
        options = write_options(self.builder, self.graph, op, self._vector)
        schema.OperatorStart(self.builder)
        schema.OperatorAddOpcodeIndex(self.builder, code)
        schema.OperatorAddInputs(self.builder, inputs)
        schema.OperatorAddOutputs(self.builder, outputs)
        if options is not None:
            schema.OperatorAddBuiltinOptionsType(self.builder, operator.options)
            schema.OperatorAddBuiltinOptions(self.builder, options)
        return int(schema.OperatorEnd(self.builder))

    def _operator_code(self, operator: TfliteOperator) -> int:
        schema.OperatorCodeStart(self.builder)
        schema.OperatorCodeAddDeprecatedBuiltinCode(self.builder, operator.code)  # all codes used are below 127
        schema.OperatorCodeAddBuiltinCode(self.builder, operator.code)
        schema.OperatorCodeAddVersion(self.builder, operator.version)
        return int(schema.OperatorCodeEnd(self.builder))

    def _subgraph(self, tensors: int, operators: int) -> int:
        inputs, outputs = self._indices(self.graph.inputs), self._indices(self.graph.outputs)
        name = self.builder.CreateString("main")
        schema.SubGraphStart(self.builder)
        schema.SubGraphAddTensors(self.builder, tensors)
        schema.SubGraphAddInputs(self.builder, inputs)
        schema.SubGraphAddOutputs(self.builder, outputs)
        schema.SubGraphAddOperators(self.builder, operators)
        schema.SubGraphAddName(self.builder, name)
        return int(schema.SubGraphEnd(self.builder))

    def _buffer(self, content: bytes) -> int:
        data = None
        if content:
            self.builder.Prep(_BUFFER_ALIGNMENT, len(content))
            data = self.builder.CreateNumpyVector(np.frombuffer(content, np.uint8))
        schema.BufferStart(self.builder)
        if data is not None:
            schema.BufferAddData(self.builder, data)
        return int(schema.BufferEnd(self.builder))

    def _signature(self) -> int:
        inputs = self._tables([self._tensor_map(name) for name in self.graph.inputs])
        outputs = self._tables([self._tensor_map(name) for name in self.graph.outputs])
        key = self.builder.CreateString(SIGNATURE)
        schema.SignatureDefStart(self.builder)
        schema.SignatureDefAddInputs(self.builder, inputs)
        schema.SignatureDefAddOutputs(self.builder, outputs)
        schema.SignatureDefAddSignatureKey(self.builder, key)
        return int(schema.SignatureDefEnd(self.builder))

    def _tensor_map(self, name: str) -> int:
        text = self.builder.CreateString(name)
        schema.TensorMapStart(self.builder)
        schema.TensorMapAddName(self.builder, text)
        schema.TensorMapAddTensorIndex(self.builder, self.index[name])
        return int(schema.TensorMapEnd(self.builder))
