"""ONNX operators that work value by value -> the Graph's: normalization, sums, products, activations.

Constants must be one number per channel: a constant that varies along time or mel has no int8 operator that streams.
LeakyRelu becomes PRelu with one slope.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from asd_edge.errors import UnsupportedOperatorError
from asd_edge.graph.onnx_attributes import float_attribute, int_attribute
from asd_edge.graph.onnx_layout import OnnxImport
from asd_edge.graph.ops import Activation, Add, Affine, Elu, Logistic, Mul, PRelu, Relu


def import_batch_norm(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel."""
    if int_attribute(node, "training_mode", 0):
        raise UnsupportedOperatorError(f"{importer.where(node)}: is in training mode; export the network in eval mode")
    gamma, beta, mean, variance = (importer.constant(node, index).astype(np.float64) for index in range(1, 5))
    scale = gamma / np.sqrt(variance + float_attribute(node, "epsilon", 1e-5))
    _append_affine(importer, node, importer.activation(node, 0), scale, beta - mean * scale)


def import_add_or_mul(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Two maps of one shape, or a map and a constant per channel."""
    is_add = node.op_type == "Add"
    constants = [index for index in (0, 1) if importer.is_constant(node.input[index])]
    if constants:
        source = importer.activation(node, 1 - constants[0])
        n_channels = importer.tensors[source].shape[3]
        values = _per_channel(importer, node, importer.constant(node, constants[0]), n_channels)
        scale, offset = (np.ones(n_channels), values) if is_add else (values, np.zeros(n_channels))
        _append_affine(importer, node, source, scale, offset)
        return
    left, right = importer.activation(node, 0), importer.activation(node, 1)
    shapes = importer.tensors[left].shape, importer.tensors[right].shape
    if shapes[0] != shapes[1]:
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: operands of [1, time, mel, channels] {list(shapes[0])} and {list(shapes[1])} "
            "broadcast; expand them to one shape"
        )
    output = importer.add_activation(node.output[0])
    importer.ops.append(Add((left, right), output) if is_add else Mul((left, right), output))


def _append_affine(
    importer: OnnxImport,
    node: onnx.NodeProto,
    source: str,
    scale: NDArray[np.floating],
    offset: NDArray[np.floating],
) -> None:
    output = importer.add_activation(node.output[0])
    if importer.tensors[output].shape != importer.tensors[source].shape:
        raise UnsupportedOperatorError(f"{importer.where(node)}: a constant adds an axis; give one value per channel")
    scale_name = importer.add_weight(f"{output}/scale", scale)
    offset_name = importer.add_weight(f"{output}/offset", offset)
    importer.ops.append(Affine((source, scale_name, offset_name), output))


def _per_channel(
    importer: OnnxImport, node: onnx.NodeProto, values: NDArray[np.generic], n_channels: int
) -> NDArray[np.float64]:
    """A constant operand -> one value per channel; ONNX aligns its shape with the last axes of the result's."""
    rank = len(importer.onnx_shapes[node.output[0]])
    aligned = (1,) * (rank - values.ndim) + values.shape
    if values.size not in (1, n_channels) or len(aligned) != rank or aligned[1] != values.size:
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: a constant of shape {list(values.shape)} varies along time or mel; "
            f"give one value, or one per channel in the shape [{', '.join(['channels', '1', '1'][: rank - 1])}]"
        )
    return np.broadcast_to(values.astype(np.float64).reshape(-1), n_channels)


def import_prelu(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """PRelu with a slope per channel or for all, and LeakyRelu."""
    source = importer.activation(node, 0)
    n_channels = importer.tensors[source].shape[3]
    if node.op_type == "LeakyRelu":
        slope = np.full(n_channels, float_attribute(node, "alpha", 0.01))
    else:
        slope = _per_channel(importer, node, importer.constant(node, 1), n_channels)
    output = importer.add_activation(node.output[0])
    name = importer.add_weight(f"{output}/slope", slope.reshape(1, 1, n_channels))
    importer.ops.append(PRelu((source, name), output))


def import_activation(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Relu, Elu with alpha 1, Sigmoid."""
    source = importer.activation(node, 0)
    if node.op_type == "Elu" and float_attribute(node, "alpha", 1.0) != 1.0:
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: only alpha = 1 is supported; rescale the neighbouring weights"
        )
    output = importer.add_activation(node.output[0])
    match node.op_type:
        case "Relu":
            importer.ops.append(Relu((source,), output))
        case "Elu":
            importer.ops.append(Elu((source,), output))
        case "Sigmoid":
            importer.ops.append(Logistic((source,), output))


def import_clip(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Clip to [0, 6] or [0, infinity)."""
    low, high = (importer.optional_constant(node, index) for index in (1, 2))
    bounds = (None if low is None else float(low.item()), None if high is None else float(high.item()))
    if bounds not in ((0.0, 6.0), (0.0, None)):
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: bounds {bounds[0]} and {bounds[1]}; use ReLU (0 and none) or ReLU6 (0 and 6)"
        )
    source = importer.activation(node, 0)
    activation = Activation.RELU if bounds[1] is None else Activation.RELU6
    importer.ops.append(Relu((source,), importer.add_activation(node.output[0]), activation))
