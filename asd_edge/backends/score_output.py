"""A network's output on any rung and the detector's head -> the clip's score: the one way from output to score."""

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.cross_entropy import cross_entropy
from asd_edge.scorer.reconstruction_score import reconstruction_score


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
