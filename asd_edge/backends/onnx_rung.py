"""Rung onnx: model.onnx in onnxruntime on the front end's features, float32."""

from pathlib import Path

import numpy as np
import onnxruntime

from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.network_inputs import real_inputs
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_output import score_output
from asd_edge.export.detector import Detector
from asd_edge.export.run_onnx import OnnxModel


class OnnxRung:
    """See `Rung`."""

    name = "onnx"
    takes_features = True
    tolerance_lsb = None

    def __init__(self, model_path: Path, detector: Detector, frontend: str) -> None:
        """Raises GraphError where onnxruntime refuses the model."""
        self._model = OnnxModel(model_path)
        self._detector = detector
        self.frontend = frontend
        self.runtime = f"onnxruntime {onnxruntime.__version__}"

    def score(self, clip: Clip) -> ClipScore:
        inputs = real_inputs(clip, self._detector, self.frontend)
        output = np.stack(self._model.outputs(network_runs(inputs)))  # (n_runs, n_outputs)
        return score_output(output, clip, self._detector)
