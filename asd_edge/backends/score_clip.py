"""One clip through the firmware's C on this machine, hop by hop -> its score."""

from dataclasses import dataclass
from pathlib import Path

from asd_edge.backends.host_rung import Q16, generic_image
from asd_edge.backends.network_inputs import FIXED, default_frontend
from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import ClipError, FrontendError
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.native_engine import score_samples


@dataclass(frozen=True)
class HeardClip:
    """`score` is the log-odds against `machine`, or the reconstruction error in dB^2."""

    machine: str
    kind: str  # of score: Detector.kind
    score: float


def score_clip(path: Path, work: Path, machine: str | None = None) -> HeardClip:
    """`machine` None: the one that the clip's path names.

    Raises ClipError for a clip that can't be read or scored, DatasetError for a machine outside the label table,
    FrontendError for a model whose settings the fixed-point front end isn't made for.
    """
    detector = load_detector(work / DETECTOR_FILE)
    _check_frontend(detector, work)
    claimed = machine or machine_of(path, detector.labels)
    class_index = detector.labels.index(claimed)
    samples = read_clip(path, detector.frontend.clip_samples)
    scores, _ = score_samples(generic_image(work), samples, class_index)
    if len(scores) != 1:
        raise ClipError(
            f"{path}: its {samples.size} samples give {len(scores)} scores, not one; compile the model again"
        )
    return HeardClip(claimed, detector.kind, scores[0] / Q16)


def machine_of(path: Path, labels: LabelTable) -> str:
    """The one machine of the table whose type is a folder of the path and whose ID stands in a folder's or its name.

    Raises ClipError where there isn't exactly one.
    """
    parts = path.absolute().parts
    found = [
        name
        for name in labels.machines
        for machine_type, machine_id in [name.split("/")]
        if machine_type in parts and (machine_id in parts or f"_{machine_id}_" in f"_{path.name}")
    ]
    if len(found) != 1:
        raise ClipError(
            f"{path}: its name says no machine of the model's; choose one with --machine: {', '.join(labels.machines)}"
        )
    return found[0]


def _check_frontend(detector: Detector, work: Path) -> None:
    if default_frontend(detector) != FIXED:
        raise FrontendError(
            f"{work}: the fixed-point front end isn't made for this model's settings; "
            "asd-edge evaluate --backends reference scores it"
        )
