"""Rung serial:PORT: a board on the desk that runs serve_link and the work directory's model image."""

import hashlib
from pathlib import Path

import numpy as np

from asd_edge.backends.network_inputs import FIXED
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_records import Q16
from asd_edge.backends.serial_link import BoardHello, LinkScore, StreamLostError, open_link
from asd_edge.errors import BackendError, ClipError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.scorer.cross_entropy import cross_entropy

_MOST_STARTS = 3  # of one clip, where the board starts anew in its middle


class SerialRung:
    """See `Rung`. Clips are sent hop by hop; a clip that the board lost is sent again."""

    frontend = FIXED
    takes_features = False
    tolerance_lsb = 0

    def __init__(self, work: Path, detector: Detector, name: str) -> None:
        """Raises BackendError for a port or a board that doesn't answer, or a board with another model."""
        self.name = name
        self._port = name.partition(":")[2]
        self._detector = detector
        self._link = open_link(self._port)
        hello = self._link.hello()
        self._check(hello, work)
        graph = read_tflite(work / TFLITE_FILE)
        (output,) = graph.outputs
        quantization = graph.tensors[output].quantization
        assert quantization is not None  # the reader refuses an activation without one
        self._scale, self._zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
        self.runtime = f"{hello.board} on {self._port}, model {hello.source_sha256[:12]}"

    def score(self, clip: Clip) -> ClipScore:
        found = self._score(clip)
        score = found.score_q16 / Q16
        output = (found.codes.astype(np.float64) - self._zero_point) * self._scale
        is_arcface = self._detector.kind == ARCFACE
        return ClipScore(
            score, cross_entropy(score) if is_arcface else None, output, found.codes if is_arcface else None
        )

    def close(self) -> None:
        """Give the port back."""
        self._link.close()

    def _score(self, clip: Clip) -> LinkScore:
        class_index = self._detector.labels.index(clip.machine)
        for start in range(_MOST_STARTS):
            try:
                scores = self._link.score_clip(clip.samples, class_index)
            except StreamLostError:
                if start == _MOST_STARTS - 1:
                    raise
                continue
            if len(scores) != 1 or scores[0].status != 0:
                statuses = [score.status for score in scores]
                raise ClipError(f"it gives {len(scores)} scores, status {statuses}, not one; check its length")
            return scores[0]
        raise AssertionError("the last start returns or raises")

    def _check(self, hello: BoardHello, work: Path) -> None:
        source = b"".join((work / name).read_bytes() for name in (TFLITE_FILE, DETECTOR_FILE))
        if hello.model_status != 0:
            raise BackendError(
                f"{self._port}: {hello.board} refuses the model image in its flash, status {hello.model_status} of "
                f"asd_status.h; write it again: asd-edge compile {work} --board {hello.board}"
            )
        if hello.source_sha256 != hashlib.sha256(source).hexdigest() or hello.is_endless:
            kind = "an endless image" if hello.is_endless else f"model {hello.source_sha256[:12]}"
            raise BackendError(
                f"{self._port}: {hello.board} holds {kind}, not the one of {work}; write it to the board: "
                f"asd-edge compile {work} --board {hello.board}"
            )
