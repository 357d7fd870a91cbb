"""tests/bit_exact.py itself: it cuts at each ELU, covers every operator once and notices a byte that differs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Elu
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests import bit_exact
from tests.bit_exact import differing_bytes, pieces
from tests.export.int8_graphs import every_operator
from tests.graph.small_graphs import random_inputs


def test_pieces_hold_every_operator_once_and_elus_alone() -> None:
    graph = every_operator()
    parts = list(pieces(graph))
    assert tuple(op for part in parts for op in part.ops) == graph.ops
    assert [len(part.ops) for part in parts if isinstance(part.ops[0], Elu)] == [1]
    assert not any(isinstance(op, Elu) for part in parts if len(part.ops) > 1 for op in part.ops)
    assert parts[-1].outputs == graph.outputs
    for part in parts:
        assert set(part.inputs) <= set(graph.activations())


@pytest.mark.parametrize("place", [0, -1])
def test_one_changed_byte_is_counted_where_it_is(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = every_operator()
    changed = graph.ops[place].output

    def run_with_one_byte_changed(graph: Graph, inputs: dict[str, NDArray[np.int8]]) -> dict[str, NDArray[np.int8]]:
        activations = run_int8(graph, inputs)
        activations[changed] = activations[changed].copy()
        activations[changed].flat[0] ^= 1
        return activations

    monkeypatch.setattr(bit_exact, "run_int8", run_with_one_byte_changed)
    differing = differing_bytes(graph, quantize_inputs(graph, random_inputs(graph, 7)))
    assert differing[changed] == 1
