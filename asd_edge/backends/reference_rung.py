"""Rung reference: model.tflite in the NumPy int8 interpreter, which defines every device's arithmetic.

Behind the fixed-point front end it scores in integers too, so that host, emulator and board give its very scores.
"""

from pathlib import Path

import numpy as np

from asd_edge.backends.blas_threads import one_blas_thread
from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.network_inputs import FIXED, code_inputs
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_output import score_codes, score_output
from asd_edge.export.detector import Detector
from asd_edge.export.read_tflite import read_tflite
from quantization.interpret_int8 import run_int8


class ReferenceRung:
    """See `Rung`."""

    name = "reference"
    takes_features = True
    tolerance_lsb = 0

    def __init__(self, model_path: Path, detector: Detector, frontend: str) -> None:
        """Raises GraphError for a file that can't be read back."""
        self._graph = read_tflite(model_path)
        self._detector = detector
        self.frontend = frontend
        (self._output,) = self._graph.outputs
        quantization = self._graph.tensors[self._output].quantization
        assert quantization is not None, "every tensor of an int8 graph has a scale"
        self._scale, self._zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
        self.runtime = f"numpy {np.__version__}"

    def score(self, clip: Clip) -> ClipScore:
        inputs = code_inputs(clip, self._detector, self.frontend)
        with one_blas_thread():
            codes = np.stack([run_int8(self._graph, run)[self._output].reshape(-1) for run in network_runs(inputs)])
        if self.frontend == FIXED:
            return score_codes(codes, self._scale, self._zero_point, clip, self._detector)
        output = (codes.astype(np.float64) - self._zero_point) * self._scale  # (n_runs, n_outputs)
        return score_output(output, clip, self._detector, codes)
