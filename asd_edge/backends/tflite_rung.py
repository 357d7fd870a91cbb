"""Rung tflite: model.tflite in an installed TFLite interpreter, with the kernels that a device would use."""

from pathlib import Path

import numpy as np

from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.network_inputs import code_inputs
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_output import score_output
from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.export.detector import Detector

# Optimized kernels round otherwise than the reference ones: XNNPACK's requantization and its int8 sums are its own.
TOLERANCE_LSB = 8


class TfliteRung:
    """See `Rung`."""

    name = "tflite"
    takes_features = True
    tolerance_lsb = TOLERANCE_LSB

    def __init__(self, model_path: Path, detector: Detector, frontend: str, num_threads: int = 1) -> None:
        """Raises BackendError when no interpreter is installed or the one that is refuses the model."""
        self._model = TfliteModel(model_path, num_threads)
        self._detector = detector
        self.frontend = frontend
        self.runtime = self._model.runtime

    def score(self, clip: Clip) -> ClipScore:
        inputs = code_inputs(clip, self._detector, self.frontend)
        codes = np.stack([self._model.run(run) for run in network_runs(inputs)])  # (n_runs, n_outputs)
        output = (codes.astype(np.float64) - self._model.output_zero_point) * self._model.output_scale
        return score_output(output, clip, self._detector, codes)
