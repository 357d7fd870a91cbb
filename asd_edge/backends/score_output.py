"""A network's output on any rung and the detector's head -> the clip's score, by the float formula or in integers."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.network_inputs import fixed_vectors
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.cross_entropy import cross_entropy
from asd_edge.scorer.fixed_head import fixed_head
from asd_edge.scorer.fixed_log_odds import fixed_log_odds
from asd_edge.scorer.fixed_reconstruction import fixed_output_scale, fixed_reconstruction_score
from asd_edge.scorer.reconstruction_score import reconstruction_score

_Q16 = 65536.0


def score_output(
    output: NDArray[np.floating], clip: Clip, detector: Detector, codes: NDArray[np.int8] | None = None
) -> ClipScore:
    """`output` (n_runs, n_outputs): one embedding, or the reconstruction of each vector in dB; `codes` likewise, int8.

    Raises ClipError for an output without a score, DatasetError for a machine outside the label table.
    """
    values = np.asarray(output, np.float64)
    flat_codes = None if codes is None else codes.reshape(-1)
    if detector.kind != ARCFACE:
        vectors = clip.features["log_mel"].reshape(values.shape)
        return ClipScore(reconstruction_score(vectors, values), None, values.reshape(-1), flat_codes)
    assert detector.head_rows is not None, "an arcface detector has head rows"
    class_index = detector.labels.index(clip.machine)
    log_odds = arcface_log_odds(values[0], detector.head_rows, class_index, detector.head.scale, detector.head.margin)
    return ClipScore(log_odds, cross_entropy(log_odds), values[0], flat_codes)


def score_codes(codes: NDArray[np.int8], scale: float, zero_point: int, clip: Clip, detector: Detector) -> ClipScore:
    """`codes` (n_runs, n_outputs) of a network behind the fixed-point front end -> the score in integers, as a device
    computes it.

    Raises as `score_output`, and CheckpointError for a head that can't be scored in integers.
    """
    output = (codes.astype(np.float64) - zero_point) * scale
    if detector.kind != ARCFACE:
        vectors = fixed_vectors(clip, detector)
        score = fixed_reconstruction_score(vectors, codes, fixed_output_scale(scale, zero_point)) / _Q16
        return ClipScore(score, None, output.reshape(-1), codes.reshape(-1))
    assert detector.head_rows is not None, "an arcface detector has head rows"
    class_index = detector.labels.index(clip.machine)
    head = fixed_head(detector.head_rows, detector.head.scale, detector.head.margin, zero_point)
    score = fixed_log_odds(codes[0], head, class_index) / _Q16
    return ClipScore(score, cross_entropy(score), output[0], codes[0])
