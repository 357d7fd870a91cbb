"""A network for windows -> the same layers over more columns at once: what an endless image computes bit by bit."""

from dataclasses import replace

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import AveragePool2D, Conv2D, DepthwiseConv2D, MaxPool2D, Op, Pad, output_size


def longer_graph(graph: Graph, n_columns: int) -> Graph:
    """`n_columns` of every network input; a kernel as long as a window then gives several columns."""
    tensors = dict(graph.tensors)
    for name in graph.inputs:
        shape = tensors[name].shape
        tensors[name] = replace(tensors[name], shape=(shape[0], n_columns, *shape[2:]))
    for op in graph.ops:
        shape = graph.tensors[op.output].shape
        n_out = _n_columns_out(graph, op, tensors[op.inputs[0]].shape[1])
        tensors[op.output] = replace(tensors[op.output], shape=(shape[0], n_out, *shape[2:]))
    return Graph(tensors, graph.ops, graph.inputs, graph.outputs)


def _n_columns_out(graph: Graph, op: Op, n_columns: int) -> int:
    match op:
        case (
            Conv2D(inputs=(_, weights, _), stride=stride, padding=padding)
            | DepthwiseConv2D(inputs=(_, weights, _), stride=stride, padding=padding)
        ):
            kernel = graph.tensors[weights].shape[1]
            return output_size(n_columns, kernel, stride[0], padding.time_before, padding.time_after)
        case AveragePool2D() | MaxPool2D():
            raise NotImplementedError("no test has a pool")
        case Pad(padding=padding):
            return n_columns + padding.time_before + padding.time_after
        case _:
            return n_columns
