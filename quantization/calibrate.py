"""Runs the float Graph over normal clips and gathers the range of every activation."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.observers import Range, observe_minmax


def calibrate(
    graph: Graph,
    clips: Iterable[Mapping[str, NDArray[np.float32]]],
    n_clips: int,
    on_progress: ProgressFn = ignore_progress,
) -> dict[str, Range]:
    """Ranges of all activations over the graph's inputs of `n_clips` clips.

    Raises QuantizationError when there is no clip or an activation isn't finite.
    """
    ranges: dict[str, Range] = {}
    for index, inputs in enumerate(clips):
        with np.errstate(over="ignore", invalid="ignore"):  # told below, with the activation's name
            ranges = observe_minmax(ranges, run_float(graph, inputs))
        for name, seen in ranges.items():
            if not np.isfinite([seen.low, seen.high]).all():
                raise QuantizationError(
                    f"activation {name} isn't finite on calibration clip {index + 1} of {n_clips}; check the checkpoint"
                )
        on_progress(index + 1, n_clips)
    if not ranges:
        raise QuantizationError("no calibration clip; give a folder with normal clips")
    return ranges
