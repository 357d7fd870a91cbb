"""Rung host: the firmware's own C on this machine, samples in, score out, hop by hop as on a board."""

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge import __version__
from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.network_inputs import FIXED, code_inputs
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_output import score_output
from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.compiler.compile_network import compile_tflite, compile_work
from asd_edge.compiler.kernel_choice import Core
from asd_edge.errors import ClipError, ImageError, WorkDirectoryError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.native_engine import MOST_ARENA_BYTES, load_model, run_image, score_samples
from asd_edge.scorer.cross_entropy import cross_entropy

IMAGE_FILE = "model-generic.asdm"
Q16 = 65536.0


class HostRung:
    """See `Rung`. With the float front end the engine runs the network alone, and the score is the float formula's."""

    name = "host"
    takes_features = True
    tolerance_lsb = 0

    def __init__(self, work: Path, detector: Detector, frontend: str) -> None:
        """Raises CompilerError for a model that no image can hold, ImageError where the library refuses the image."""
        self._image = host_image(work, frontend)
        self._detector = detector
        self.frontend = frontend
        self.runtime = f"asd-edge {__version__}+{hashlib.sha256(self._image).hexdigest()[:12]}"
        model = load_model(self._image)
        self._inputs = [model.tensors[index].name for index in model.inputs]
        self._output = model.tensors[model.output]

    def score(self, clip: Clip) -> ClipScore:
        if self.frontend != FIXED:
            return self._score_features(clip)
        is_arcface = self._detector.kind == ARCFACE
        class_index = self._detector.labels.index(clip.machine)
        scores, outputs = score_samples(self._image, clip.samples, class_index)
        if len(scores) != 1:
            raise ClipError(f"its {clip.samples.size} samples give {len(scores)} scores, not one; check its length")
        score = scores[0] / Q16
        return ClipScore(
            score, cross_entropy(score) if is_arcface else None, self._real(outputs).reshape(-1), outputs.reshape(-1)
        )

    def _score_features(self, clip: Clip) -> ClipScore:
        inputs = code_inputs(clip, self._detector, self.frontend)
        runs = [
            run_image(self._image, [run[name][0] for name in self._inputs]).output.reshape(-1)
            for run in network_runs(inputs)
        ]
        codes = np.stack(runs)  # (n_runs, n_outputs)
        return score_output(self._real(codes), clip, self._detector, codes)

    def _real(self, codes: NDArray[np.int8]) -> NDArray[np.float64]:
        return (codes.astype(np.float64) - self._output.zero_point) * self._output.scale


def host_image(work: Path, frontend: str) -> bytes:
    """What the rung runs: with the float front end the network alone."""
    return generic_image(work) if frontend == FIXED else compile_tflite(work / TFLITE_FILE, Core.GENERIC).content


def generic_image(work: Path) -> bytes:
    """The work directory's image of plain kernels, if it is of these files; else compiled now and, where the directory
    can be written, kept in it.
    """
    source = b"".join((work / name).read_bytes() for name in (TFLITE_FILE, DETECTOR_FILE))
    path = work / IMAGE_FILE
    kept = _kept_image(path, hashlib.sha256(source).digest())
    if kept is not None:
        return kept
    content = compile_work(work, Core.GENERIC).content
    with suppress(WorkDirectoryError):
        write_bytes_atomically(path, content)
    return content


def _kept_image(path: Path, source_sha256: bytes) -> bytes | None:
    try:
        image = path.read_bytes()
        model = load_model(image)
    except (OSError, ImageError):
        return None
    is_own = model.source_sha256 == source_sha256 and not model.is_endless and model.has_detector
    return image if is_own and model.arena_bytes <= MOST_ARENA_BYTES else None
