"""Two programs that judge a .tflite file: Vela, Arm's compiler for Ethos-U, and tflite-runtime 2.14."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ACCELERATOR = "ethos-u55-256"
TFLITE_RUNTIME_PYTHON = Path(__file__).resolve().parents[1] / ".venv-tflite-runtime/bin/python"

_RUN_IN_TFLITE_RUNTIME = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter
model, inputs, output = sys.argv[1:]
interpreter = Interpreter(model)
interpreter.allocate_tensors()
arrays = np.load(inputs)
for detail in interpreter.get_input_details():
    interpreter.set_tensor(detail["index"], arrays[detail["name"]])
interpreter.invoke()
np.save(output, interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
"""


def vela_program() -> Path | None:
    """Vela's console script beside this Python; None where the extra `verify` isn't installed."""
    program = Path(sys.executable).with_name("vela")
    return program if program.exists() else None


def vela_cpu_operators(program: Path, model: Path) -> int:
    """Operators that Vela leaves on the CPU when it compiles the file for ACCELERATOR.

    Raises CalledProcessError where Vela fails, ValueError where its report lacks the count.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), str(model), "--accelerator-config", ACCELERATOR, "--output-dir", folder]
        report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    match = re.search(r"CPU operators = (\d+)", report)
    if match is None:
        raise ValueError(f"Vela's report says nothing of CPU operators: {report}")
    return int(match[1])


def run_tflite_runtime(model: Path, inputs: Mapping[str, NDArray[np.int8]]) -> NDArray[np.int8]:
    """The file's output under tflite-runtime 2.14. Raises CalledProcessError where it refuses the file."""
    with tempfile.TemporaryDirectory() as folder:
        arrays, output = Path(folder) / "inputs.npz", Path(folder) / "output.npy"
        np.savez(arrays, **inputs)  # type: ignore[arg-type]  # numpy's stub takes the names for options
        command = [str(TFLITE_RUNTIME_PYTHON), "-c", _RUN_IN_TFLITE_RUNTIME, str(model), str(arrays), str(output)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return np.asarray(np.load(output), np.int8)
