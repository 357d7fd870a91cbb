"""The targets of `export --target`: which passes bring a float Graph into the form that each runs best.

The forms were chosen by measurement (../DESIGN.md, "Targets").
"""

from collections.abc import Callable
from dataclasses import dataclass

from asd_edge.errors import GraphError
from asd_edge.graph.graph import Graph
from asd_edge.graph.lower_elu import lower_elus
from asd_edge.graph.lower_prelu import lower_leaky_relus, lower_prelus

Pass = Callable[[Graph], Graph]


@dataclass(frozen=True)
class Target:
    """`exact` passes change nothing in real arithmetic; `approximate` ones leave an error for distillation."""

    name: str
    exact: tuple[Pass, ...] = ()
    approximate: tuple[Pass, ...] = ()


MCU = Target("mcu")  # our engine and TFLite Micro take every operator as it is
LITERT = Target("litert", (lower_prelus,))  # XNNPACK has no int8 PRELU, and LiteRT's own kernel is slow
CORAL = Target("coral", (lower_leaky_relus, lower_prelus), (lower_elus,))  # the Edge TPU's list has no more
ETHOS_U = Target("ethos-u", (lower_prelus,))  # Vela makes slow elementwise operators of a PRELU
TARGETS = {target.name: target for target in (MCU, LITERT, CORAL, ETHOS_U)}


def find_target(name: str) -> Target:
    """The target of that name. Raises GraphError for one that doesn't exist."""
    if name not in TARGETS:
        raise GraphError(f"{name!r} is no target; choose from {', '.join(TARGETS)}")
    return TARGETS[name]


def lower_exactly(graph: Graph, target: Target) -> Graph:
    """By the exact passes alone."""
    for rewrite in target.exact:
        graph = rewrite(graph)
    return graph


def lower_for_target(graph: Graph, target: Target) -> Graph:
    """By all passes; `graph` has passed the float passes and isn't quantized yet."""
    graph = lower_exactly(graph, target)
    for rewrite in target.approximate:
        graph = rewrite(graph)
    return graph
