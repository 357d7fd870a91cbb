"""Compares the outputs of two forms of one float network on the same inputs, and refuses a visible difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError

MAX_DIFFERENCE = 1e-4

Outputs = Sequence[NDArray[np.float32]]  # one flat array per run


@dataclass(frozen=True)
class Difference:
    """`max_abs_difference` over all outputs of all runs; `limit` is what it had to stay below."""

    max_abs_difference: float
    limit: float
    output_peak: float  # greatest absolute value of the expected outputs
    n_runs: int


def check_equal(what: str, expected: Outputs, found: Outputs, is_of_order_one: bool) -> Difference:
    """Raise GraphError where the outputs differ by MAX_DIFFERENCE or more.

    An output of order 1 (the reference model's embedding) is held to MAX_DIFFERENCE itself, any other (a
    reconstruction in dB, a network of the user's own) to MAX_DIFFERENCE times its greatest absolute value, if above 1.
    """
    a, b = np.array(expected, np.float64), np.array(found, np.float64)  # (n_runs, n_outputs)
    peak = float(np.abs(a).max())
    limit = MAX_DIFFERENCE * (1.0 if is_of_order_one else max(1.0, peak))
    difference = float(np.abs(a - b).max())
    if not difference < limit:  # NaN too
        raise GraphError(
            f"{what}: outputs differ by {difference:.2g} (limit {limit:.2g}) on the same inputs, so nothing was "
            "written: an operator is converted wrongly, or float32 is too coarse for the weights; report the model"
        )
    return Difference(difference, limit, peak, len(a))
