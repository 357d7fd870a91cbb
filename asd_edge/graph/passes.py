"""Rewrites of a float Graph, each Graph -> Graph and exact in real arithmetic; `FLOAT_PASSES` is their order.

After them only operators remain that int8 TFLite has, batch normalization is inside the convolutions before it or a
1x1 depthwise convolution of its own (after a ReLU it can't be folded back), and every convolution's padding is one
that TFLite can say: none, SAME, or a Pad before it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from asd_edge.graph.graph import Graph, Tensor, float_weight, with_names, with_ops
from asd_edge.graph.ops import (
    Activation,
    Add,
    Affine,
    Conv2D,
    DepthwiseConv2D,
    Op,
    Pad,
    Padding,
    Relu,
    output_size,
    same_padding,
)

Convolution = Conv2D | DepthwiseConv2D


def _sole_consumer(graph: Graph, name: str) -> Op | None:
    """The one operator that reads a tensor; None when several do or when it is an output of the network."""
    consumers = graph.consumers(name)
    return consumers[0] if len(consumers) == 1 and name not in graph.outputs else None


def _merge_followers(graph: Graph, merged: dict[str, Op], added: tuple[Tensor, ...] = ()) -> Graph:
    """Drop the sole consumer of each tensor in `merged`, whose operator now does its work, and keep the tensor's name.

    An output of the network keeps its name instead.
    """
    renamed: dict[str, str] = {}
    gone: set[str] = set()
    for name in merged:
        (follower,) = graph.consumers(name)
        gone.add(follower.output)
        if follower.output in graph.outputs:
            renamed[name] = follower.output
        else:
            renamed[follower.output] = name
    ops = [merged.get(op.output, op) for op in graph.ops if op.output not in gone]
    return with_ops(graph, tuple(with_names(op, renamed) for op in ops), added)


def absorb_pads(graph: Graph) -> Graph:
    """Requires nothing. Ensures that a Pad before one convolution becomes that convolution's own padding."""
    pads = {
        op.output: op
        for op in graph.ops
        if isinstance(op, Pad) and isinstance(_sole_consumer(graph, op.output), Conv2D | DepthwiseConv2D)
    }
    ops: list[Op] = []
    for op in graph.ops:
        if isinstance(op, Pad) and op.output in pads:
            continue
        if isinstance(op, Conv2D | DepthwiseConv2D) and op.inputs[0] in pads:
            pad = pads[op.inputs[0]]
            padding = Padding(
                op.padding.time_before + pad.padding.time_before,
                op.padding.time_after + pad.padding.time_after,
                op.padding.mel_before + pad.padding.mel_before,
                op.padding.mel_after + pad.padding.mel_after,
            )
            op = replace(op, inputs=(pad.inputs[0], *op.inputs[1:]), padding=padding)
        ops.append(op)
    return with_ops(graph, tuple(ops))


def merge_affines(graph: Graph) -> Graph:
    """Requires nothing. Ensures that no Affine reads only another Affine."""
    for op in graph.ops:
        follower = _sole_consumer(graph, op.output)
        if isinstance(op, Affine) and isinstance(follower, Affine):
            first_scale, first_offset = (graph.values(name).astype(np.float64) for name in op.inputs[1:])
            scale, offset = (graph.values(name).astype(np.float64) for name in follower.inputs[1:])
            added = (
                float_weight(follower.inputs[1], scale * first_scale),
                float_weight(follower.inputs[2], scale * first_offset + offset),
            )
            merged = replace(follower, inputs=(op.inputs[0], *follower.inputs[1:]))
            ops = tuple(merged if other is follower else other for other in graph.ops if other is not op)
            return merge_affines(with_ops(graph, ops, added))
    return graph


def fold_affines(graph: Graph) -> Graph:
    """Requires merged affines. Ensures that an Affine after a convolution without activation is inside its weights."""
    added: list[Tensor] = []
    folded: dict[str, Op] = {}
    for op in graph.ops:
        affine = _sole_consumer(graph, op.output)
        if not (isinstance(op, Conv2D | DepthwiseConv2D) and isinstance(affine, Affine)):
            continue
        if op.activation is not Activation.NONE:
            continue
        weights, bias = (graph.values(name).astype(np.float64) for name in op.inputs[1:])
        scale, offset = (graph.values(name).astype(np.float64) for name in affine.inputs[1:])
        per_output = scale if isinstance(op, DepthwiseConv2D) else scale[:, None, None, None]
        added += [
            float_weight(op.inputs[1], weights * per_output),
            float_weight(op.inputs[2], bias * scale + offset),
        ]
        folded[op.output] = op
    return _merge_followers(graph, folded, tuple(added))


