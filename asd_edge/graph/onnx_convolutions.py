"""ONNX Conv, Gemm, MatMul and poolings -> the Graph's: windows that slide over time and mel.

A fully connected layer becomes a convolution whose kernel covers its whole input: the same sums, with per-channel
weights in every runtime.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from asd_edge.errors import UnsupportedOperatorError
from asd_edge.graph.onnx_attributes import (
    float_attribute,
    int_attribute,
    ints_attribute,
    pair_attribute,
    text_attribute,
)
from asd_edge.graph.onnx_layout import OnnxImport
from asd_edge.graph.ops import AveragePool2D, Conv2D, DepthwiseConv2D, MaxPool2D, Padding


def import_conv(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Plain and depthwise 2-D convolution, any stride and padding."""
    where = importer.where(node)
    weights = importer.constant(node, 1).astype(np.float32)  # (out, in / groups, H, W)
    if weights.ndim != 4:
        raise UnsupportedOperatorError(f"{where}: only 2-D convolutions exist here; export the network as 2-D")
    if pair_attribute(node, "dilations", (1, 1)) != (1, 1):
        raise UnsupportedOperatorError(f"{where}: dilation is not supported; use stride or a larger kernel")
    source = importer.activation(node, 0)
    n_outputs, n_inputs = weights.shape[0], importer.tensors[source].shape[3]
    groups = int_attribute(node, "group", 1)
    is_depthwise = groups == n_inputs == n_outputs and groups != 1
    if groups != 1 and not is_depthwise:
        raise UnsupportedOperatorError(
            f"{where}: a convolution in {groups} groups of {n_inputs} channels is neither plain nor depthwise; "
            "use group=1 or group=channels with as many outputs"
        )
    stride, padding = importer.to_time_mel(pair_attribute(node, "strides", (1, 1))), _padding(importer, node)
    kernel = _time_mel_kernel(importer, weights)
    output, names = _add_weights(importer, node, kernel.transpose(3, 1, 2, 0) if is_depthwise else kernel)
    if is_depthwise:
        importer.ops.append(DepthwiseConv2D((source, *names), output, stride, padding))
    else:
        importer.ops.append(Conv2D((source, *names), output, stride, padding))


def import_gemm(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Gemm and MatMul of a vector, or of a flattened map, by constant weights."""
    where = importer.where(node)
    alpha, beta = float_attribute(node, "alpha", 1.0), float_attribute(node, "beta", 1.0)
    if int_attribute(node, "transA", 0) or alpha != 1.0 or beta != 1.0:
        raise UnsupportedOperatorError(f"{where}: transA {alpha=} {beta=} are not supported; scale the weights instead")
    weights = importer.constant(node, 1).astype(np.float32)
    if not int_attribute(node, "transB", 0):
        weights = weights.T  # (out, in)
    source = importer.flattened(node, 0)
    if len(importer.onnx_shapes[node.input[0]]) != 2 or weights.ndim != 2:
        raise UnsupportedOperatorError(
            f"{where}: only a vector [1, K] can be multiplied by weights [K, M]; "
            "flatten before it, or use a 1x1 convolution"
        )
    _, time, mel, channels = importer.tensors[source].shape
    kernel = weights.reshape(len(weights), channels, *importer.to_time_mel((time, mel)))  # (out, in, H, W)
    output, names = _add_weights(importer, node, _time_mel_kernel(importer, kernel))
    importer.ops.append(Conv2D((source, *names), output))


def _time_mel_kernel(importer: OnnxImport, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(out, in, H, W) -> (out, time, mel, in)."""
    return weights.transpose(0, 3, 2, 1) if importer.time_is_width else weights.transpose(0, 2, 3, 1)


def _add_weights(
    importer: OnnxImport, node: onnx.NodeProto, kernel: NDArray[np.float32]
) -> tuple[str, tuple[str, str]]:
    """Declare a convolution's output, weights and bias (zeros if the node has none): (output, (weights, bias))."""
    output = importer.add_activation(node.output[0])
    n_outputs = importer.tensors[output].shape[3]
    bias = importer.optional_constant(node, 2)
    values = np.zeros(n_outputs) if bias is None else bias.astype(np.float64).reshape(-1)
    weights_name = importer.add_weight(f"{output}/weights", kernel)
    return output, (weights_name, importer.add_weight(f"{output}/bias", np.broadcast_to(values, n_outputs)))


def _padding(importer: OnnxImport, node: onnx.NodeProto) -> Padding:
    if text_attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnsupportedOperatorError(f"{importer.where(node)}: auto_pad is not supported; export with explicit pads")
    top, left, bottom, right = ints_attribute(node, "pads", (0, 0, 0, 0))
    return padding_of(importer, (top, left), (bottom, right))


def padding_of(importer: OnnxImport, before: tuple[int, int], after: tuple[int, int]) -> Padding:
    """Zeros (H, W) before and after -> those of time and mel."""
    time_before, mel_before = importer.to_time_mel(before)
    time_after, mel_after = importer.to_time_mel(after)
    return Padding(time_before, time_after, mel_before, mel_after)


def import_pool(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """AveragePool and MaxPool without padding."""
    if (
        _padding(importer, node) != Padding()
        or int_attribute(node, "ceil_mode", 0)
        or pair_attribute(node, "dilations", (1, 1)) != (1, 1)
    ):
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: padding, ceil_mode and dilations are not supported in pooling; "
            "pad with an operator before it, or choose a window that fits"
        )
    source = importer.activation(node, 0)
    window = importer.to_time_mel(pair_attribute(node, "kernel_shape", (1, 1)))
    stride = importer.to_time_mel(pair_attribute(node, "strides", (1, 1)))
    pool = AveragePool2D if node.op_type == "AveragePool" else MaxPool2D
    importer.ops.append(pool((source,), importer.add_activation(node.output[0]), window, stride))


def import_global_pool(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """GlobalAveragePool, and ReduceMean over H and W: one window over the whole map."""
    source = importer.activation(node, 0)
    if node.op_type == "ReduceMean":
        constant = importer.optional_constant(node, 1)
        axes = ints_attribute(node, "axes", ()) if constant is None else tuple(int(axis) for axis in constant)
        if len(importer.onnx_shapes[node.input[0]]) != 4 or sorted(axis % 4 for axis in axes) != [2, 3]:
            raise UnsupportedOperatorError(
                f"{importer.where(node)}: mean over the axes {list(axes)}; only the mean over H and W (2, 3) exists"
            )
    _, time, mel, _ = importer.tensors[source].shape
    importer.ops.append(AveragePool2D((source,), importer.add_activation(node.output[0]), (time, mel), (time, mel)))
