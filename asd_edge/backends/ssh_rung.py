"""Rungs ssh:HOST/engine, litert and edgetpu: the firmware's C, or model.tflite in the host's own runtime, on a Linux
board that SSH reaches.

`engine` hears and scores there, bit for bit as the host rung; for the others the front end runs here.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.host_rung import generic_image
from asd_edge.backends.linux_program import build_linux_program
from asd_edge.backends.network_inputs import FIXED, code_inputs, default_frontend
from asd_edge.backends.remote_tflite import RemoteTflite
from asd_edge.backends.rung import Clip, ClipScore, Rung
from asd_edge.backends.score_output import score_output
from asd_edge.backends.score_records import Q16, ClipToRun, read_run, write_clips
from asd_edge.backends.tflite_rung import TOLERANCE_LSB
from asd_edge.compiler.read_image import read_image
from asd_edge.errors import BackendError, ClipError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.export.work_files import TFLITE_FILE
from asd_edge.scorer.cross_entropy import cross_entropy
from asd_edge.ssh_host import Address, SshHost, parse_address

CACHE = ".ssh-programs"  # folder of the work directory
ENGINE, LITERT, EDGE_TPU = "engine", "litert", "edgetpu"
PYTHON = "python3"
EDGE_TPU_FILE = "model_edgetpu.tflite"  # as edgetpu_compiler names it
_MODEL_REFUSED = 2
_NAME = re.compile(rf"ssh:([^/]+)/({ENGINE}|{LITERT}|{EDGE_TPU})(?:@(\S+))?")


@dataclass(frozen=True)
class _Place:
    address: Address
    what: str
    python: str


def open_ssh_rung(work: Path, detector: Detector, name: str, frontend: str | None) -> Rung:
    """Raises BackendError for a name without host or without what runs there, and as the rungs."""
    place = _read_name(name)
    if place.what == ENGINE:
        return SshEngineRung(work, detector, name, place.address)
    return SshTfliteRung(work, detector, name, place, frontend or default_frontend(detector))


def _read_name(name: str) -> _Place:
    found = _NAME.fullmatch(name)
    if found is None or (found[2] == ENGINE and found[3] is not None):
        raise BackendError(
            f"{name!r}: write ssh:HOST/{ENGINE}, /{LITERT} or /{EDGE_TPU}; a Python of its own behind the last two, "
            f"ssh:HOST/{LITERT}@/home/pi/env/bin/python3"
        )
    return _Place(parse_address(found[1]), found[2], found[3] or PYTHON)


class SshEngineRung:
    """See `Rung`. Each clip is a run of its own over one connection."""

    frontend = FIXED
    takes_features = False
    tolerance_lsb = 0

    def __init__(self, work: Path, detector: Detector, name: str, address: Address) -> None:
        """Builds the program for the host's machine and copies it there with the image. Raises BackendError for a host
        or a compiler that can't be used, CompilerError for a model that no image can hold."""
        self.name = name
        self._detector = detector
        image = generic_image(work)
        graph = read_image(image).stream_graph()
        self._output = graph.tensors[graph.output]
        self._host = SshHost(address)
        try:
            machine = machine_of(self._host)
            program = build_linux_program(machine, work / CACHE).read_bytes()
            self._command = copy_engine(self._host, program, image)
        except BaseException:
            self._host.close()
            raise
        hashes = (hashlib.sha256(content).hexdigest()[:12] for content in (program, image))
        self.runtime = f"asd-edge on {machine}, firmware {', image '.join(hashes)}"

    def score(self, clip: Clip) -> ClipScore:
        class_index = self._detector.labels.index(clip.machine)
        done = self._host.run(self._command, write_clips([ClipToRun(clip.samples, class_index)]))
        if done.code == _MODEL_REFUSED:
            raise BackendError(
                f"{self._host.address}: the engine refuses the image, status {read_run(done.stdout).status}"
            )
        if done.code != 0:
            raise BackendError(f"{self._host.address}: the engine there: {done.last_words}")
        clips = read_run(done.stdout).clips
        if len(clips) != 1 or len(clips[0].scores_q16) != 1 or clips[0].statuses != (0,):
            raise ClipError(f"it gives {[run.statuses for run in clips]}, not one score of status 0; check its length")
        score, codes = clips[0].scores_q16[0] / Q16, clips[0].outputs.reshape(-1)
        output = (codes.astype(np.float64) - self._output.zero_point) * self._output.scale
        return ClipScore(score, cross_entropy(score) if self._detector.kind == ARCFACE else None, output, codes)

    def close(self) -> None:
        """Remove what was copied there."""
        self._host.close()


def machine_of(host: SshHost) -> str:
    """As `build_linux_program` takes it."""
    return host.run("uname -m").stdout.decode(errors="replace").strip()


def copy_engine(host: SshHost, program: bytes, image: bytes) -> str:
    """Program and image into the connection's folder; the command that runs them, clips on stdin."""
    folder = host.make_folder()
    host.write_file(f"{folder}/score_clips", program, is_program=True)
    host.write_file(f"{folder}/model.asdm", image)
    return f"cd {folder} && exec ./score_clips"


class SshTfliteRung:
    """See `Rung`. One process there answers run by run."""

    takes_features = True
    tolerance_lsb = TOLERANCE_LSB

    def __init__(self, work: Path, detector: Detector, name: str, place: _Place, frontend: str) -> None:
        """Raises BackendError for a host that can't be used, or lacks Python, numpy, a runtime or the Edge TPU."""
        self.name = name
        self.frontend = frontend
        self._detector = detector
        model = work / (EDGE_TPU_FILE if place.what == EDGE_TPU else TFLITE_FILE)
        if not model.is_file():
            raise BackendError(f"{model}: missing; make it with edgetpu_compiler -o {work} {work / TFLITE_FILE}")
        content = model.read_bytes()
        self._host = SshHost(place.address)
        try:
            self._model = RemoteTflite(self._host, content, place.python, on_edge_tpu=place.what == EDGE_TPU)
        except BaseException:
            self._host.close()
            raise
        self.runtime = f"{self._model.runtime}, model {hashlib.sha256(content).hexdigest()[:12]}"

    def score(self, clip: Clip) -> ClipScore:
        inputs = code_inputs(clip, self._detector, self.frontend)
        codes = np.stack([self._model.run(run) for run in network_runs(inputs)])  # (n_runs, n_outputs)
        output = (codes.astype(np.float64) - self._model.output_zero_point) * self._model.output_scale
        return score_output(output, clip, self._detector, codes)

    def close(self) -> None:
        """Remove what was copied there."""
        self._host.close()
