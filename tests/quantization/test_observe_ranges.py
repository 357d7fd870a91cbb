"""Observers: each method's range on distributions whose best range is known."""

import numpy as np
import pytest

from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.calibrate import calibrate
from quantization.histograms import N_BINS, Histogram, gather_histograms
from quantization.kl_range import kl_range
from quantization.mse_range import mse_range
from quantization.observe_ranges import observe_ranges
from quantization.observers import Range, ranges_of
from quantization.percentile_range import percentile_range
from quantization.recipe import Observe
from tests.graph.small_graphs import FloatArray, GraphBuilder, random_inputs


def small_graph() -> Graph:
    build = GraphBuilder(np.random.default_rng(0), x=(1, 40, 30, 2))
    return build.graph(build.prelu(build.conv("x", 3, (3, 3))))


def histogram_of(values: FloatArray) -> Histogram:
    held = Range(float(values.min()), float(values.max())).holding_zero()
    return Histogram(held, np.histogram(values, N_BINS, (held.low, held.high))[0].astype(np.int64))


def normal(n: int = 200_000) -> FloatArray:
    return np.random.default_rng(1).standard_normal(n, np.float32)


def int8_error(values: FloatArray, tried: Range) -> float:
    """Mean squared error of asymmetric int8 codes with this range."""
    step = tried.width / 255
    codes = np.clip(np.rint((values - tried.low) / step), 0, 255)
    return float(np.mean((codes * step + tried.low - values) ** 2))


def test_histograms_count_every_value_of_every_clip_where_it_lies() -> None:
    graph = small_graph()
    clips = [random_inputs(graph, seed) for seed in range(3)]
    ranges = ranges_of(calibrate(graph, clips, 3))
    found = gather_histograms(graph, clips, ranges)
    again = gather_histograms(graph, clips, ranges)
    for name, histogram in found.items():
        values = np.concatenate([run_float(graph, clip)[name].ravel() for clip in clips])
        expected, _ = np.histogram(values, N_BINS, (histogram.range.low, histogram.range.high))
        assert histogram.counts.sum() == values.size
        assert np.abs(histogram.counts - expected).sum() < 0.01 * values.size, "a value on an edge may fall either way"
        np.testing.assert_array_equal(histogram.counts, again[name].counts)


def test_percentile_leaves_that_part_outside_at_either_end() -> None:
    values = normal()
    found = percentile_range(histogram_of(values), 99.0)
    assert (values < found.low).mean() == pytest.approx(0.01, abs=0.001)
    assert (values > found.high).mean() == pytest.approx(0.01, abs=0.001)
    assert percentile_range(histogram_of(values), 100.0) == histogram_of(values).range


def test_mse_range_has_less_error_than_all_values_and_than_its_neighbours() -> None:
    values = normal()
    found = mse_range(histogram_of(values))
    error = int8_error(values, found)
    assert error < 0.95 * int8_error(values, histogram_of(values).range)
    for by in (0.9, 1.1):
        assert error < int8_error(values, Range(found.low * by, found.high * by))


def test_kl_cuts_off_one_far_value_where_the_mse_keeps_it() -> None:
    """200,000 values about 0 and one at 40: its square alone outweighs the finer steps of all others."""
    histogram = histogram_of(np.append(normal(), np.float32(40.0)))
    assert 3 < kl_range(histogram).high < 12
    assert mse_range(histogram).high > 30


def test_kl_keeps_the_whole_of_an_even_distribution() -> None:
    values = np.random.default_rng(2).uniform(-1, 3, 200_000).astype(np.float32)
    found = kl_range(histogram_of(values))
    assert found.high == pytest.approx(3, abs=0.1)
    assert found.low == pytest.approx(-1, abs=0.05)


@pytest.mark.parametrize("method", ["percentile", "mse", "kl", "output"])
def test_ranges_hold_zero_and_lie_within_what_was_seen(method: str) -> None:
    build = GraphBuilder(np.random.default_rng(0), x=(1, 40, 30, 2))
    positive = build.unary("relu", build.conv("x", 3))
    dead = build.conv(positive, 2)
    build.weight(f"{dead}/weights", np.zeros((2, 1, 1, 3)))
    build.weight(f"{dead}/bias", np.zeros(2))
    graph = build.graph(build.unary("elu", dead))
    clips = [random_inputs(graph, seed) for seed in range(2)]
    statistics = calibrate(graph, clips, 2)
    found = observe_ranges(graph, statistics, clips, Observe(method))  # type: ignore[arg-type]
    for name, seen in ranges_of(statistics).items():
        held = seen.holding_zero()
        assert held.low - 1e-6 <= found[name].low <= 0 <= found[name].high <= held.high + 1e-6
    assert found[positive].low == 0
    assert (found[dead].low, found[dead].high) == (0, 0)


def test_min_max_runs_no_clip_again() -> None:
    graph = small_graph()
    statistics = calibrate(graph, [random_inputs(graph, 0)], 1)
    assert observe_ranges(graph, statistics, [], Observe()) == ranges_of(statistics)
