"""Two rungs' scores and embeddings of the same clips -> how far they agree, clip by clip and pair by pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from asd_edge.errors import EvaluationError
from asd_edge.evaluate.auc import check_two_classes


@dataclass(frozen=True)
class ChangedPairs:
    """Normal-anomaly pairs whose order differs between two rungs; a tie on one rung only counts one half.

    `share` bounds the AUC's change: |AUC of one rung - AUC of the other| <= share.
    """

    changed: float  # pairs, in halves
    pairs: int
    ties_first: int
    ties_rung: int

    @property
    def share(self) -> float:
        return self.changed / self.pairs


def changed_pairs(
    normal_first: ArrayLike, anomaly_first: ArrayLike, normal_rung: ArrayLike, anomaly_rung: ArrayLike
) -> ChangedPairs:
    """Scores (m,), (n,) of the same clips in the same order on both rungs."""
    first = _pair_order(*check_two_classes(normal_first, anomaly_first))
    rung = _pair_order(*check_two_classes(normal_rung, anomaly_rung))
    if first.shape != rung.shape:
        raise EvaluationError("changed pairs need the same clips on both rungs; score the missing ones")
    halves = int(np.abs(first - rung).sum(dtype=np.int64))
    return ChangedPairs(halves / 2, first.size, int((first == 0).sum()), int((rung == 0).sum()))


def spearman(first: ArrayLike, rung: ArrayLike) -> float | None:
    """Pearson correlation of the midranks of two score lists (n,); None where all scores of a list are equal."""
    ranks = rankdata(np.asarray(first, np.float64)), rankdata(np.asarray(rung, np.float64))
    deviations = [rank - rank.mean() for rank in ranks]
    norms = [float(np.sqrt(deviation @ deviation)) for deviation in deviations]
    if min(norms) == 0.0:
        return None
    return float(deviations[0] @ deviations[1] / (norms[0] * norms[1]))


def row_cosines(first: NDArray[np.floating], rung: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine between corresponding rows of two (n_clips, size) arrays; NaN where a row is all zeros."""
    first_rows, rung_rows = first.astype(np.float64), rung.astype(np.float64)
    norms = np.linalg.norm(first_rows, axis=1) * np.linalg.norm(rung_rows, axis=1)
    products = np.einsum("ij,ij->i", first_rows, rung_rows)
    cosines: NDArray[np.float64] = np.divide(products, norms, out=np.full(norms.shape, np.nan), where=norms > 0)
    return cosines


def _pair_order(normal: NDArray[np.float64], anomaly: NDArray[np.float64]) -> NDArray[np.int8]:
    """(m, n): +1 where the anomaly scores higher, 0 at a tie, -1 where it scores lower."""
    return np.sign(anomaly[None, :] - normal[:, None]).astype(np.int8)
