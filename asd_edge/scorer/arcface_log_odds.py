"""Embedding and claimed machine -> the log-odds against that machine, the anomaly score of every rung.

    cos_i = embedding . row_i / |embedding|        row_i of length 1
    phi   = cos_c cos(m) - sqrt(1 - cos_c^2) sin(m) where cos_c > cos(pi - m), else cos_c - m sin(pi - m)
    z     = log(sum of exp(s cos_i) over the classes i other than c) - s phi

ArcFace (Deng et al. 2019) with easy_margin off. The reference's own score, the cross-entropy of those logits, is
softplus(z): the same order, but z doesn't vanish where the true logit leads.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ClipError


def arcface_log_odds(
    embedding: NDArray[np.floating], head_rows: NDArray[np.floating], class_index: int, scale: float, margin: float
) -> float:
    """The higher, the less the clip sounds like class `class_index`; no unit, float64.

    Args: embedding (E,), head_rows (n_classes, E) of length 1 each, margin in radians.
    Raises ClipError for an embedding without a direction: all zeros, or not finite.
    """
    direction = np.asarray(embedding, np.float64)
    length = float(np.linalg.norm(direction))
    if not 0.0 < length < math.inf:
        raise ClipError("its embedding is all zeros or not finite, so it has no score; check the clip and the model")
    cosines = np.clip(np.asarray(head_rows, np.float64) @ direction / length, -1.0, 1.0)  # (n_classes,)
    true_logit = scale * _with_margin(float(cosines[class_index]), margin)
    other_logits = scale * np.delete(cosines, class_index)
    greatest = float(other_logits.max())
    return greatest + math.log(np.exp(other_logits - greatest).sum()) - true_logit


def _with_margin(cosine: float, margin: float) -> float:
    if cosine > math.cos(math.pi - margin):
        return cosine * math.cos(margin) - math.sqrt(1.0 - cosine * cosine) * math.sin(margin)
    return cosine - margin * math.sin(math.pi - margin)
