"""A work directory and some test clips -> the signal-to-quantization-noise ratio of every activation of model.tflite.

The float side is model.onnx after the same passes and with the same factors on concatenated inputs as at export.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.blas_threads import one_blas_thread
from asd_edge.backends.clip_features import clip_features, network_runs
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.clips_to_score import ClipToScore
from asd_edge.export.detector import Detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.targets.target import MCU, find_target, lower_for_target
from asd_edge.export.work_files import ONNX_FILE, RECORD_FILE, TFLITE_FILE
from asd_edge.graph.graph import Graph
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from quantization.channel_groups import scale_channels
from quantization.equalize import rescale_by
from quantization.sqnr import sqnr_db


def layer_sqnr(
    work: Path, detector: Detector, clips: Sequence[ClipToScore], on_progress: ProgressFn = ignore_progress
) -> dict[str, float]:
    """dB per activation over all clips, in execution order; infinite where int8 is exact.

    Raises WorkDirectoryError without a readable export.json, GraphError where the files of the work directory differ.
    """
    float_graph = exported_float_graph(work, detector.frontend.n_frames)
    with one_blas_thread():
        return sqnr_db(float_graph, read_tflite(work / TFLITE_FILE), _runs(detector, clips, on_progress))


def exported_float_graph(work: Path, n_frames: int) -> Graph:
    """model.onnx after all passes and with the export's own factors: model.tflite's activations in real numbers.

    Raises WorkDirectoryError without a readable export.json, GraphError for factors that model.onnx can't take.
    """
    record_path = work / RECORD_FILE
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
        recipe, target = record["recipe"], find_target(record.get("target", MCU.name))
        factors = {name: np.array(values) for name, values in recipe["channel_factors"].items()}
    except (OSError, ValueError, KeyError) as error:
        raise WorkDirectoryError(f"{record_path}: missing or damaged ({error}); run asd-edge export again") from error
    graph = lower_for_target(run_float_passes(import_onnx(work / ONNX_FILE, n_frames)), target)
    return scale_channels(rescale_by(graph, recipe["concatenation_factors"]), factors)


def _runs(
    detector: Detector, clips: Sequence[ClipToScore], on_progress: ProgressFn
) -> Iterator[dict[str, NDArray[np.float32]]]:
    for index, clip in enumerate(clips):
        samples = read_clip(clip.record.path, detector.frontend.clip_samples, detector.frontend.sample_rate_hz)
        features = clip_features(samples, detector)
        yield from network_runs({name: values.astype(np.float32) for name, values in features.items()})
        on_progress(index + 1, len(clips))
