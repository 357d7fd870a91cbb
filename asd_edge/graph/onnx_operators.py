"""One function per ONNX operator: reads a node, appends the Graph's operator or refuses by name with what could be done.

A fully connected layer becomes a convolution whose kernel covers its whole input: the same sums, with per-channel
weights in every runtime. LeakyRelu becomes PRelu with one slope.
"""

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.onnx_layout import OnnxImport
from asd_edge.graph.ops import (
    Activation,
    Add,
    Affine,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    Logistic,
    MaxPool2D,
    Mul,
    Pad,
    Padding,
    PRelu,
    Relu,
    Reshape,
)


def where(node: onnx.NodeProto) -> str:
    return f"{node.op_type} node {node.name or node.output[0]!r}"


def _attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _pair(value: object, default: tuple[int, int]) -> tuple[int, int]:
    if value is None:
        return default
    assert isinstance(value, list | tuple)
    return int(value[0]), int(value[1])


def _padding(importer: OnnxImport, node: onnx.NodeProto) -> Padding:
    attributes = _attributes(node)
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise GraphError(f"{where(node)}: auto_pad is not supported; export with explicit pads")
    pads = attributes.get("pads", [0, 0, 0, 0])
    assert isinstance(pads, list)
    (time_before, mel_before), (time_after, mel_after) = (
        importer.to_time_mel((pads[0], pads[1])),
        importer.to_time_mel((pads[2], pads[3])),
    )
    return Padding(time_before, time_after, mel_before, mel_after)


def _import_conv(importer: OnnxImport, node: onnx.NodeProto) -> None:
    attributes = _attributes(node)
    weights = importer.constant(node, 1).astype(np.float32)  # (out, in / groups, H, W)
    if weights.ndim != 4:
        raise UnsupportedOperatorError(f"{where(node)}: only 2-D convolutions exist here; export the network as 2-D")
    if _pair(attributes.get("dilations"), (1, 1)) != (1, 1):
        raise UnsupportedOperatorError(f"{where(node)}: dilation is not supported; use stride or a larger kernel")
    source = importer.activation(node.input[0])
    n_outputs, n_inputs = weights.shape[0], importer.tensors[source].shape[3]
    groups = attributes.get("group", 1)
    output = importer.add_activation(node.output[0])
    bias = importer.constant(node, 2).astype(np.float32) if len(node.input) > 2 else np.zeros(n_outputs, np.float32)
    kernel = weights.transpose(0, 3, 2, 1) if importer.time_is_width else weights.transpose(0, 2, 3, 1)
    stride = importer.to_time_mel(_pair(attributes.get("strides"), (1, 1)))
    names = (f"{output}/weights", f"{output}/bias")
    if groups == n_inputs and n_outputs == n_inputs and groups != 1:
        importer.add_weight(names[0], kernel.transpose(3, 1, 2, 0))
        importer.add_weight(names[1], bias)
        importer.ops.append(DepthwiseConv2D((source, *names), output, stride, _padding(importer, node)))
    elif groups == 1:
        importer.add_weight(names[0], kernel)
        importer.add_weight(names[1], bias)
        importer.ops.append(Conv2D((source, *names), output, stride, _padding(importer, node)))
    else:
        raise UnsupportedOperatorError(
            f"{where(node)}: a convolution in {groups} groups of {n_inputs} channels is neither plain nor depthwise; "
            "use group=1 or group=channels with as many outputs"
        )


def _import_gemm(importer: OnnxImport, node: onnx.NodeProto) -> None:
    attributes = _attributes(node)
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0:
        raise UnsupportedOperatorError(f"{where(node)}: transA, alpha and beta other than 1 are not supported")
    weights = importer.constant(node, 1).astype(np.float32)
    if node.op_type == "MatMul" or not attributes.get("transB", 0):
        weights = weights.T  # (out, in)
    source = importer.activation(node.input[0])
    _, time, mel, channels = importer.tensors[source].shape
    height, width = importer.to_time_mel((time, mel))
    kernel = weights.reshape(weights.shape[0], channels, height, width)
    kernel = kernel.transpose(0, 3, 2, 1) if importer.time_is_width else kernel.transpose(0, 2, 3, 1)
    bias = importer.constant(node, 2).astype(np.float32) if len(node.input) > 2 else np.zeros(len(weights), np.float32)
    output = importer.add_activation(node.output[0])
    names = (f"{output}/weights", f"{output}/bias")
    importer.add_weight(names[0], kernel)
    importer.add_weight(names[1], bias)
    importer.ops.append(Conv2D((source, *names), output))


def _import_batch_norm(importer: OnnxImport, node: onnx.NodeProto) -> None:
    gamma, beta, mean, variance = (importer.constant(node, index).astype(np.float64) for index in range(1, 5))
    epsilon = _attributes(node).get("epsilon", 1e-5)
    assert isinstance(epsilon, float)
    scale = gamma / np.sqrt(variance + epsilon)
    _append_affine(importer, node, importer.activation(node.input[0]), scale, beta - mean * scale)


