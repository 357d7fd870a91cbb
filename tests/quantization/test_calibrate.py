"""Calibration: ranges and channel statistics of all activations over all clips, and what it refuses."""

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.calibrate import calibrate
from quantization.observers import ranges_of
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs


def small_graph() -> Graph:
    build = GraphBuilder(np.random.default_rng(0), x=(1, 5, 4, 2))
    return build.graph(build.prelu(build.conv("x", 3, (3, 3))))


def test_ranges_hold_every_value_of_every_clip_and_no_more() -> None:
    graph = small_graph()
    clips = [random_inputs(graph, seed) for seed in range(4)]
    done: list[tuple[int, int]] = []
    statistics = calibrate(graph, iter(clips), len(clips), lambda n, total: done.append((n, total)))
    seen = [run_float(graph, clip) for clip in clips]
    assert list(statistics) == list(graph.activations())
    for name, observed in ranges_of(statistics).items():
        assert observed.low == min(float(activations[name].min()) for activations in seen)
        assert observed.high == max(float(activations[name].max()) for activations in seen)
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_statistics_are_those_of_all_clips_joined() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 5, 4, 3))
    graph = build.graph(build.prelu(build.conv("x", 2)))
    clips = [random_inputs(graph, seed) for seed in range(4)]
    progress: list[tuple[int, int]] = []
    gathered = calibrate(graph, clips, 4, lambda done, total: progress.append((done, total)))
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for name, seen in gathered.items():
        joined = np.concatenate([run_float(graph, clip)[name] for clip in clips]).reshape(-1, len(seen.mean))
        np.testing.assert_array_equal(seen.low, joined.min(axis=0))
        np.testing.assert_array_equal(seen.high, joined.max(axis=0))
        np.testing.assert_allclose(seen.mean, joined.mean(axis=0, dtype=np.float64), rtol=0, atol=1e-7)
        np.testing.assert_allclose(seen.mean_square, np.square(joined, dtype=np.float64).mean(axis=0), rtol=1e-5)
        assert (seen.range.low, seen.range.high) == (joined.min(), joined.max())


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
