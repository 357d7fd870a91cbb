"""Delays: fewer peaks where a network is large, none where it is small, and always the same."""

import numpy as np
import pytest

from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan import plan_stream
from asd_edge.compiler.schedule import AIM, SMALL_TICK, choose_delays, tick_costs
from asd_edge.compiler.simulate import simulate
from asd_edge.compiler.stream_graph import StreamGraph
from asd_edge.graph.ops import Padding
from tests.compiler.toy_graphs import residual_tower
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

SAME = Padding(1, 1, 1, 1)


def heavy_network() -> StreamGraph:
    """Two strided stages of 1x1 layers that cost more than a small tick where they fall together."""
    b = GraphBuilder(np.random.default_rng(2), log_mel=(1, 61, 16, 2))
    x = b.prelu(b.conv("log_mel", 24, (3, 3), (2, 1), Padding(1, 1, 1, 1)))
    for n_channels in (96, 128):
        x = b.prelu(b.depthwise(b.prelu(b.conv(x, 4 * n_channels)), (3, 3), (2, 1), SAME))
        x = b.conv(x, n_channels // 4)
    _, time, mel, _ = b.shape(x)
    return fuse(quantized(b.graph(b.conv(x, 8, (time, mel)))))


def test_a_small_network_is_never_delayed() -> None:
    graph = fuse(residual_tower())
    assert tick_costs(graph, simulate(graph, {}, False)).max() <= SMALL_TICK
    assert choose_delays(graph, False, Core.GENERIC) == {}


def test_a_heavy_network_is_spread_and_keeps_up() -> None:
    graph = heavy_network()
    before = tick_costs(graph, simulate(graph, {}, False))
    assert before.max() > max(SMALL_TICK, AIM * before.mean())
    delays = choose_delays(graph, False, Core.GENERIC)
    assert delays == choose_delays(graph, False, Core.GENERIC)
    plan = plan_stream(graph, delays, False, Core.GENERIC)
    after = tick_costs(graph, plan.timeline)
    assert after.sum() == before.sum()
    assert after.max() < 0.7 * before.max()


def test_the_search_reports_how_far_it_is() -> None:
    seen: list[tuple[int, int]] = []
    choose_delays(heavy_network(), False, Core.GENERIC, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert {total for _, total in seen} == {seen[0][1]}
    assert len(seen) <= seen[0][1]


@pytest.mark.parametrize("is_endless", [False, True])
def test_the_cost_of_a_period_doesnt_depend_on_delays(is_endless: bool) -> None:
    graph = fuse(residual_tower(), is_endless)
    costs = [
        tick_costs(graph, simulate(graph, delays, is_endless)).sum() for delays in ({}, {graph.steps[2].output: 1})
    ]
    assert costs[0] == costs[1]
