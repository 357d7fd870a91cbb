"""ONNX operators that move or name values -> the Graph's: concatenation, padding, reshapes, identities, constants.

A reshape or transpose is allowed where no value moves in [1, time, mel, channels], or where a map is flattened for a
fully connected layer, which becomes a convolution over the whole of it.
"""

import onnx
from onnx import numpy_helper

from asd_edge.errors import UnsupportedOperatorError
from asd_edge.graph.onnx_attributes import int_attribute, ints_attribute, text_attribute
from asd_edge.graph.onnx_convolutions import padding_of
from asd_edge.graph.onnx_layout import OnnxImport
from asd_edge.graph.ops import Concat, Pad, Reshape


def import_concat(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Concatenation along the channels."""
    axis, rank = int_attribute(node, "axis", 0), len(importer.onnx_shapes[node.output[0]])
    if axis % rank != 1:
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: axis {axis}; only the channel axis (1) can be concatenated"
        )
    sources = tuple(importer.activation(node, index) for index in range(len(node.input)))
    importer.ops.append(Concat(sources, importer.add_activation(node.output[0])))


def import_pad(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Zeros around H and W."""
    source = importer.activation(node, 0)
    rank = len(importer.onnx_shapes[node.input[0]])
    pads, value = importer.constant(node, 1), importer.optional_constant(node, 2)
    axes = importer.optional_constant(node, 3)
    amounts = [[0, 0] for _ in range(rank)]
    axis_list = range(rank) if axes is None else [int(axis) % rank for axis in axes]
    for index, axis in enumerate(axis_list):
        amounts[axis] = [int(pads[index]), int(pads[index + len(axis_list)])]
    if (
        rank != 4
        or amounts[:2] != [[0, 0], [0, 0]]
        or min(min(pair) for pair in amounts) < 0
        or (value is not None and value.item() != 0)
        or text_attribute(node, "mode", "constant") != "constant"
    ):
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: only zeros along H and W can be added; crop or pad in the front end instead"
        )
    (top, bottom), (left, right) = amounts[2:]
    padding = padding_of(importer, (top, left), (bottom, right))
    importer.ops.append(Pad((source,), importer.add_activation(node.output[0]), padding))


def import_transpose(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """A transpose that moves only axes of length 1 is a reshape."""
    source = importer.activation(node, 0)
    rank = len(importer.onnx_shapes[node.input[0]])
    permutation = ints_attribute(node, "perm", tuple(reversed(range(rank))))
    if rank == 4:
        sources = [0] * 4  # our output axis -> our input axis
        for onnx_output, onnx_input in enumerate(permutation):
            sources[importer.axis(onnx_output)] = importer.axis(onnx_input)
        shape = importer.tensors[source].shape
        kept = [axis for axis in sources if shape[axis] != 1]
        if kept == sorted(kept):
            importer.ops.append(Reshape((source,), importer.add_activation(node.output[0])))
            return
    raise UnsupportedOperatorError(
        f"{importer.where(node)}: permutation {list(permutation)} moves values; only axes of length 1 may move: "
        "keep the layout [1, channels, H, W] throughout the network"
    )


def import_reshape(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: axes of length 1 come and go, or a map is flattened for a Gemm."""
    name = node.output[0]
    before, after = importer.onnx_shapes[node.input[0]], importer.onnx_shapes[name]
    if len(before) == 4 and len(after) == 2:
        importer.shape(after, name)  # refuses what isn't [1, K]
        importer.add_view(name, importer.activation(node, 0))
        return
    source = importer.activation(node, 0)
    if len(after) in (2, 4) and _lengths(before) == _lengths(after):
        target = importer.shape(after, name)
        if _order(importer, before) == _order(importer, after):
            if importer.tensors[source].shape == target:
                importer.add_view(name, source)
            else:
                importer.ops.append(Reshape((source,), importer.add_activation(name)))
            return
    raise UnsupportedOperatorError(
        f"{importer.where(node)}: {list(before)} to {list(after)} regroups values; only axes of length 1 may come and "
        "go, or a map be flattened to [1, K]"
    )


def _lengths(onnx_shape: tuple[int, ...]) -> list[int]:
    return [size for size in onnx_shape if size != 1]


def _order(importer: OnnxImport, onnx_shape: tuple[int, ...]) -> list[int]:
    """The axes longer than 1, numbered in ONNX's order, in the order in which [1, time, mel, channels] has them."""
    if len(onnx_shape) == 2:
        return list(range(len(_lengths(onnx_shape))))
    long_axes = [axis for axis in range(4) if onnx_shape[axis] != 1]
    return sorted(range(len(long_axes)), key=lambda number: importer.axis(long_axes[number]))


def import_identity(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """Identity and Dropout: another name."""
    if importer.is_constant(node.input[0]):
        importer.constants[node.output[0]] = importer.constant(node, 0)
    else:
        importer.add_view(node.output[0], importer.flattened(node, 0))


def import_constant(importer: OnnxImport, node: onnx.NodeProto) -> None:
    """A tensor among the nodes instead of the initializers."""
    value = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
    if value is None:
        raise UnsupportedOperatorError(
            f"{importer.where(node)}: only tensor constants are supported; export with constant folding"
        )
    importer.constants[node.output[0]] = numpy_helper.to_array(value)
