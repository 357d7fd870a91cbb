"""One-code functions behind a Reshape that keeps time -> before it, so that they fuse with the convolution there."""

from dataclasses import replace

import numpy as np

from asd_edge.compiler.one_code_functions import is_one_code_function
from asd_edge.graph.graph import Graph, Quantization, Tensor, with_ops
from asd_edge.graph.ops import DepthwiseConv2D, Elu, LeakyRelu, Logistic, Op, Relu, Requantize, Reshape, Tanh


def swap_reshapes(graph: Graph) -> Graph:
    """Requires an int8 graph. Ensures that no Reshape keeping time is followed by a function that is the same for all
    its channels; the tensor in between gets the name of the function's output with "/columns" added.
    """
    while (swapped := _swap_one(graph)) is not None:
        graph = swapped
    return graph


def _swap_one(graph: Graph) -> Graph | None:
    for op in graph.ops:
        if not isinstance(op, Reshape) or op.output in graph.outputs or op.output == op.inputs[0]:
            continue
        before, after = graph.tensors[op.inputs[0]], graph.tensors[op.output]
        consumers = graph.consumers(op.output)
        if before.shape[1] != after.shape[1] or len(consumers) != 1 or len(graph.consumers(before.name)) != 1:
            continue
        function = consumers[0]
        if before.name in graph.outputs or not _is_same_for_channels(graph, function):
            continue
        output = graph.tensors[function.output]
        moved_output = replace(output, name=f"{output.name}/columns", shape=before.shape)
        moved, added = _moved(graph, function, before, moved_output)
        reshape = Reshape((moved_output.name,), output.name)
        ops: list[Op] = []
        for other in graph.ops:
            if other is function:
                ops += [moved, reshape]
            elif other is not op:
                ops.append(other)
        return with_ops(graph, tuple(ops), (moved_output, *added))
    return None


def _is_same_for_channels(graph: Graph, op: Op) -> bool:
    if isinstance(op, DepthwiseConv2D):
        return is_one_code_function(graph, op) and graph.tensors[op.output].shape[3] == 1
    return isinstance(op, Elu | LeakyRelu | Logistic | Relu | Requantize | Tanh)


def _moved(graph: Graph, op: Op, source: Tensor, output: Tensor) -> tuple[Op, tuple[Tensor, ...]]:
    """The function on the tensor before the Reshape, and its constants repeated for the channels there."""
    if not isinstance(op, DepthwiseConv2D):
        return replace(op, inputs=(source.name,), output=output.name), ()  # type: ignore[arg-type]
    n_channels = source.shape[3]
    constants = []
    for name, shape in zip(op.inputs[1:], ((1, 1, 1, n_channels), (n_channels,)), strict=True):
        tensor = graph.tensors[name]
        values = np.full(shape, graph.values(name).reshape(-1)[0])
        quantization = tensor.quantization
        assert quantization is not None, "every tensor of an int8 graph has a scale"
        repeated = Quantization(
            np.full(n_channels, quantization.scale[0]),
            np.full(n_channels, quantization.zero_point[0]),
            quantization.axis,
        )
        constants.append(Tensor(f"{output.name}/{name}", shape, tensor.dtype, values, repeated))
    weights, bias = constants
    inputs = (source.name, weights.name, bias.name)
    return replace(op, inputs=inputs, output=output.name), (weights, bias)
