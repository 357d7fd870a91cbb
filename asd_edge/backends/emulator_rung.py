"""Rung emulator:BOARD: the firmware that a board runs, on QEMU, with the image that is compiled for its core."""

import hashlib
import subprocess
from pathlib import Path

import numpy as np

from asd_edge.backends.emulate_board import SCORE_CLIPS, build_firmware, machine_named, score_on_board
from asd_edge.backends.network_inputs import FIXED
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_records import Q16, ClipToRun
from asd_edge.boards import load_boards
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.compiler.read_image import ModelImage, load_image, read_image
from asd_edge.compiler.write_image import write_image
from asd_edge.errors import ClipError, ImageError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.scorer.cross_entropy import cross_entropy

CACHE = ".emulator"  # folder of the work directory: firmware by board, images by core
_GENERIC = "generic"


class EmulatorRung:
    """See `Rung`. Each clip is a run of its own, so that an interrupted evaluation goes on behind the last one."""

    frontend = FIXED
    takes_features = False
    tolerance_lsb = 0

    def __init__(self, work: Path, detector: Detector, name: str) -> None:
        """Builds firmware and image. Raises BackendError where compiler or QEMU are missing, CompilerError for a model
        that no image can hold."""
        self.name = name
        self._board = name.partition(":")[2]
        machine = machine_named(self._board)
        self._program = build_firmware(self._board, work / CACHE / self._board) / SCORE_CLIPS
        core = core_of(self._board)
        image = current_image(work, core)
        self._image = work / CACHE / f"model-{core}.asdm"
        write_image(image.content, self._image)
        graph = image.stream_graph()
        self._output = graph.tensors[graph.output]
        self._detector = detector
        hashes = (hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in (self._program, self._image))
        self.runtime = f"{_version(machine.emulator[0])}, firmware {', image '.join(hashes)}"

    def score(self, clip: Clip) -> ClipScore:
        is_arcface = self._detector.kind == ARCFACE
        class_index = self._detector.labels.index(clip.machine)
        run = score_on_board(self._board, self._program, self._image, [ClipToRun(clip.samples, class_index)])
        (found,) = run.clips
        if len(found.scores_q16) != 1 or found.statuses != (0,):
            raise ClipError(f"it gives {len(found.scores_q16)} scores, status {found.statuses}, not one")
        score, codes = found.scores_q16[0] / Q16, found.outputs.reshape(-1)
        output = (codes.astype(np.float64) - self._output.zero_point) * self._output.scale
        return ClipScore(score, cross_entropy(score) if is_arcface else None, output, codes)


def core_of(board: str) -> str:
    """The core that a board's images are packed for: generic where boards.yaml doesn't have it."""
    boards = load_boards()
    return boards[board].kernels if board in boards else _GENERIC


def current_image(work: Path, core: str) -> ModelImage:
    """The work directory's image for a core, if it is of these files; else compiled now."""
    source = b"".join((work / name).read_bytes() for name in (TFLITE_FILE, DETECTOR_FILE))
    try:
        image = load_image(work / f"model-{core}.asdm")
        is_of_source = bytes(image.header["source_sha256"]) == hashlib.sha256(source).digest()
        if is_of_source and not image.is_endless and image.detector is not None:
            return image
    except ImageError:
        pass
    return read_image(compile_work(work, core_named(core)).content)


def _version(program: str) -> str:
    first = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return f"{program} {first.partition('version ')[2].partition(' ')[0]}"
