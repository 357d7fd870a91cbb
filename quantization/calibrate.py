"""Runs the float Graph over normal clips and gathers what calibration remembers of every activation."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.observers import ChannelStatistics


def calibrate(
    graph: Graph,
    clips: Iterable[Mapping[str, NDArray[np.float32]]],
    n_clips: int,
    on_progress: ProgressFn = ignore_progress,
) -> dict[str, ChannelStatistics]:
    """Statistics of all activations over the graph's inputs of `n_clips` clips.

    Raises QuantizationError when there is no clip or an activation isn't finite.
    """
    gathered: dict[str, ChannelStatistics] = {}
    for n_seen, inputs in enumerate(clips, start=1):
        for name, values in run_float(graph, inputs).items():
            rows = values.reshape(-1, values.shape[-1])
            seen = ChannelStatistics(
                rows.min(axis=0).astype(np.float64),
                rows.max(axis=0).astype(np.float64),
                rows.mean(axis=0, dtype=np.float64),
                np.einsum("ij,ij->j", rows, rows).astype(np.float64) / len(rows),
            )
            if not np.isfinite(seen.mean).all():
                raise QuantizationError(
                    f"activation {name} isn't finite on calibration clip {n_seen} of {n_clips}; check the checkpoint"
                )
            gathered[name] = _joined(gathered[name], seen, n_seen) if name in gathered else seen
        on_progress(n_seen, n_clips)
    if not gathered:
        raise QuantizationError("no calibration clip; give a folder with normal clips")
    return gathered


def _joined(before: ChannelStatistics, clip: ChannelStatistics, n_seen: int) -> ChannelStatistics:
    """`before` over n_seen - 1 clips, and one more; all clips of a set have the same number of frames."""
    return ChannelStatistics(
        np.minimum(before.low, clip.low),
        np.maximum(before.high, clip.high),
        before.mean + (clip.mean - before.mean) / n_seen,
        before.mean_square + (clip.mean_square - before.mean_square) / n_seen,
    )
