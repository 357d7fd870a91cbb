"""A work directory and a machine -> a device's own work directory, which package, compile, evaluate and listen take."""

import hashlib
import json
import math
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd_edge.backends.host_rung import generic_image
from asd_edge.backends.ladder import CHECKPOINT_FILES, HOST, check_files
from asd_edge.backends.network_inputs import FIXED, default_frontend
from asd_edge.clip.layouts import MACHINE_ID
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import CheckpointError, DatasetError, FrontendError, WorkDirectoryError
from asd_edge.evaluate.load_model import file_sha256
from asd_edge.evaluate.thresholds import FALSE_ALARM_RATE, MachineThreshold, machine_threshold
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE
from asd_edge.export.detector import ARCFACE, Detector, detector_bytes, load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.staged_files import staged_files
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.model.checkpoint import load_checkpoint
from asd_edge.provision.enrol import Enrolment, enrol, unit_directions
from asd_edge.provision.hear_windows import HeardWindows, hear_windows
from asd_edge.provision.kept_threshold import load_estimates
from asd_edge.provision.normal_sound import Recording, list_recordings
from asd_edge.provision.provision_record import (
    PROVISION_FILE,
    Provision,
    chosen_threshold,
    provision_content,
    thresholds_text,
)

_INSTEAD = "give its normal sound with --normal, or a number with --threshold"  # of a kept threshold
OWNED_FILES = (TFLITE_FILE, DETECTOR_FILE, THRESHOLDS_FILE, PROVISION_FILE)
LEAST_WINDOWS = round(1 / FALSE_ALARM_RATE)  # with fewer the quantile is the highest score, whatever the rate
MACHINE = re.compile(rf"[0-9A-Za-z_-]+/{MACHINE_ID}")  # as the folders and names of a data set give it
_MOST_NAME_BYTES = 47  # that a signed bundle has room for


@dataclass(frozen=True)
class ProvisionRequest:
    """`threshold` None: from the normal sound, or without any from WORK/thresholds.json."""

    machine: str
    threshold: float | None = None
    normal: Path | None = None


def default_out(work: Path, machine: str) -> Path:
    """WORK/pump-id_06."""
    return work / machine.replace("/", "-")


def provision_work(
    work: Path, request: ProvisionRequest, out: Path | None = None, on_progress: ProgressFn = ignore_progress
) -> tuple[Path, Provision]:
    """Bind a device to a machine; one that the model doesn't know is enrolled from its normal sound.

    WORK itself stays as it is. Raises the AsdEdgeError of the first thing that can't serve; nothing is written then.
    """
    _check_request(request)
    check_files(HOST, work)
    read_tflite(work / TFLITE_FILE)
    detector = load_detector(work / DETECTOR_FILE)
    device = out or default_out(work, request.machine)
    _check_out(work, device)
    is_enrolled = request.machine not in detector.labels.machines
    _check_purpose(detector, request, is_enrolled)
    recordings = _recordings(detector, request)
    class_index = 0 if is_enrolled else detector.labels.index(request.machine)
    heard = None
    if recordings:
        heard = hear_windows(generic_image(work), class_index, recordings, detector.frontend, on_progress)
        if not is_enrolled:
            _check_untrained(work, recordings, heard)
    enrolment = None
    if is_enrolled:
        assert heard is not None, "a machine is enrolled from its sound"
        enrolment = enrol(detector, request.machine, heard.codes, heard.recordings, heard.zero_point)
    rung, estimates, threshold, origin = _threshold(work, request, heard, enrolment)
    content = (work / DETECTOR_FILE).read_bytes() if enrolment is None else detector_bytes(enrolment.detector)
    found = Provision(
        machine=request.machine,
        class_index=len(detector.labels.machines) if is_enrolled else class_index,
        is_enrolled=is_enrolled,
        threshold=threshold,
        origin=origin,
        score_kind=detector.kind,
        windows=0 if heard is None else len(heard.scores),
        window_seconds=detector.frontend.clip_samples / detector.frontend.sample_rate_hz,
        recordings=tuple(recording.path.name for recording in recordings),
        recognized=None if heard is None or is_enrolled else _n_recognized(detector, heard, class_index),
        nearest_machine=None if enrolment is None else enrolment.nearest_machine,
        nearest_cosine=None if enrolment is None else enrolment.nearest_cosine,
        files={TFLITE_FILE: file_sha256(work / TFLITE_FILE), DETECTOR_FILE: hashlib.sha256(content).hexdigest()},
    )
    with staged_files(device, OWNED_FILES) as staging:
        shutil.copyfile(work / TFLITE_FILE, staging / TFLITE_FILE)
        (staging / DETECTOR_FILE).write_bytes(content)
        (staging / THRESHOLDS_FILE).write_text(thresholds_text(found, rung, estimates), encoding="utf-8")
        text = json.dumps(provision_content(found), indent=1, allow_nan=False) + "\n"
        (staging / PROVISION_FILE).write_text(text, encoding="utf-8")
    return device, found