def lower_affines(graph: Graph) -> Graph:
    """Requires folded affines. Ensures that none is left: each becomes a 1x1 depthwise convolution, which is exact."""
    ops: list[Op] = []
    added: list[Tensor] = []
    for op in graph.ops:
        if isinstance(op, Affine):
            scale = graph.values(op.inputs[1]).astype(np.float32)
            weights = float_weight(f"{op.output}/weights", scale.reshape(1, 1, 1, -1))
            added.append(weights)
            ops.append(DepthwiseConv2D((op.inputs[0], weights.name, op.inputs[2]), op.output))
        else:
            ops.append(op)
    return with_ops(graph, tuple(ops), tuple(added))


def fuse_relus(graph: Graph) -> Graph:
    """Requires lowered affines. Ensures that a Relu after a convolution or an Add is that operator's own activation."""
    fused: dict[str, Op] = {}
    for op in graph.ops:
        relu = _sole_consumer(graph, op.output)
        if (
            isinstance(op, Conv2D | DepthwiseConv2D | Add)
            and isinstance(relu, Relu)
            and op.activation is Activation.NONE
        ):
            fused[op.output] = replace(op, activation=relu.activation)
    return _merge_followers(graph, fused)


def lower_relus(graph: Graph) -> Graph:
    """Requires fused relus. Ensures that none is left: each becomes a 1x1 depthwise identity with that activation."""
    ops: list[Op] = []
    added: list[Tensor] = []
    for op in graph.ops:
        if isinstance(op, Relu):
            n_channels = graph.tensors[op.output].shape[3]
            weights = float_weight(f"{op.output}/weights", np.ones((1, 1, 1, n_channels), np.float32))
            bias = float_weight(f"{op.output}/bias", np.zeros(n_channels, np.float32))
            added += [weights, bias]
            ops.append(DepthwiseConv2D((op.inputs[0], weights.name, bias.name), op.output, activation=op.activation))
        else:
            ops.append(op)
    return with_ops(graph, tuple(ops), tuple(added))


def is_same_padding(graph: Graph, op: Convolution) -> bool:
    """Whether TFLite's SAME adds just this convolution's zeros."""
    _, time, mel, _ = graph.tensors[op.inputs[0]].shape
    _, kernel_time, kernel_mel, _ = graph.tensors[op.inputs[1]].shape
    return op.padding == Padding(
        *same_padding(time, kernel_time, op.stride[0]), *same_padding(mel, kernel_mel, op.stride[1])
    )


def insert_pads(graph: Graph) -> Graph:
    """Requires absorbed pads. Ensures that every convolution's padding is zero or SAME; a Pad says the others.

    Zeros that no window reaches (PyTorch's padding at the end of an even axis with stride 2) are left out.
    """
    ops: list[Op] = []
    added: list[Tensor] = []
    for op in graph.ops:
        if not isinstance(op, Conv2D | DepthwiseConv2D):
            ops.append(op)
            continue
        op = replace(op, padding=_reached_padding(graph, op))
        if op.padding != Padding() and not is_same_padding(graph, op):
            source = graph.tensors[op.inputs[0]]
            _, time, mel, channels = source.shape
            padded = Tensor(
                f"{op.output}/padded",
                (
                    1,
                    time + op.padding.time_before + op.padding.time_after,
                    mel + op.padding.mel_before + op.padding.mel_after,
                    channels,
                ),
                "float32",
            )
            added.append(padded)
            ops.append(Pad((source.name,), padded.name, op.padding))
            op = replace(op, inputs=(padded.name, *op.inputs[1:]), padding=Padding())
        ops.append(op)
    return with_ops(graph, tuple(ops), tuple(added))


def _reached_padding(graph: Graph, op: Convolution) -> Padding:
    """The padding without the zeros after the last window."""
    _, time, mel, _ = graph.tensors[op.inputs[0]].shape
    _, kernel_time, kernel_mel, _ = graph.tensors[op.inputs[1]].shape

    def reached(size: int, kernel: int, stride: int, before: int, after: int) -> int:
        last = (output_size(size, kernel, stride, before, after) - 1) * stride + kernel
        return max(last - size - before, 0)

    padding = op.padding
    return replace(
        padding,
        time_after=reached(time, kernel_time, op.stride[0], padding.time_before, padding.time_after),
        mel_after=reached(mel, kernel_mel, op.stride[1], padding.mel_before, padding.mel_after),
    )


FLOAT_PASSES: tuple[Callable[[Graph], Graph], ...] = (
    absorb_pads,
    merge_affines,
    fold_affines,
    lower_affines,
    fuse_relus,
    lower_relus,
    insert_pads,
)


def run_float_passes(graph: Graph) -> Graph:
    """Apply `FLOAT_PASSES` in order."""
    for rewrite in FLOAT_PASSES:
        graph = rewrite(graph)
    return graph
