"""model.tflite in whichever TFLite interpreter is installed: int8 inputs in, int8 output and its scale out.

ai-edge-litert first, else tflite-runtime (older Raspberry Pi images; it needs numpy < 2), else TensorFlow's own.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import BackendError
from asd_edge.export.quiet_runtime import quiet_runtime

# package as pip knows it, module that holds Interpreter; the first that is installed is taken
INTERPRETERS = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)


class TfliteModel:
    """A loaded model with one output; `runtime` names package and version of the interpreter."""

    def __init__(self, path: Path, num_threads: int = 1) -> None:
        """Raises BackendError when no interpreter is installed or the one that is refuses the model."""
        interpreter_class, self.runtime = _find_interpreter()
        try:
            # the default kernels, as a device runs them: with XNNPACK where the build has it
            with quiet_runtime():
                self._interpreter = interpreter_class(model_path=str(path), num_threads=num_threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, AttributeError, ImportError) as error:
            # AttributeError and ImportError: tflite-runtime on numpy 2
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BackendError(
                f"{path}: {self.runtime} refuses it ({reason}); export it again or install ai-edge-litert"
            ) from error
        self._inputs = {detail["name"]: detail for detail in self._interpreter.get_input_details()}
        (self._output,) = self._interpreter.get_output_details()
        scale, zero_point = self._output["quantization"]
        self.output_scale, self.output_zero_point = float(scale), int(zero_point)

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each input by name, batch first."""
        return {name: tuple(int(size) for size in detail["shape"]) for name, detail in self._inputs.items()}

    def run(self, inputs: Mapping[str, NDArray[np.int8]]) -> NDArray[np.int8]:
        """The output's codes, flat, for inputs of `input_shapes`."""
        for name, detail in self._inputs.items():
            self._interpreter.set_tensor(detail["index"], inputs[name])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output["index"]), np.int8).reshape(-1)


def _find_interpreter() -> tuple[Any, str]:
    """(Interpreter class, "package version")."""
    for package, module_name in INTERPRETERS:
        try:
            interpreter_class = importlib.import_module(module_name).Interpreter
        except ImportError:
            continue
        version = importlib.import_module(module_name.split(".")[0]).__version__
        return interpreter_class, f"{package} {version}"
    names = ", ".join(package for package, _ in INTERPRETERS)
    raise BackendError(f"no TFLite interpreter is installed; install one of {names}")
