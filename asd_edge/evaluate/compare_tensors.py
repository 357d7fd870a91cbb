"""Reference and host tensor by tensor, through the engine's tap: the first layer in which they differ has a name.

A tensor that the compiler fused away (a convolution's output before its PReLU) exists on the reference only; it isn't
compared, the one behind it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.blas_threads import one_blas_thread
from asd_edge.backends.clip_features import clip_features, network_runs
from asd_edge.backends.host_rung import host_image
from asd_edge.backends.network_inputs import code_inputs, default_frontend
from asd_edge.backends.rung import Clip
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import EvaluationError
from asd_edge.evaluate.clips_to_score import ClipToScore, list_test_clips
from asd_edge.export.calibration_set import spread_evenly
from asd_edge.export.detector import load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.native_engine import load_model, run_image
from quantization.interpret_int8 import run_int8

N_CLIPS = 16  # spread over the test clips: enough for every layer to see quiet and loud ones


@dataclass(frozen=True)
class TensorComparison:
    """One tensor over all clips, in execution order."""

    name: str
    n_codes: int
    n_differing: int
    largest_difference_lsb: int


def compare_tensors(
    work: Path, clips: Sequence[ClipToScore], on_progress: ProgressFn = ignore_progress
) -> tuple[TensorComparison, ...]:
    """Every tensor that the host's image has, from the same codes at the inputs.

    Raises EvaluationError without a clip, and what the rungs raise.
    """
    if not clips:
        raise EvaluationError("tensors are compared over clips, and there is none; give a data set with test clips")
    detector, graph = load_detector(work / DETECTOR_FILE), read_tflite(work / TFLITE_FILE)
    frontend = default_frontend(detector)
    image = host_image(work, frontend)
    model = load_model(image)
    inputs = [model.tensors[index].name for index in model.inputs]
    found: dict[str, TensorComparison] = {}
    for index, clip in enumerate(clips):
        samples = read_clip(clip.record.path, detector.frontend.clip_samples)
        features = clip_features(samples, detector)
        for run in network_runs(code_inputs(Clip(samples, clip.record.machine, features), detector, frontend)):
            with one_blas_thread():
                reference = run_int8(graph, run)
            host = run_image(image, [run[name][0] for name in inputs], taps=True).tensors
            for name in graph.activations():
                if name in host:
                    pair = (reference[name].astype(np.int64).reshape(-1), host[name].astype(np.int64).reshape(-1))
                    difference = np.abs(pair[0] - pair[1])
                    found[name] = _joined(found.get(name, TensorComparison(name, 0, 0, 0)), difference)
        on_progress(index + 1, len(clips))
    return tuple(found.values())


def compare_tensors_of_set(work: Path, data_dir: Path, on_progress: ProgressFn = ignore_progress) -> list[str]:
    """`tensor_lines` over N_CLIPS test clips. Raises what `list_test_clips` and `compare_tensors` raise."""
    detector = load_detector(work / DETECTOR_FILE)
    clips = list_test_clips(find_clips(data_dir), data_dir, detector.labels, detector.frontend)
    chosen = spread_evenly(clips, N_CLIPS)
    return tensor_lines(compare_tensors(work, chosen, on_progress), len(chosen))


def first_difference(comparisons: Sequence[TensorComparison]) -> TensorComparison | None:
    """The layer to look at; None where every code is the same."""
    return next((comparison for comparison in comparisons if comparison.n_differing), None)


def tensor_lines(comparisons: Sequence[TensorComparison], n_clips: int) -> list[str]:
    """What the command prints: one line, and one more per tensor that differs."""
    first = first_difference(comparisons)
    n_codes = sum(comparison.n_codes for comparison in comparisons)
    if first is None:
        return [f"host equals reference in all {n_codes:,} codes of {len(comparisons)} tensors, {n_clips} clips"]
    lines = [f"host differs from reference from tensor {first.name} on:"]
    lines += [
        f"  {c.name}: {c.n_differing:,} of {c.n_codes:,} codes, by up to {c.largest_difference_lsb}"
        for c in comparisons
        if c.n_differing
    ]
    return lines


def _joined(before: TensorComparison, difference: NDArray[np.int64]) -> TensorComparison:
    return TensorComparison(
        before.name,
        before.n_codes + difference.size,
        before.n_differing + int(np.count_nonzero(difference)),
        max(before.largest_difference_lsb, int(difference.max(initial=0))),
    )
