"""An ONNX file under onnxruntime, fed and read in the Graph's layout, so that both can be compared run by run."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.export.calibration_set import Inputs
from asd_edge.export.check_outputs import Outputs


class OnnxModel:
    """A loaded ONNX file with one output, on one thread."""

    def __init__(self, path: Path) -> None:
        """Raises GraphError where onnxruntime refuses the file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors only
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise GraphError(f"{path}: onnxruntime refuses it ({reason}); export it again") from error
        self._shapes = {value.name: tuple(value.shape) for value in self._session.get_inputs()}

    def outputs(self, runs: Iterable[Inputs]) -> Outputs:
        """What the file gives for these inputs."""
        return [self._run(inputs) for inputs in runs]

    def _run(self, inputs: Inputs) -> NDArray[np.float32]:
        feeds = {name: to_onnx_layout(inputs[name], shape) for name, shape in self._shapes.items()}
        (result,) = self._session.run(None, feeds)
        return np.asarray(result, np.float32).reshape(-1)


def to_onnx_layout(values: NDArray[np.float32], onnx_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """[1, time, mel, channels] -> [1, channels, mel, time], [1, channels, time, mel] or [1, K], as the file has it."""
    if len(onnx_shape) == 2:
        return np.ascontiguousarray(values.reshape(onnx_shape))
    time_last = values.transpose(0, 3, 2, 1)
    return np.ascontiguousarray(time_last if time_last.shape == onnx_shape else values.transpose(0, 3, 1, 2))
