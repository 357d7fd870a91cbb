"""PReLU in other operators: the same function whatever the slopes, and which operators stand for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.graph.graph import Graph, float_weight
from asd_edge.graph.lower_prelu import lower_leaky_relus, lower_prelus
from asd_edge.graph.ops import PRelu
from asd_edge.graph.passes import run_float_passes
from tests.graph.small_graphs import GraphBuilder, float_graphs
from tests.graph.test_passes import assert_holds_only_what_it_uses, assert_same_function, kinds

MAXIMUM_FORM = ["DepthwiseConv2D", "Maximum"]
SUM_FORM = ["DepthwiseConv2D", "DepthwiseConv2D", "DepthwiseConv2D", "Add"]


def with_slopes(slopes: list[float]) -> Graph:
    """One PReLU between two convolutions."""
    build = GraphBuilder(np.random.default_rng(4), x=(1, 6, 5, 2))
    activated = build.prelu(build.conv("x", len(slopes)))
    graph = build.graph(build.conv(activated, 2))
    name = f"{activated}/slope"
    values = float_weight(name, np.array(slopes).reshape(1, 1, -1))
    return replace(graph, tensors={**graph.tensors, name: values})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 99))
def test_lowering_keeps_the_function_of_random_graphs(graph: Graph, seed: int) -> None:
    before = run_float_passes(graph)
    after = lower_prelus(before)
    assert not [op for op in after.ops if isinstance(op, PRelu)]
    assert_same_function(before, after, seed)
    assert_holds_only_what_it_uses(after)


@pytest.mark.parametrize(
    ("slopes", "form"),
    [
        ([0.25, 0.1, 0.9], MAXIMUM_FORM),
        ([0.0, 1.0, -0.5], MAXIMUM_FORM),
        ([0.25, 1.01], SUM_FORM),
        ([3.0, 2.0], SUM_FORM),
    ],
)
def test_a_slope_above_one_decides_the_form(slopes: list[float], form: list[str]) -> None:
    before = with_slopes(slopes)
    after = lower_prelus(before)
    assert kinds(after) == ["Conv2D", *form, "Conv2D"]
    assert_same_function(before, after)


def test_activations_keep_the_name_of_the_prelu() -> None:
    before = with_slopes([0.25])
    assert set(before.activations()) < set(lower_prelus(before).activations())


@pytest.mark.parametrize(("alpha", "form"), [(0.125, MAXIMUM_FORM), (1.5, SUM_FORM)])
def test_leaky_relu_is_lowered_as_a_prelu_of_one_slope(alpha: float, form: list[str]) -> None:
    build = GraphBuilder(np.random.default_rng(4), x=(1, 6, 5, 2))
    before = build.graph(build.leaky_relu(build.conv("x", 3), alpha))
    after = lower_prelus(lower_leaky_relus(before))
    assert kinds(after) == ["Conv2D", *form]
    assert_same_function(before, after)
