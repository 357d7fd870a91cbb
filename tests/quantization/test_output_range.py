"""The observer that asks the output: where it narrows a range, where it doesn't, and what it leaves alone."""

import os

import numpy as np
import pytest

from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding
from quantization import output_range
from quantization.bias_correct import correct_biases
from quantization.calibrate import calibrate
from quantization.observers import ChannelStatistics, ranges_of
from quantization.output_error import float_outputs, output_error
from quantization.output_range import best_for_output
from quantization.quantize_graph import quantize_graph
from tests.graph.small_graphs import FloatArray, GraphBuilder

Runs = list[dict[str, FloatArray]]
LOUD = "t0"  # what reaches far on few positions
ENDS = (-120, 135)  # 255 steps apart


def bursts(first: int, n_runs: int) -> Runs:
    """Quiet noise and, on one position in a hundred, thirty times as much.

    In steps that the input's codes hold exactly: the error arises behind the input, whose range stays.
    """
    runs = []
    for seed in range(first, first + n_runs):
        rng = np.random.default_rng(seed)
        loud = np.where(rng.random((1, 24, 16, 1)) < 0.01, 30.0, 1.0)
        codes = np.rint(2 * loud * rng.normal(size=(1, 24, 16, 4))).clip(*ENDS)
        codes[0, 0, :2, 0] = ENDS
        runs.append({"x": (codes / 2).astype(np.float32)})
    return runs


def gated(settles: bool) -> Graph:
    """A sum behind which a sigmoid settles, or one that reaches the output as it is."""
    build = GraphBuilder(np.random.default_rng(1), x=(1, 24, 16, 4))
    tall = build.conv("x", 4)
    assert tall == LOUD
    gate = build.unary("logistic", tall) if settles else tall
    same = Padding(1, 1, 1, 1)
    out = build.depthwise(build.conv(gate, 8, (3, 3), (1, 1), same, Activation.RELU), (24, 16))
    return build.graph(build.conv(out, 6))


def observed(graph: Graph, runs: Runs) -> tuple[dict[str, ChannelStatistics], Graph]:
    """With the int8 graph that min-max ranges and corrected biases give."""
    statistics = dict(calibrate(graph, runs, len(runs)))
    return statistics, correct_biases(graph, quantize_graph(graph, ranges_of(statistics)), statistics)


def error_of(graph: Graph, int8_graph: Graph, runs: Runs) -> float:
    return output_error(float_outputs(graph, runs), int8_graph, runs).mean


def scale_of(int8_graph: Graph, name: str) -> float:
    quantization = int8_graph.tensors[name].quantization
    assert quantization is not None
    return float(quantization.scale[0])


def test_what_a_sigmoid_settles_for_is_cut_off_and_clips_unheard_gain() -> None:
    graph = gated(settles=True)
    statistics, whole = observed(graph, bursts(0, 8))
    found = best_for_output(graph, statistics, bursts(0, 8))
    assert scale_of(found, LOUD) < 0.5 * scale_of(whole, LOUD)
    assert scale_of(found, "x") == scale_of(whole, "x"), "another level moves every value of an input"
    assert error_of(graph, found, bursts(100, 8)) < 0.3 * error_of(graph, whole, bursts(100, 8))


def test_what_the_output_needs_is_kept() -> None:
    """The output is a sum of all positions: a burst that is cut off is missing in it."""
    graph = gated(settles=False)
    statistics, whole = observed(graph, bursts(0, 8))
    found = best_for_output(graph, statistics, bursts(0, 8))
    assert scale_of(found, LOUD) > 0.6 * scale_of(whole, LOUD)
    assert error_of(graph, found, bursts(0, 8)) <= error_of(graph, whole, bursts(0, 8))


def test_tensors_that_share_a_scale_move_together_and_a_fixed_one_stays() -> None:
    build = GraphBuilder(np.random.default_rng(2), x=(1, 24, 16, 4))
    gate = build.unary("logistic", build.conv("x", 4))
    left, right = build.conv(gate, 3), build.conv("x", 3)
    both = build.concat([left, right])
    graph = build.graph(build.depthwise(both, (24, 16)))
    statistics, _ = observed(graph, bursts(0, 6))
    found = best_for_output(graph, statistics, bursts(0, 6))
    assert len({scale_of(found, name) for name in (left, right, both)}) == 1
    assert scale_of(found, gate) == 1 / 256


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_threads_don_t_show(n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = gated(settles=True)
    statistics, _ = observed(graph, bursts(0, 5))
    expected = best_for_output(graph, statistics, bursts(0, 5))
    monkeypatch.setattr(os, "cpu_count", lambda: n_threads)
    assert tflite_bytes(best_for_output(graph, statistics, bursts(0, 5))) == tflite_bytes(expected)


def test_the_biases_are_corrected_for_the_ranges_that_were_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = gated(settles=True)
    statistics, _ = observed(graph, bursts(0, 5))
    found = best_for_output(graph, statistics, bursts(0, 5))
    monkeypatch.setattr(output_range, "correct_biases", lambda graph, int8_graph, statistics: int8_graph)
    as_rounded = best_for_output(graph, statistics, bursts(0, 5))
    assert error_of(graph, found, bursts(0, 5)) < error_of(graph, as_rounded, bursts(0, 5))


def test_one_clip_is_enough_and_progress_ends_at_the_total() -> None:
    graph = gated(settles=True)
    statistics, _ = observed(graph, bursts(0, 1))
    seen: list[tuple[int, int]] = []
    found = best_for_output(graph, statistics, bursts(0, 1), lambda done, total: seen.append((done, total)))
    assert found.activations() == graph.activations()
    assert seen[-1][0] == seen[-1][1] == len(seen)
