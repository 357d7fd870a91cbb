"""Calibration: the ranges of all activations over all clips, and what it refuses."""

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.calibrate import calibrate
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs


def small_graph() -> Graph:
    build = GraphBuilder(np.random.default_rng(0), x=(1, 5, 4, 2))
    return build.graph(build.prelu(build.conv("x", 3, (3, 3))))


def test_ranges_hold_every_value_of_every_clip_and_no_more() -> None:
    graph = small_graph()
    clips = [random_inputs(graph, seed) for seed in range(4)]
    done: list[tuple[int, int]] = []
    ranges = calibrate(graph, iter(clips), len(clips), lambda n, total: done.append((n, total)))
    seen = [run_float(graph, clip) for clip in clips]
    assert list(ranges) == list(graph.activations())
    for name, observed in ranges.items():
        assert observed.low == min(float(activations[name].min()) for activations in seen)
        assert observed.high == max(float(activations[name].max()) for activations in seen)
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_no_clip_is_refused() -> None:
    with pytest.raises(QuantizationError, match="no calibration clip; give a folder with normal clips"):
        calibrate(small_graph(), [], 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_value_that_is_not_finite_is_refused_in_whichever_clip_it_is(bad: float, position: int) -> None:
    graph = small_graph()
    clips: list[dict[str, FloatArray]] = [random_inputs(graph, seed) for seed in range(3)]
    clips[position]["x"][0, 2, 1, 0] = bad
    with pytest.raises(QuantizationError, match=f"activation x isn't finite on calibration clip {position + 1} of 3"):
        calibrate(graph, clips, 3)
