"""model.tflite in the runtime of a host over SSH: int8 inputs in, int8 output out, by one process that stays open."""

import json
import shlex
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.remote.run_tflite import FRAME, NO_RUNTIME
from asd_edge.errors import BackendError
from asd_edge.ssh_host import Finished, SshHost

_PROGRAM = Path(__file__).with_name("remote") / "run_tflite.py"
_NOT_FOUND = (126, 127)  # of a shell
_SECONDS = 120.0  # for a runtime that loads from an SD card, or one run


class RemoteTflite:
    """A model loaded there; `runtime` names package and version of the interpreter, and where it runs."""

    def __init__(self, host: SshHost, model: bytes, python: str, on_edge_tpu: bool = False) -> None:
        """Raises BackendError where Python, numpy, a runtime or the Edge TPU are missing or the model is refused."""
        self._host = host
        self._python = python
        command = copy_runner(host, model, python) + (" --edgetpu" if on_edge_tpu else "")
        self._process = host.start(command)
        about = self._read_line()
        self._inputs = {str(name): tuple(shape) for name, shape in about["inputs"]}
        self.output_scale = float(about["output"]["scale"])
        self.output_zero_point = int(about["output"]["zero_point"])
        self._n_codes = int(np.prod(about["output"]["shape"]))
        delegate = f", {about['delegate']}" if about["delegate"] else ""
        self.runtime = f"{about['runtime']}{delegate}, Python {about['python']} on {host.address}"

    def run(self, inputs: Mapping[str, NDArray[np.int8]]) -> NDArray[np.int8]:
        """The output's codes, flat. Raises BackendError where none comes."""
        for name, shape in self._inputs.items():
            if name not in inputs or inputs[name].shape != shape:
                raise BackendError(f"{self._host.address}: its model takes {name} as {shape}; make it of this export")
        codes = b"".join(inputs[name].tobytes() for name in self._inputs)
        self._host.wait(self._process.write(FRAME.pack(len(codes), zlib.crc32(codes)) + codes), _SECONDS)
        header = self._host.wait(self._process.read(FRAME.size), _SECONDS)
        if len(header) != FRAME.size:
            raise self._why_ended()
        n_bytes, crc = FRAME.unpack(header)
        answer = self._host.wait(self._process.read(min(n_bytes, self._n_codes)), _SECONDS)
        if n_bytes != self._n_codes or zlib.crc32(answer) != crc:
            raise BackendError(f"{self._host.address}: a damaged answer; run the same command again")
        return np.frombuffer(answer, np.int8)

    def _read_line(self) -> Any:
        line = self._host.wait(self._process.read_line(), _SECONDS)
        if not line.endswith(b"\n"):
            raise self._why_ended()
        return json.loads(line)

    def _why_ended(self) -> BackendError:
        done = self._host.wait(self._process.finish(), _SECONDS)
        return BackendError(f"{self._host.address}: {why_ended(done, self._python)}")


def why_ended(done: Finished, python: str) -> str:
    """Of a runner that has ended by itself."""
    if done.code in _NOT_FOUND:
        return f"{python} can't be run there ({done.last_words}); install Python 3.7+"
    if done.code == NO_RUNTIME:
        return (
            f"{done.last_words} for {python}; there: {python} -m pip install ai-edge-litert, or name another Python: "
            "litert@/home/pi/env/bin/python3"
        )
    return done.last_words


def copy_runner(host: SshHost, model: bytes, python: str) -> str:
    """Program and model into the connection's folder; the command that runs them."""
    folder = host.make_folder()
    host.write_file(f"{folder}/run_tflite.py", _PROGRAM.read_bytes())
    host.write_file(f"{folder}/model.tflite", model)
    return f"cd {folder} && exec {shlex.quote(python)} run_tflite.py model.tflite"
