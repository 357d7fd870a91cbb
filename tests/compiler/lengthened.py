"""A network for windows -> the same operators over more columns, as one long window: what an endless image computes."""

from dataclasses import replace

from asd_edge.export.check_shapes import check_shapes
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding, output_size


def lengthened(graph: Graph, n_columns: int) -> Graph:
    """A kernel as long as the window then gives several columns."""
    longer = {name: replace(graph.tensors[name], shape=(1, time, *graph.tensors[name].shape[2:]))
              for name, time in _times(graph, n_columns, is_padded_behind=True).items()}  # fmt: skip
    found = Graph({**graph.tensors, **longer}, graph.ops, graph.inputs, graph.outputs)
    check_shapes(found)
    return found


def complete_columns(graph: Graph, n_columns: int) -> int:
    """Of the output: how many see nothing of the padding behind the last of `n_columns`."""
    return _times(graph, n_columns, is_padded_behind=False)[graph.outputs[0]]


def _times(graph: Graph, n_columns: int, is_padded_behind: bool) -> dict[str, int]:
    """Columns of each tensor that is computed."""
    times = dict.fromkeys(graph.inputs, n_columns)
    for op in graph.ops:
        time = min(times[name] for name in op.inputs if name in times)
        padding, stride = getattr(op, "padding", Padding()), getattr(op, "stride", (1, 1))
        kernel = getattr(op, "window", None) or (1, 1)
        if len(op.inputs) == 3:
            kernel = graph.tensors[op.inputs[1]].shape[1:3]
        behind = padding.time_after if is_padded_behind else 0
        times[op.output] = max(0, output_size(time, kernel[0], stride[0], padding.time_before, behind))
    return times
