"""Google's list of Edge TPU operators, applied to an int8 Graph: what edgetpu_compiler can be expected to map.

The compiler maps operators in the order of execution up to the first that it refuses; all behind it run on the CPU.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from asd_edge.export.targets.report import OffOperator, Verdict
from asd_edge.export.tflite_operators import builtin_name, tflite_operator
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Op

JUDGE = "the rules of the Edge TPU's operator list"
NOT_COMPARED = "on the list by hearsay: no published copy of its row was at hand"
BEHIND = "behind the first refused operator"
LONGEST_SOFTMAX = 16_000
_TABLE = Path(__file__).with_name("edge_tpu_operators.yaml")


@dataclass(frozen=True)
class EdgeTpuOperator:
    """One line of the list; `rule` names the check of `limit`."""

    runtime: int = 0  # the first with this operator
    limit: str = ""
    rule: str | None = None
    compared: bool = True  # with a published copy of the list


@cache
def edge_tpu_operators() -> dict[str, EdgeTpuOperator]:
    """TFLite's name -> the list's line."""
    content = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))["operators"]
    return {name: EdgeTpuOperator(**entry) for name, entry in content.items()}


def apply_rules(graph: Graph) -> Verdict:
    """`partitions`: Edge TPU subgraphs, 0 or 1; `oldest_runtime`: has every mapped operator, 0 where any has."""
    off: list[tuple[str, str]] = []
    runtimes = [0]
    for op in graph.ops:
        name = builtin_name(tflite_operator(graph, op).code)
        reason = BEHIND if off else _refusal(graph, op, name)
        if reason is None:
            runtimes.append(edge_tpu_operators()[name].runtime)
        else:
            off.append((name, reason))
    n_on = len(graph.ops) - len(off)
    refused = Counter(off)  # in order of first occurrence
    return Verdict(
        JUDGE,
        n_on,
        tuple(OffOperator(name, count, reason) for (name, reason), count in refused.items()),
        {"partitions": min(n_on, 1), "oldest_runtime": max(runtimes)},
    )


def _refusal(graph: Graph, op: Op, name: str) -> str | None:
    """Why the operator isn't mapped; None where it is."""
    if name not in edge_tpu_operators():
        return "not on the list"
    for tensor in (graph.tensors[each] for each in (*op.inputs, op.output)):
        if tensor.values is None and (tensor.dtype != "int8" or tensor.shape[0] != 1):
            return f"tensor {tensor.name} is no int8 map of batch 1"
    entry = edge_tpu_operators()[name]
    if not entry.compared:
        return NOT_COMPARED
    if entry.rule is not None and not RULES[entry.rule](graph, op):
        return entry.limit
    return None


def _no_fused_activation(graph: Graph, op: Op) -> bool:
    return getattr(op, "activation", Activation.NONE) is Activation.NONE


def _no_constant_input(graph: Graph, op: Op) -> bool:
    return all(graph.tensors[name].values is None for name in op.inputs)


def _vector_output(graph: Graph, op: Op) -> bool:
    return int(np.prod(graph.tensors[op.output].shape[:3])) == 1


def _short_vector(graph: Graph, op: Op) -> bool:
    return _vector_output(graph, op) and graph.tensors[op.output].shape[3] <= LONGEST_SOFTMAX


RULES: dict[str, Callable[[Graph, Op], bool]] = {
    "no_fused_activation": _no_fused_activation,
    "no_constant_input": _no_constant_input,
    "vector_output": _vector_output,
    "short_vector": _short_vector,
}
