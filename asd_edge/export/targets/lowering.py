"""Proof that a target's exact forms change nothing, and a measure of what its approximate ones do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.export.check_outputs import Difference, Outputs, check_equal
from asd_edge.export.targets.target import Target, lower_exactly, lower_for_target
from asd_edge.graph.graph import Graph


@dataclass(frozen=True)
class LoweringRecord:
    """1 - cosine between the outputs of the float network and of its lowered form; None where all forms are exact."""

    exact: Difference
    approximation_mean: float | None
    approximation_worst: float | None


def check_lowering(graph: Graph, target: Target, outputs: Callable[[Graph], Outputs]) -> LoweringRecord | None:
    """`outputs` runs a float graph on some clips. None for a target that takes every graph as it is.

    Raises GraphError where an exact form differs visibly.
    """
    if not target.exact and not target.approximate:
        return None
    expected = outputs(graph)
    found = outputs(lower_exactly(graph, target))
    difference = check_equal(f"lowered for {target.name}", expected, found, is_of_order_one=False)
    if not target.approximate:
        return LoweringRecord(difference, None, None)
    found = outputs(lower_for_target(graph, target))
    errors = [_cosine_error(a, b) for a, b in zip(expected, found, strict=True)]
    return LoweringRecord(difference, float(np.mean(errors)), max(errors))


def _cosine_error(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    a, b = expected.astype(np.float64), found.astype(np.float64)
    return float(1 - a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-300))