def _check_request(request: ProvisionRequest) -> None:
    name = request.machine
    if MACHINE.fullmatch(name) is None or len(name.encode()) > _MOST_NAME_BYTES:
        raise DatasetError(
            f"machine {name!r}: isn't named TYPE/id_XX in letters, digits, _ and - of at most {_MOST_NAME_BYTES} "
            "bytes; choose a name as pump/id_06"
        )
    if request.threshold is not None and not math.isfinite(request.threshold):
        raise DatasetError(f"threshold {request.threshold}: isn't finite; give auto or a number")


def _check_out(work: Path, device: Path) -> None:
    if device.resolve() == work.resolve():
        raise WorkDirectoryError(f"{device}: holds the model itself, which stays as it is; choose another -o")
    if not device.exists():
        return
    if not device.is_dir():
        raise WorkDirectoryError(f"{device}: is no folder; choose another -o")
    if any(device.iterdir()) and not (device / PROVISION_FILE).is_file():
        raise WorkDirectoryError(f"{device}: holds files, but of no device; choose another -o or empty it")


def _check_purpose(detector: Detector, request: ProvisionRequest, is_enrolled: bool) -> None:
    known = ", ".join(detector.labels.machines)
    if is_enrolled and detector.kind != ARCFACE:
        raise CheckpointError(
            f"an autoencoder has no head to add {request.machine} to (it knows {known}); train one for the new "
            "machine: asd-edge train DATA -o WORK --architecture autoencoder"
        )
    if is_enrolled and request.normal is None:
        raise DatasetError(
            f"the model doesn't know machine {request.machine} ({known}); enrol it with some minutes of its normal "
            "sound: --normal DIR"
        )
    if not is_enrolled and request.normal is not None and request.threshold is not None:
        raise DatasetError(
            f"the model knows {request.machine}, and a threshold is given: nothing is left for --normal to say; "
            "leave one of the two out"
        )
    if request.normal is not None and default_frontend(detector) != FIXED:
        raise FrontendError(
            "the fixed-point front end isn't made for this model's settings, so no device hears with it"
        )


def _recordings(detector: Detector, request: ProvisionRequest) -> tuple[Recording, ...]:
    if request.normal is None:
        return ()
    found = list_recordings(request.normal, request.machine, detector.frontend)
    n_windows = sum(recording.n_windows for recording in found)
    if n_windows < LEAST_WINDOWS:
        seconds = detector.frontend.clip_samples / detector.frontend.sample_rate_hz
        raise DatasetError(
            f"{request.normal}: {n_windows} windows of {seconds:g} s of normal sound, at least {LEAST_WINDOWS} are "
            "needed; record some minutes more"
        )
    return found


def _check_untrained(work: Path, recordings: tuple[Recording, ...], heard: HeardWindows) -> None:
    """Without a checkpoint in WORK nothing is known of what trained it."""
    if not all((work / name).is_file() for name in CHECKPOINT_FILES):
        return
    trained = load_checkpoint(work).split.train
    for owner, sha256 in zip(heard.recordings.tolist(), heard.sha256, strict=True):
        if sha256 in trained:
            raise DatasetError(
                f"{recordings[owner].path}: has trained the model, so that a threshold from it would be too low; give "
                f"sound recorded since, or leave --normal out: asd-edge evaluate writes {THRESHOLDS_FILE}"
            )


def _threshold(
    work: Path, request: ProvisionRequest, heard: HeardWindows | None, enrolment: Enrolment | None
) -> tuple[str, MachineThreshold, float, str]:
    """(rung, estimates, the threshold, its origin in words)."""
    if request.threshold is not None:
        return HOST, MachineThreshold(0, None, request.threshold, ()), request.threshold, "given"
    if heard is None:
        rung, estimates = load_estimates(work, request.machine, _INSTEAD)
        threshold, name = chosen_threshold(estimates)
        return rung, estimates, threshold, f"{name} of {estimates.clips} clips in {THRESHOLDS_FILE}, rung {rung}"
    scores = heard.scores if enrolment is None else enrolment.left_out_scores
    estimates = machine_threshold(scores)
    threshold, name = chosen_threshold(estimates)
    how = "" if enrolment is None else ", each scored without its own recording's part in the row"
    return HOST, estimates, threshold, f"{name} of {estimates.clips} windows of normal sound{how}"


def _n_recognized(detector: Detector, heard: HeardWindows, class_index: int) -> int | None:
    """Windows whose nearest row is the machine's own."""
    if detector.head_rows is None:
        return None
    cosines = unit_directions(heard.codes, heard.zero_point) @ detector.head_rows.astype(np.float64).T
    return int((cosines.argmax(axis=1) == class_index).sum())
