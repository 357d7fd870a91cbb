"""Float Graph + calibration clips + recipe -> int8 Graph, with what each step did to the network's output.

Steps are judged on clips that calibration doesn't see: one that makes the int8 network's output differ more from the
float network's is dropped.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import QuantizationError
from asd_edge.export.calibration_set import CalibrationSet, network_inputs, spread_evenly
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.graph.graph import Graph
from quantization.channel_groups import Factors
from quantization.output_error import OutputError, float_outputs, output_error
from quantization.recipe import Recipe, Step
from quantization.run_step import Draft, Runs, quantized, run_step
from quantization.sqnr import sqnr_db

SQNR_CLIPS = 4


@dataclass(frozen=True)
class StepOutcome:
    """What a step did; the errors are None where no clip was held back, and equal where the step changed nothing."""

    step: Step
    kept: bool
    error_before: OutputError | None
    error_after: OutputError | None
    seconds: float


@dataclass(frozen=True)
class QuantizedNetwork:
    """Both graphs have the same activations; `sqnr_db` is per activation over some calibration clips.

    `float_graph` is what `int8_graph` was quantized from: the network itself, or one that distillation has trained.
    """

    float_graph: Graph
    int8_graph: Graph
    concatenation_factors: Mapping[str, float]
    channel_factors: Factors
    sqnr_db: Mapping[str, float]
    steps: tuple[StepOutcome, ...]


def quantize_network(
    graph: Graph,
    calibration: CalibrationSet,
    recipe: Recipe,
    on_progress: ProgressFn = ignore_progress,
    teacher: Graph | None = None,
) -> QuantizedNetwork:
    """`graph` has passed the float passes and, for a target, been lowered; `teacher` is the network before that.

    Steps are judged against the teacher, and distillation aims at it; without one the graph is its own. Raises
    QuantizationError where calibration can't quantize the network.
    """
    n_vectors = len(calibration.clips[0].log_mel) - N_CONTEXT + 1
    of_vectors = is_of_vectors(graph)
    stacked, exact = (stack_runs(each, n_vectors) if of_vectors else each for each in (graph, teacher or graph))
    runs = list(network_inputs(calibration.clips, stacked))
    held_back = list(network_inputs(calibration.held_back, stacked))
    at_levels = list(network_inputs(calibration.at_levels, stacked)) or runs
    draft, outcomes = _run_recipe(Draft(exact, stacked, stacked), recipe, runs, at_levels, held_back, on_progress)
    assert draft.int8_graph is not None, "every recipe observes"
    return QuantizedNetwork(
        stack_runs(draft.float_graph, 1) if of_vectors else draft.float_graph,
        stack_runs(draft.int8_graph, 1) if of_vectors else draft.int8_graph,
        draft.concatenation_factors,
        draft.channel_factors,
        sqnr_db(draft.exact_graph, draft.int8_graph, spread_evenly(tuple(runs), SQNR_CLIPS)),
        outcomes,
    )


def _run_recipe(
    draft: Draft, recipe: Recipe, runs: Runs, at_levels: Runs, held_back: Runs, on_progress: ProgressFn
) -> tuple[Draft, tuple[StepOutcome, ...]]:
    """The draft after every step that was kept; without held-back clips all are."""
    expected = float_outputs(draft.teacher, held_back)
    n_parts = 2 * len(recipe.steps) + 1
    error: OutputError | None = None
    if held_back:
        draft, error = _judged(draft, runs, held_back, expected, _part_of(on_progress, 0, n_parts))
    outcomes: list[StepOutcome] = []
    for index, step in enumerate(recipe.steps):
        start = time.perf_counter()
        after = run_step(draft, step, runs, at_levels, _part_of(on_progress, 2 * index + 1, n_parts))
        seconds = time.perf_counter() - start
        error_after = error
        if held_back and after is not draft:
            progress = _part_of(on_progress, 2 * index + 2, n_parts)
            after, error_after = _judged(after, runs, held_back, expected, progress)
        kept = not _is_worse(error_after, error)
        outcomes.append(StepOutcome(step, kept, error, error_after, seconds))
        if kept:
            draft, error = after, error_after
        on_progress(2 * index + 3, n_parts)
    return draft, tuple(outcomes)


def _judged(
    draft: Draft, runs: Runs, held_back: Runs, expected: Sequence[NDArray[np.float64]], on_progress: ProgressFn
) -> tuple[Draft, OutputError | None]:
    """The draft with an int8 graph, and its error; None for a network that can't be quantized as it is."""
    try:
        draft = quantized(draft, runs, on_progress)
    except QuantizationError:
        return draft, None
    assert draft.int8_graph is not None
    return draft, output_error(expected, draft.int8_graph, held_back)


def _is_worse(after: OutputError | None, before: OutputError | None) -> bool:
    return before is not None and (after is None or after.mean > before.mean)


def _part_of(on_progress: ProgressFn, index: int, n_parts: int) -> ProgressFn:
    """Reports one part's progress as the whole's."""
    return lambda done, total: on_progress(index * total + done, n_parts * total)


def stack_runs(graph: Graph, n_runs: int) -> Graph:
    """A network of vectors [1, any, 1, K] as [1, n_runs, 1, K]: the same values, all runs of a clip at once."""
    activations = graph.activations()
    tensors = {
        name: replace(tensor, shape=(1, n_runs, 1, tensor.shape[3])) if name in activations else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


def is_of_vectors(graph: Graph) -> bool:
    """Whether the network reads one vector at a time, so that runs of a clip can be stacked."""
    return all(graph.tensors[name].shape[1:3] == (1, 1) for name in graph.activations())
