"""quantize_network: a recipe's steps in order, each judged on clips that calibration doesn't see."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from asd_edge.export.calibration_set import CalibrationSet, ClipFeatures, network_inputs
from asd_edge.export.quantize_network import QuantizedNetwork, quantize_network
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.frontend.config import FrontendConfig
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization import run_step
from quantization.output_error import OutputError, output_error
from quantization.recipe import (
    CorrectBiases,
    EqualizeChannels,
    EqualizeLayers,
    Observe,
    Recipe,
    RescaleConcatenations,
    Step,
    load_recipe,
)
from tests.graph.small_graphs import GraphBuilder

N_FRAMES, N_MELS = 24, 16
FULL = (RescaleConcatenations(), EqualizeChannels(), EqualizeLayers(), Observe(), CorrectBiases())


def small_detector(seed: int = 1) -> Graph:
    """Features of unlike size concatenated, a depthwise convolution, a residual block, an embedding."""
    build = GraphBuilder(np.random.default_rng(seed), log_mel=(1, N_FRAMES, N_MELS, 1))
    narrow = build.depthwise("log_mel", (1, 1))
    build.weight(f"{narrow}/weights", np.full((1, 1, 1, 1), 0.03))
    stream = build.conv(build.concat(["log_mel", narrow]), 8, (3, 3), (2, 2))
    inner = build.conv(build.prelu(stream), 12)
    spread = build.depthwise(build.prelu(inner))
    sizes = np.geomspace(0.02, 1, 12)
    build.weight(f"{inner}/weights", build.rng.normal(0, 0.4, (12, 1, 1, 8)) * sizes[:, None, None, None])
    build.weight(f"{inner}/bias", build.rng.normal(0, 0.4, 12) * sizes)
    build.weight(f"{spread}/weights", build.rng.normal(0, 1, (1, 1, 1, 12)) / sizes)
    last = build.conv(build.add(stream, build.conv(build.prelu(spread), 8)), 6, (5, 5), (4, 4))
    return build.graph(build.fully_connected(last, 10))


def clips(n_clips: int, seed: int) -> tuple[ClipFeatures, ...]:
    rng = np.random.default_rng(seed)
    return tuple(ClipFeatures(rng.normal(-20, 10, (N_FRAMES, N_MELS)).astype(np.float32), None) for _ in range(n_clips))


def calibration(n_held_back: int = 4) -> CalibrationSet:
    return CalibrationSet(clips(6, 0), {}, 6 + n_held_back, clips(n_held_back, 1))


def kept(network: QuantizedNetwork) -> list[bool]:
    return [outcome.kept for outcome in network.steps]


def test_the_default_keeps_every_step_and_holds_nothing_back() -> None:
    network = quantize_network(small_detector(), calibration(0), load_recipe("fast"))
    assert kept(network) == [True] * 4
    assert {outcome.error_before for outcome in network.steps} == {None}
    assert {outcome.error_after for outcome in network.steps} == {None}


def test_each_step_starts_from_the_error_that_the_one_before_left() -> None:
    network = quantize_network(small_detector(), calibration(), Recipe("full", FULL))
    assert [outcome.step for outcome in network.steps] == list(FULL)
    error = network.steps[0].error_before
    assert isinstance(error, OutputError)
    for outcome in network.steps:
        assert outcome.error_before == error
        assert outcome.error_after is not None
        assert outcome.kept == (outcome.error_after.mean <= outcome.error_before.mean)
        error = outcome.error_after if outcome.kept else error
    assert error.mean < 0.5 * network.steps[0].error_before.mean  # type: ignore[union-attr]


def test_equalized_and_rescaled_the_float_network_gives_the_same_output() -> None:
    graph = small_detector()
    network = quantize_network(graph, calibration(0), Recipe("full", FULL, held_back_clips=0))
    assert network.concatenation_factors
    assert len(network.channel_factors) > 2
    (output,) = graph.outputs
    for clip in clips(2, 5):
        inputs = {"log_mel": clip.log_mel[None, :, :, None]}
        expected, found = run_float(graph, inputs)[output], run_float(network.float_graph, inputs)[output]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * float(np.abs(expected).max()))


def spoiled(float_graph: Graph, int8_graph: Graph, statistics: object) -> Graph:
    """In place of corrected biases: those of the last layer, gone wrong."""
    bias = int8_graph.tensors[int8_graph.ops[-1].inputs[2]]
    wrong = int8_graph.values(bias.name).astype(np.int32) + np.int32(20_000)
    return replace(int8_graph, tensors={**int8_graph.tensors, bias.name: replace(bias, values=wrong)})


@pytest.mark.parametrize("n_held_back", [4, 0])
def test_a_step_that_makes_the_output_worse_is_dropped_where_clips_were_held_back(
    n_held_back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = quantize_network(small_detector(), calibration(n_held_back), Recipe("without", FULL[:-1]))
    monkeypatch.setattr(run_step, "correct_biases", spoiled)
    network = quantize_network(small_detector(), calibration(n_held_back), Recipe("wrong", FULL))
    is_dropped = n_held_back > 0
    assert kept(network)[-1] is not is_dropped
    assert (tflite_bytes(network.int8_graph) == tflite_bytes(without.int8_graph)) is is_dropped
    last = network.steps[-1]
    if is_dropped:
        assert last.error_before is not None
        assert last.error_after is not None
        assert last.error_after.mean > last.error_before.mean


@pytest.mark.parametrize("steps", [FULL, (EqualizeLayers(), Observe("mse")), (Observe("kl"), CorrectBiases())])
def test_the_same_clips_and_recipe_give_the_same_bytes(steps: Sequence[Step]) -> None:
    recipe = Recipe("own", tuple(steps))
    first, second = (quantize_network(small_detector(), calibration(), recipe) for _ in range(2))
    assert tflite_bytes(first.int8_graph) == tflite_bytes(second.int8_graph)


def test_a_network_of_vectors_comes_back_as_one() -> None:
    frontend = FrontendConfig(n_mels=N_MELS)
    build = GraphBuilder(np.random.default_rng(2), log_mel=(1, 1, 1, 5 * frontend.n_mels))
    graph = build.graph(build.conv(build.conv("log_mel", 8), 5 * frontend.n_mels))
    network = quantize_network(graph, calibration(), Recipe("full", FULL))
    for found in (network.float_graph, network.int8_graph):
        assert [found.tensors[name].shape for name in found.activations()] == [
            graph.tensors[name].shape for name in graph.activations()
        ]


def test_progress_runs_to_its_end_and_never_back() -> None:
    seen: list[float] = []
    quantize_network(
        small_detector(), calibration(), Recipe("full", FULL), lambda done, total: seen.append(done / total)
    )
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] == 1


def test_ranges_are_judged_by_the_clips_at_other_levels() -> None:
    """Calibration hears quiet clips alone: judged as they are, ranges may end where their loud copies begin."""
    recipe = Recipe("output", (Observe("output"),), held_back_clips=0)
    heard = CalibrationSet(clips(6, 0), {}, 6)
    louder = tuple(replace(clip, log_mel=clip.log_mel + np.float32(15)) for clip in heard.clips)
    graph = small_detector()
    (output,) = graph.outputs
    runs = list(network_inputs(louder, graph))
    expected = [run_float(graph, run)[output].ravel().astype(np.float64) for run in runs]
    as_they_are, louder_too = (
        output_error(
            expected, quantize_network(graph, replace(heard, at_levels=at_levels), recipe).int8_graph, runs
        ).mean
        for at_levels in ((), louder)
    )
    assert louder_too < 0.98 * as_they_are