def _append_affine(
    importer: OnnxImport,
    node: onnx.NodeProto,
    source: str,
    scale: NDArray[np.floating],
    offset: NDArray[np.floating],
) -> None:
    output = importer.add_activation(node.output[0])
    names = (f"{output}/scale", f"{output}/offset")
    importer.add_weight(names[0], scale)
    importer.add_weight(names[1], offset)
    importer.ops.append(Affine((source, *names), output))


def _per_channel(
    importer: OnnxImport, node: onnx.NodeProto, values: NDArray[np.generic], n: int
) -> NDArray[np.float64]:
    """A constant operand -> one value per channel. Raises GraphError when it varies along another axis."""
    aligned = values.astype(np.float64)
    shape = (1,) * (4 - aligned.ndim) + aligned.shape
    rank = len(importer.onnx_shapes.get(node.output[0], ()))
    if rank == 2 and aligned.ndim <= 2:
        shape = (1, aligned.size, 1, 1) if aligned.ndim == 0 or aligned.shape[-1] == aligned.size else (0,)
    if aligned.size not in (1, n) or len(shape) != 4 or shape[1] != aligned.size:
        raise UnsupportedOperatorError(
            f"{where(node)}: a constant of shape {list(values.shape)} varies along time or mel; only per-channel constants exist"
        )
    return np.broadcast_to(aligned.reshape(-1), (n,)).astype(np.float64)


def _import_add_or_mul(importer: OnnxImport, node: onnx.NodeProto) -> None:
    is_add = node.op_type == "Add"
    constant_inputs = [name for name in node.input if importer.is_constant(name)]
    if constant_inputs:
        source = importer.activation(next(name for name in node.input if not importer.is_constant(name)))
        n_channels = importer.tensors[source].shape[3]
        values = _per_channel(importer, node, importer.constants[constant_inputs[0]], n_channels)
        scale, offset = (np.ones(n_channels), values) if is_add else (values, np.zeros(n_channels))
        _append_affine(importer, node, source, scale, offset)
        return
    left, right = (importer.activation(name) for name in node.input)
    if importer.tensors[left].shape != importer.tensors[right].shape:
        raise UnsupportedOperatorError(
            f"{where(node)}: operands of shapes {importer.tensors[left].shape} and {importer.tensors[right].shape} broadcast; "
            "expand them to one shape"
        )
    output = importer.add_activation(node.output[0])
    importer.ops.append(Add((left, right), output) if is_add else Mul((left, right), output))


def _import_prelu(importer: OnnxImport, node: onnx.NodeProto) -> None:
    source = importer.activation(node.input[0])
    n_channels = importer.tensors[source].shape[3]
    if node.op_type == "LeakyRelu":
        alpha = _attributes(node).get("alpha", 0.01)
        assert isinstance(alpha, float)
        slope = np.full(n_channels, alpha)
    else:
        slope = _per_channel(importer, node, importer.constant(node, 1), n_channels)
    output = importer.add_activation(node.output[0])
    name = importer.add_weight(f"{output}/slope", slope.reshape(1, 1, n_channels))
    importer.ops.append(PRelu((source, name), output))


def _import_unary(importer: OnnxImport, node: onnx.NodeProto) -> None:
    source = importer.activation(node.input[0])
    if node.op_type == "Elu" and _attributes(node).get("alpha", 1.0) != 1.0:
        raise UnsupportedOperatorError(f"{where(node)}: only alpha = 1 is supported; rescale the neighbouring weights")
    output = importer.add_activation(node.output[0])
    match node.op_type:
        case "Relu":
            importer.ops.append(Relu((source,), output))
        case "Elu":
            importer.ops.append(Elu((source,), output))
        case "Sigmoid":
            importer.ops.append(Logistic((source,), output))


def _import_clip(importer: OnnxImport, node: onnx.NodeProto) -> None:
    bounds = [
        float(importer.constant(node, index)) if index < len(node.input) and node.input[index] else None
        for index in (1, 2)
    ]
    if bounds not in ([0.0, 6.0], [0.0, None]):
        raise UnsupportedOperatorError(f"{where(node)}: bounds {bounds}; only ReLU and ReLU6 exist")
    source = importer.activation(node.input[0])
    activation = Activation.RELU6 if bounds[1] is not None else Activation.RELU
    importer.ops.append(Relu((source,), importer.add_activation(node.output[0]), activation))


def _import_concat(importer: OnnxImport, node: onnx.NodeProto) -> None:
    axis = _attributes(node)["axis"]
    assert isinstance(axis, int)
    if importer.axis(axis) != 3:
        raise UnsupportedOperatorError(f"{where(node)}: axis {axis}; only the channel axis (1) can be concatenated")
    sources = tuple(importer.activation(name) for name in node.input)
    importer.ops.append(Concat(sources, importer.add_activation(node.output[0])))


