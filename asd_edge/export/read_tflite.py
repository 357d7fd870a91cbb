"""A .tflite file -> int8 Graph, the inverse of write_tflite: the reference interpreter runs the very file.

Files that other exporters wrote are read too; what they leave out is filled in: a missing bias is zero, one scale of
weights stands for all channels, an activation of two or three dimensions gets four.
What no stage defines is refused by name: another operator, a float tensor, dilation, a batch, several subgraphs,
sums that could leave 32 bits.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asd_edge.errors import GraphError, WorkDirectoryError
from asd_edge.export.check_shapes import check_shapes
from asd_edge.export.read_operator import FileOperator, read_operator
from asd_edge.export.tflite_operators import FILE_IDENTIFIER, OPERATORS, SCHEMA_VERSION
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import Add, Conv2D, DepthwiseConv2D, FullyConnected, Maximum, Mul, Op
from quantization.check_accumulators import check_accumulators

_DTYPES = {schema.TensorType.INT8: "int8", schema.TensorType.INT32: "int32"}
_BIASED = tuple(OPERATORS[op_type].code for op_type in (Conv2D, DepthwiseConv2D, FullyConnected))
_NEXT = "export it again"


def read_tflite(path: Path) -> Graph:
    """The int8 graph with the file's tensor names.

    Raises WorkDirectoryError for a file that can't be opened, UnsupportedOperatorError for an operator that no stage
    defines, GraphError for a damaged file and for anything else that isn't an int8 network of this project's kind.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); run asd-edge export first") from error
    if content[4:8] != FILE_IDENTIFIER:
        raise GraphError(f"{path}: is not a TFLite file; give a .tflite that asd-edge export wrote")
    try:
        model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
        return _Reader(model).read()
    except GraphError as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:  # the schema's classes check nothing: damaged offsets raise whatever they run into
        raise GraphError(f"{path}: damaged or cut off; {_NEXT}") from error


