"""Statistics per channel are those of all clips together."""

import numpy as np
import pytest

from asd_edge.errors import QuantizationError
from asd_edge.graph.interpret_float import run_float
from quantization.channel_statistics import gather_channel_statistics
from tests.graph.small_graphs import GraphBuilder, random_inputs


def test_statistics_are_those_of_all_clips_joined() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 5, 4, 3))
    graph = build.graph(build.prelu(build.conv("x", 2)))
    clips = [random_inputs(graph, seed) for seed in range(4)]
    progress: list[tuple[int, int]] = []
    gathered = gather_channel_statistics(graph, clips, 4, lambda done, total: progress.append((done, total)))
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for name, seen in gathered.items():
        joined = np.concatenate([run_float(graph, clip)[name] for clip in clips]).reshape(-1, len(seen.mean))
        np.testing.assert_array_equal(seen.low, joined.min(axis=0))
        np.testing.assert_array_equal(seen.high, joined.max(axis=0))
        np.testing.assert_allclose(seen.mean, joined.mean(axis=0, dtype=np.float64), rtol=0, atol=1e-7)
        assert (seen.range.low, seen.range.high) == (joined.min(), joined.max())


def test_no_clip_and_a_nan_are_refused() -> None:
    build = GraphBuilder(np.random.default_rng(1), x=(1, 2, 2, 1))
    graph = build.graph(build.conv("x", 1))
    with pytest.raises(QuantizationError, match="no calibration clip"):
        gather_channel_statistics(graph, [], 0)
    with pytest.raises(QuantizationError, match="x isn't finite on calibration clip 2 of 2"):
        gather_channel_statistics(graph, [random_inputs(graph, 0), {"x": np.full((1, 2, 2, 1), np.nan, np.float32)}], 2)
