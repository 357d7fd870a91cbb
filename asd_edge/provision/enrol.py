"""int8 embeddings of a new machine's normal sound -> a row of the head for it, and the scores that it gives.

    row = mean of x_i / |x_i|, brought to length 1        x_i = codes of window i - zero point

That is where `asd-edge finetune` starts to train a row. Nothing is trained here, and the row stays where it is: the
old rows' scores needn't be spared, because the new head serves the new machine's device alone (DESIGN.md).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import DatasetError
from asd_edge.export.detector import Detector
from asd_edge.scorer.fixed_head import fixed_head
from asd_edge.scorer.fixed_log_odds import fixed_log_odds

_Q16 = 65536.0


@dataclass(frozen=True)
class Enrolment:
    """A detector that knows the machine too, as its last class."""

    detector: Detector
    left_out_scores: NDArray[np.float64]  # (n_windows,): each scored by a row that its recording has no part in
    nearest_machine: str  # among those of old, and its row's cosine with the new one
    nearest_cosine: float


def enrol(
    detector: Detector, machine: str, codes: NDArray[np.int8], recordings: ArrayLike, zero_point: int
) -> Enrolment:
    """`codes` (n_windows, E) of an ArcFace detector, no row all zero_point; `recordings` (n_windows,): whose they are.

    One recording alone is left out window by window. Raises DatasetError for windows without a common direction,
    CheckpointError for a head that can't be scored in integers.
    """
    groups = np.asarray(recordings)
    if len(np.unique(groups)) == 1:
        groups = np.arange(len(codes))
    directions = unit_directions(codes, zero_point)
    row = centre_row(directions)
    scores = np.zeros(len(codes))
    for group in np.unique(groups).tolist():
        is_left_out = groups == group
        without = with_row(detector, machine, centre_row(directions[~is_left_out]))
        scores[is_left_out] = scores_against(without, machine, codes[is_left_out], zero_point)
    assert detector.head_rows is not None, "an arcface detector has head rows"
    cosines = detector.head_rows.astype(np.float64) @ row
    nearest = int(cosines.argmax())
    return Enrolment(
        with_row(detector, machine, row), scores, detector.labels.machines[nearest], float(cosines[nearest])
    )


def unit_directions(codes: NDArray[np.int8], zero_point: int) -> NDArray[np.float64]:
    """(n, E) of length 1 each; no row of `codes` is all zero_point."""
    values = codes.astype(np.float64) - zero_point
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def centre_row(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, E) -> (E,) of length 1."""
    mean = directions.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        raise DatasetError("the windows of the normal sound have nothing in common; give sound of one machine")
    return np.asarray(mean / length)


def with_row(detector: Detector, machine: str, row: NDArray[np.float64]) -> Detector:
    """The detector with one more class."""
    assert detector.head_rows is not None, "an arcface detector has head rows"
    rows = np.vstack([detector.head_rows, row.astype(np.float32)])
    return replace(detector, labels=LabelTable((*detector.labels.machines, machine)), head_rows=rows)


def scores_against(detector: Detector, machine: str, codes: NDArray[np.int8], zero_point: int) -> NDArray[np.float64]:
    """(n,) log-odds against a machine that the detector knows, in integers as a device computes them."""
    assert detector.head_rows is not None, "an arcface detector has head rows"
    head = fixed_head(detector.head_rows, detector.head.scale, detector.head.margin, zero_point)
    class_index = detector.labels.index(machine)
    return np.array([fixed_log_odds(code, head, class_index) / _Q16 for code in codes])
