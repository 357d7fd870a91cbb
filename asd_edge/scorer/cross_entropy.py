"""Log-odds -> the reference model's own anomaly score, the cross-entropy of the ArcFace logits: softplus(z)."""

import numpy as np


def cross_entropy(log_odds: float) -> float:
    """log(1 + exp(log_odds)) in float64, without overflow at either end."""
    return float(np.logaddexp(0.0, log_odds))