def _import_pad(importer: OnnxImport, node: onnx.NodeProto) -> None:
    pads = [int(value) for value in importer.constant(node, 1)]
    value = float(importer.constant(node, 2)) if len(node.input) > 2 and node.input[2] else 0.0
    if (
        len(pads) != 8
        or any(pads[index] for index in (0, 1, 4, 5))
        or value
        or _attributes(node).get("mode", b"constant") != b"constant"
    ):
        raise UnsupportedOperatorError(f"{where(node)}: only zeros along H and W can be padded")
    (time_before, mel_before), (time_after, mel_after) = (
        importer.to_time_mel((pads[2], pads[3])),
        importer.to_time_mel((pads[6], pads[7])),
    )
    source = importer.activation(node.input[0])
    padding = Padding(time_before, time_after, mel_before, mel_after)
    importer.ops.append(Pad((source,), importer.add_activation(node.output[0]), padding))


def _import_reshape(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Transpose, Reshape, Flatten, Squeeze, Unsqueeze: only where no value moves, or where a flattened tensor meets Gemm."""
    source = importer.activation(node.input[0])
    before, after = importer.onnx_shapes[node.input[0]], importer.onnx_shapes[node.output[0]]
    if len(after) == 2 and len(before) == 4 and node.op_type in ("Reshape", "Flatten", "Squeeze"):
        importer.views[node.output[0]] = source  # the next Gemm reads it as a convolution over the whole of it
        return
    if node.op_type == "Transpose":
        permutation = _attributes(node)["perm"]
        assert isinstance(permutation, list)
        order = [importer.axis(axis) for axis in range(4)]
        target = [0] * 4
        for onnx_target, onnx_source in enumerate(permutation):
            target[order[onnx_target]] = order[onnx_source]
        shape = importer.tensors[source].shape
        kept = [axis for axis in target if shape[axis] != 1]
        if kept == sorted(kept):
            importer.ops.append(Reshape((source,), importer.add_activation(node.output[0])))
            return
        raise UnsupportedOperatorError(
            f"{where(node)}: permutation {permutation} moves values; only singleton axes may move"
        )
    squeezed = [size for size in before if size != 1], [size for size in after if size != 1]
    ours = importer.tensors[source].shape, importer.shape(after, node.output[0])
    if squeezed[0] == squeezed[1] and [s for s in ours[0] if s != 1] == [s for s in ours[1] if s != 1]:
        importer.ops.append(Reshape((source,), importer.add_activation(node.output[0])))
        return
    raise UnsupportedOperatorError(
        f"{where(node)}: {list(before)} to {list(after)} regroups values; only singleton axes may come and go"
    )


def _import_pool(importer: OnnxImport, node: onnx.NodeProto) -> None:
    attributes = _attributes(node)
    source = importer.activation(node.input[0])
    shape = importer.tensors[source].shape
    output = importer.add_activation(node.output[0])
    if node.op_type in ("GlobalAveragePool", "ReduceMean"):
        if node.op_type == "ReduceMean":
            axes = attributes.get("axes") if len(node.input) < 2 else [int(axis) for axis in importer.constant(node, 1)]
            if not isinstance(axes, list) or sorted(axis % 4 for axis in axes) != [2, 3]:
                raise UnsupportedOperatorError(f"{where(node)}: axes {axes}; only the mean over H and W exists")
        importer.ops.append(AveragePool2D((source,), output, (shape[1], shape[2]), (shape[1], shape[2])))
        return
    if _padding(importer, node) != Padding() or attributes.get("ceil_mode", 0):
        raise UnsupportedOperatorError(f"{where(node)}: padding and ceil_mode are not supported in pooling")
    window = importer.to_time_mel(_pair(attributes.get("kernel_shape"), (1, 1)))
    stride = importer.to_time_mel(_pair(attributes.get("strides"), (1, 1)))
    pool = AveragePool2D if node.op_type == "AveragePool" else MaxPool2D
    importer.ops.append(pool((source,), output, window, stride))


def _import_identity(importer: OnnxImport, node: onnx.NodeProto) -> None:
    importer.views[node.output[0]] = importer.activation(node.input[0])


def _import_constant(importer: OnnxImport, node: onnx.NodeProto) -> None:
    value = _attributes(node).get("value")
    if not isinstance(value, onnx.TensorProto):
        raise UnsupportedOperatorError(f"{where(node)}: only tensor constants are supported")
    importer.constants[node.output[0]] = numpy_helper.to_array(value)


OPERATORS: dict[str, Callable[[OnnxImport, onnx.NodeProto], None]] = {
    "Conv": _import_conv,
    "Gemm": _import_gemm,
    "MatMul": _import_gemm,
    "BatchNormalization": _import_batch_norm,
    "Add": _import_add_or_mul,
    "Mul": _import_add_or_mul,
    "PRelu": _import_prelu,
    "LeakyRelu": _import_prelu,
    "Relu": _import_unary,
    "Elu": _import_unary,
    "Sigmoid": _import_unary,
    "Clip": _import_clip,
    "Concat": _import_concat,
    "Pad": _import_pad,
    "Reshape": _import_reshape,
    "Transpose": _import_reshape,
    "Flatten": _import_reshape,
    "Squeeze": _import_reshape,
    "Unsqueeze": _import_reshape,
    "AveragePool": _import_pool,
    "MaxPool": _import_pool,
    "GlobalAveragePool": _import_pool,
    "ReduceMean": _import_pool,
    "Identity": _import_identity,
    "Dropout": _import_identity,
    "Constant": _import_constant,
}
