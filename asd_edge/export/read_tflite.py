"""A .tflite file -> int8 Graph, the inverse of write_tflite: the reference interpreter runs the very file.

What no stage defines is refused by name: another operator, a float tensor, dilation, a batch, several subgraphs.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from asd_edge.errors import GraphError, UnsupportedOperatorError, WorkDirectoryError
from asd_edge.export.check_shapes import check_shapes
from asd_edge.export.tflite_operators import ACTIVATIONS, FILE_IDENTIFIER, OPERATORS, SAME, SCHEMA_VERSION, builtin_name
from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    Logistic,
    MaxPool2D,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Reshape,
    same_padding,
)

_OP_TYPES = {operator.code: op_type for op_type, operator in OPERATORS.items()}
_ACTIVATIONS = {code: activation for activation, code in ACTIVATIONS.items()}
_DTYPES = {schema.TensorType.INT8: "int8", schema.TensorType.INT32: "int32"}
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
    """One parsed file; `parameters` are the tensors that only say how an operator works (paddings, shapes)."""

    def __init__(self, model: Any) -> None:
        if model.version != SCHEMA_VERSION or len(model.subgraphs) != 1:
            raise GraphError(
                f"schema version {model.version} with {len(model.subgraphs)} subgraphs; version 3 with one is read"
            )
        self.model = model
        self.subgraph: Any = model.subgraphs[0]
        self.names = [tensor.name.decode() for tensor in self.subgraph.tensors]
        self.parameters: set[str] = set()

    def read(self) -> Graph:
        if len(set(self.names)) != len(self.names):
            raise GraphError(f"two tensors share a name; {_NEXT}")
        tensors = {
            name: self._tensor(name, tensor) for name, tensor in zip(self.names, self.subgraph.tensors, strict=True)
        }
        ops = tuple(self._operator(operator, tensors) for operator in self.subgraph.operators)
        kept = {name: tensor for name, tensor in tensors.items() if name not in self.parameters}
        for op in ops:
            if isinstance(op, Conv2D | DepthwiseConv2D):
                _set_channel_axes(kept, op)
        for name in kept:
            if kept[name].quantization is None:
                raise GraphError(f"tensor {name} has no scale; quantize it to int8")
        graph = Graph(kept, ops, self._named(self.subgraph.inputs), self._named(self.subgraph.outputs))
        check_shapes(graph)
        return graph

    def _named(self, indices: Any) -> tuple[str, ...]:
        if min(indices, default=0) < 0:
            raise GraphError("an operator lacks an optional input (a bias); give every convolution a bias")
        return tuple(self.names[index] for index in indices)

    def _tensor(self, name: str, tensor: Any) -> Tensor:
        if tensor.type not in _DTYPES:
            types = {value: key for key, value in vars(schema.TensorType).items() if isinstance(value, int)}
            raise GraphError(
                f"tensor {name} is {types.get(tensor.type, tensor.type)}; only int8 and int32 biases are read: "
                "quantize the whole network to int8"
            )
        dtype = _DTYPES[tensor.type]
        shape = tuple(int(size) for size in tensor.shape)
        buffer = self.model.buffers[tensor.buffer]
        if buffer.offset or buffer.size or tensor.sparsity is not None:
            raise GraphError(f"tensor {name} lies outside the flatbuffer or is sparse; write it into the file in full")
        values = None
        if buffer.data is not None and len(buffer.data):
            little_endian = np.frombuffer(buffer.data.tobytes(), np.dtype(dtype).newbyteorder("<"))
            values = little_endian.astype(dtype).reshape(shape)
        return Tensor(name, shape, dtype, values, _quantization(name, tensor.quantization))

    def _operator(self, operator: Any, tensors: dict[str, Tensor]) -> Op:
        code = self.model.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        inputs, (output,) = self._named(operator.inputs), self._named(operator.outputs)
        if builtin not in _OP_TYPES:
            known = ", ".join(sorted(builtin_name(known) for known in _OP_TYPES))
            raise UnsupportedOperatorError(
                f"operator {builtin_name(builtin)} (output {output!r}) is not supported; this project runs {known}"
            )
        options, op_type = operator.builtinOptions, _OP_TYPES[builtin]
        where = f"{builtin_name(builtin)} (output {output!r})"
        activation = _activation(op_type, options, where)
        if op_type in (Conv2D, DepthwiseConv2D):
            return _convolution(op_type, inputs, output, options, tensors, activation, where)
        if op_type in (AveragePool2D, MaxPool2D):
            return _pool(op_type, inputs, output, options, tensors, where)
        if op_type is Pad:
            self.parameters.add(inputs[1])
            return Pad((inputs[0],), output, _paddings(tensors[inputs[1]], where))
        if op_type is Reshape:
            self.parameters.update(inputs[1:])
            return Reshape((inputs[0],), output)
        if op_type is Concat:
            if options.axis not in (3, -1):
                raise GraphError(f"{where}: axis {options.axis}; only channels (3) are concatenated")
            return Concat(inputs, output)
        n_inputs = 2 if op_type in (Add, Mul, PRelu) else 1
        if len(inputs) != n_inputs:
            raise GraphError(f"{where}: {len(inputs)} inputs where {n_inputs} are needed; {_NEXT}")
        if op_type is Add:
            return Add((inputs[0], inputs[1]), output, activation)
        if op_type is Mul:
            return Mul((inputs[0], inputs[1]), output)
        if op_type is PRelu:
            return PRelu((inputs[0], inputs[1]), output)
        return Elu((inputs[0],), output) if op_type is Elu else Logistic((inputs[0],), output)


def _quantization(name: str, quantization: Any) -> Quantization | None:
    """Per tensor; `_set_channel_axes` says where it is per channel."""
    if quantization is None or quantization.scale is None:
        return None
    scale = np.array(quantization.scale, np.float32)
    zero_point = np.array(quantization.zeroPoint, np.int64)
    is_usable = np.isfinite(scale).all() and (scale > 0).all() and (np.abs(zero_point) <= 128).all()
    if len(scale) != len(zero_point) or not is_usable:
        raise GraphError(f"tensor {name} has unusable scales or zero points; {_NEXT}")
    return Quantization(scale, zero_point.astype(np.int32))


def _set_channel_axes(tensors: dict[str, Tensor], op: Conv2D | DepthwiseConv2D) -> None:
    axes = (3 if isinstance(op, DepthwiseConv2D) else 0, 0)
    for name, axis in zip(op.inputs[1:], axes, strict=True):
        tensor = tensors[name]
        quantization = tensor.quantization
        if tensor.values is None or quantization is None or len(quantization.scale) != tensor.shape[axis]:
            raise GraphError(f"tensor {name} of {op.output} isn't a constant with one scale per channel; {_NEXT}")
        channels = Quantization(quantization.scale, quantization.zero_point, axis)
        tensors[name] = Tensor(name, tensor.shape, tensor.dtype, tensor.values, channels)


def _activation(op_type: type[Op], options: Any, where: str) -> Activation:
    code = getattr(options, "fusedActivationFunction", schema.ActivationFunctionType.NONE)
    fusing = (Conv2D, DepthwiseConv2D, Add)
    if code not in _ACTIVATIONS or (_ACTIVATIONS[code] is not Activation.NONE and op_type not in fusing):
        raise GraphError(f"{where}: fused activation {code} is not supported; make it an operator of its own")
    return _ACTIVATIONS[code]


def _convolution(
    op_type: type[Op],
    inputs: tuple[str, ...],
    output: str,
    options: Any,
    tensors: dict[str, Tensor],
    activation: Activation,
    where: str,
) -> Op:
    if (options.dilationHFactor, options.dilationWFactor) != (1, 1) or getattr(options, "depthMultiplier", 1) != 1:
        raise GraphError(f"{where}: dilation and depth multipliers are not supported; use stride or a larger kernel")
    if len(inputs) != 3:
        raise GraphError(f"{where}: {len(inputs)} inputs; give the convolution weights and a bias")
    stride = (options.strideH, options.strideW)
    padding = Padding()
    if options.padding == SAME:
        (_, time, mel, _), (_, *kernel, _) = tensors[inputs[0]].shape, tensors[inputs[1]].shape
        padding = Padding(*same_padding(time, kernel[0], stride[0]), *same_padding(mel, kernel[1], stride[1]))
    names = (inputs[0], inputs[1], inputs[2])
    if op_type is Conv2D:
        return Conv2D(names, output, stride, padding, activation)
    return DepthwiseConv2D(names, output, stride, padding, activation)


def _pool(
    op_type: type[Op], inputs: tuple[str, ...], output: str, options: Any, tensors: dict[str, Tensor], where: str
) -> Op:
    (source,) = inputs
    window, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
    if options.padding == SAME:
        _, time, mel, _ = tensors[source].shape
        if any((*same_padding(time, window[0], stride[0]), *same_padding(mel, window[1], stride[1]))):
            raise GraphError(f"{where}: padding is not supported in pooling; use a window that divides the map")
    pool = AveragePool2D if op_type is AveragePool2D else MaxPool2D
    return pool((source,), output, window, stride)


def _paddings(tensor: Tensor, where: str) -> Padding:
    if tensor.values is None or tensor.shape != (4, 2):
        raise GraphError(f"{where}: paddings {tensor.name} aren't a 4x2 constant; {_NEXT}")
    batch, time, mel, channels = (tuple(int(size) for size in row) for row in np.asarray(tensor.values, np.int32))
    if any(batch) or any(channels):
        raise GraphError(f"{where}: pads batch or channels; only time and mel are padded")
    return Padding(*time, *mel)