class _Reader:
    """One parsed file; `ranks` are the file's own numbers of dimensions, since an activation has four in the Graph."""

    def __init__(self, model: Any) -> None:
        if model.version != SCHEMA_VERSION or len(model.subgraphs) != 1:
            raise GraphError(
                f"schema version {model.version} with {len(model.subgraphs)} subgraphs; version 3 with one is read"
            )
        self.model = model
        self.subgraph: Any = model.subgraphs[0]
        self.names = [tensor.name.decode() for tensor in self.subgraph.tensors]
        self.tensors: dict[str, Tensor] = {}
        self.ranks: dict[str, int] = {}

    def read(self) -> Graph:
        if len(set(self.names)) != len(self.names):
            raise GraphError(f"two tensors share a name; {_NEXT}")
        inputs, outputs = self._named(self.subgraph.inputs), self._named(self.subgraph.outputs)
        for name in (*inputs, *outputs):
            self._read_tensor(name)
        ops = tuple(self._operator(operator) for operator in self.subgraph.operators)
        kept = {name: self.tensors[name] for op in ops for name in (*op.inputs, op.output)}
        kept |= {name: self.tensors[name] for name in (*inputs, *outputs)}
        for name, tensor in kept.items():
            if tensor.quantization is None:
                raise GraphError(f"tensor {name} has no scale; quantize it to int8")
        graph = Graph(kept, ops, inputs, outputs)
        check_shapes(graph)
        check_accumulators(graph)
        return graph

    def _named(self, indices: Any) -> tuple[str, ...]:
        if min(indices, default=0) < 0:
            raise GraphError(f"an operator lacks an input; {_NEXT}")
        return tuple(self.names[index] for index in indices)

    def _read_tensor(self, name: str) -> None:
        """Into `tensors` and `ranks`, once."""
        if name in self.tensors:
            return
        tensor = self.subgraph.tensors[self.names.index(name)]
        if tensor.type not in _DTYPES:
            types = {value: key for key, value in vars(schema.TensorType).items() if isinstance(value, int)}
            raise GraphError(
                f"tensor {name} is {types.get(tensor.type, tensor.type)}; only int8 and int32 biases are read: "
                "quantize the whole network to int8"
            )
        dtype = _DTYPES[tensor.type]
        shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
        buffer = self.model.buffers[tensor.buffer]
        if buffer.offset or buffer.size or tensor.sparsity is not None:
            raise GraphError(f"tensor {name} lies outside the flatbuffer or is sparse; write it into the file in full")
        self.ranks[name] = len(shape)
        values = None
        if buffer.data is not None and len(buffer.data):
            little_endian = np.frombuffer(buffer.data.tobytes(), np.dtype(dtype).newbyteorder("<"))
            values = little_endian.astype(dtype).reshape(shape)
        else:
            shape = _four_dimensions(shape)
        self.tensors[name] = Tensor(name, shape, dtype, values, _quantization(name, tensor.quantization))

    def _operator(self, operator: Any) -> Op:
        code = self.model.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        (output,) = self._named(operator.outputs)
        indices = list(operator.inputs)
        lacks_bias = builtin in _BIASED and (len(indices) == 2 or (len(indices) == 3 and indices[2] < 0))
        inputs = self._named(indices[:2] if lacks_bias else indices)
        for name in (*inputs, output):
            self._read_tensor(name)
        if lacks_bias:
            inputs = (*inputs, self._add_zero_bias(builtin, inputs, output))
        found = FileOperator(builtin, operator.builtinOptions, inputs, output, self.tensors, self.ranks)
        op = read_operator(found)
        if isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected):
            self._set_channel_axes(op)
        if isinstance(op, Add | Mul | Maximum):
            self._give_constants_four_dimensions(op)
        return op

    def _add_zero_bias(self, builtin: int, inputs: tuple[str, ...], output: str) -> str:
        """A bias of zeros in the scale that TFLite's specification gives it."""
        name, weights = f"{output}/zero_bias", self.tensors[inputs[1]]
        if name in self.names:
            raise GraphError(f"tensor {name} stands where {output} lacks a bias; give every layer a bias")
        n_outputs = weights.shape[3 if builtin == OPERATORS[DepthwiseConv2D].code else 0]
        source, scales = self.tensors[inputs[0]].quantization, weights.quantization
        if source is None or scales is None:
            raise GraphError(f"{output}: input or weights have no scale; quantize them to int8")
        quantization = Quantization(source.scale[0] * scales.scale, np.zeros(len(scales.scale), np.int32))
        self.tensors[name] = Tensor(name, (n_outputs,), "int32", np.zeros(n_outputs, np.int32), quantization)
        return name

    def _set_channel_axes(self, op: Conv2D | DepthwiseConv2D | FullyConnected) -> None:
        """Say which axis has a scale per channel; one scale for all is repeated."""
        axes = (3 if isinstance(op, DepthwiseConv2D) else 0, 0)
        for name, axis in zip(op.inputs[1:], axes, strict=True):
            tensor = self.tensors[name]
            quantization, n_channels = tensor.quantization, tensor.shape[axis]
            is_usable = quantization is not None and len(quantization.scale) in (1, n_channels)
            if tensor.values is None or quantization is None or not is_usable:
                raise GraphError(
                    f"tensor {name} of {op.output} isn't a constant with one scale or one per channel; {_NEXT}"
                )
            scale, zero_point = quantization.scale, quantization.zero_point
            channels = Quantization(
                np.broadcast_to(scale, n_channels).copy(), np.broadcast_to(zero_point, n_channels).copy(), axis
            )
            self.tensors[name] = Tensor(name, tensor.shape, tensor.dtype, tensor.values, channels)

    def _give_constants_four_dimensions(self, op: Add | Mul | Maximum) -> None:
        for name in op.inputs:
            tensor = self.tensors[name]
            if tensor.values is not None:
                shape = (1,) * (4 - len(tensor.shape)) + tensor.shape
                values = tensor.values.reshape(shape)
                self.tensors[name] = Tensor(name, shape, tensor.dtype, values, tensor.quantization)


def _four_dimensions(shape: tuple[int, ...]) -> tuple[int, ...]:
    """An activation's shape in the Graph: [1, n] is [1, 1, 1, n] and [1, a, n] is [1, a, 1, n]; others stay."""
    if len(shape) == 2:
        return (shape[0], 1, 1, shape[1])
    return (shape[0], shape[1], 1, shape[2]) if len(shape) == 3 else shape


def _quantization(name: str, quantization: Any) -> Quantization | None:
    """Per tensor; `_Reader._set_channel_axes` says where it is per channel."""
    if quantization is None or quantization.scale is None:
        return None
    scale = np.array(quantization.scale, np.float32)
    zero_point = np.array(quantization.zeroPoint, np.int64)
    is_usable = np.isfinite(scale).all() and (scale > 0).all() and (np.abs(zero_point) <= 128).all()
    if len(scale) != len(zero_point) or not is_usable:
        raise GraphError(f"tensor {name} has unusable scales or zero points; {_NEXT}")
    return Quantization(scale, zero_point.astype(np.int32))
