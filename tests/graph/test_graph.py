"""Graph: who reads and writes a tensor, what is a constant, what is dropped."""

import numpy as np
import pytest

from asd_edge.errors import GraphError
from asd_edge.graph.graph import with_names, with_ops
from tests.graph.small_graphs import GraphBuilder


def builder() -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(0), x=(1, 4, 3, 2))


def test_consumers_and_producer_follow_the_names() -> None:
    build = builder()
    conv = build.conv("x", 2)
    total = build.add(conv, conv)
    graph = build.graph(total)
    assert graph.producer("x") is None
    assert graph.producer(total) is graph.ops[1]
    assert graph.consumers("x") == (graph.ops[0],)
    assert graph.consumers(conv) == (graph.ops[1], graph.ops[1])  # once per operand
    assert graph.consumers(total) == ()
    assert graph.activations() == ("x", conv, total)


def test_values_of_an_activation_are_refused() -> None:
    build = builder()
    graph = build.graph(build.conv("x", 2))
    assert graph.values("t0/bias").shape == (2,)
    with pytest.raises(GraphError, match="tensor x is computed at run time"):
        graph.values("x")


def test_operators_can_be_replaced_and_unmentioned_tensors_vanish() -> None:
    build = builder()
    first = build.conv("x", 2)
    graph = build.graph(build.conv(first, 3))
    shorter = with_ops(graph, (with_names(graph.ops[1], {first: "x"}),))
    assert set(shorter.tensors) == {"x", "t1", "t1/weights", "t1/bias"}
    assert shorter.consumers("x") == shorter.ops
    assert graph.ops[1].inputs[0] == first  # the original is untouched
