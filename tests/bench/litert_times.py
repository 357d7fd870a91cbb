"""Models under LiteRT, run in turns on one thread -> milliseconds of each, so that all see the same machine.

python -m tests.bench.litert_times NAME=MODEL...    prints them as JSON, dot products hidden (LD_PRELOAD, PYTHONPATH)
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.export.write_tflite import float_tflite_bytes
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from tests.bench.patched_litert import patched_litert

N_TIMED = 30
HIDE = Path(__file__).with_name("hide_dot_products.c")
DOT_PRODUCTS = ("avx512_vnni", "avx_vnni")  # flags of /proc/cpuinfo
FLOAT32 = "float"  # the one model whose inputs aren't int8


@dataclass(frozen=True)
class LitertTimes:
    """Of one clip, the network alone; the thread's own time, so that other programs change it little."""

    least_ms: float
    median_ms: float


def litert_times(models: Mapping[str, Path], n_timed: int = N_TIMED) -> dict[str, LitertTimes]:
    """`models` by name; the one named FLOAT32 takes float32 inputs."""
    rng = np.random.default_rng(4)
    loaded = {name: TfliteModel(path) for name, path in models.items()}
    inputs = {
        name: {
            entry: rng.normal(size=shape).astype(np.float32)
            if name == FLOAT32
            else rng.integers(-128, 128, shape).astype(np.int8)
            for entry, shape in model.input_shapes.items()
        }
        for name, model in loaded.items()
    }
    found: dict[str, list[float]] = {name: [] for name in loaded}
    for _ in range(n_timed):
        for name, model in loaded.items():
            start = time.thread_time()
            model.run(inputs[name])  # type: ignore[arg-type]  # the class is for int8 models
            found[name].append(1000.0 * (time.thread_time() - start))
    return {name: LitertTimes(min(times), float(np.median(times))) for name, times in found.items()}


def write_float_tflite(onnx_file: Path, n_frames: int, path: Path) -> Path:
    """The same network with the operators of our int8 file, in float32, for timing alone."""
    path.write_bytes(float_tflite_bytes(run_float_passes(import_onnx(onnx_file, n_frames))))
    return path


def litert_times_without_dot_products(models: Mapping[str, Path]) -> dict[str, LitertTimes]:
    """As on a CPU without dot-product instructions: in a process from which they are hidden, where this one has them.

    Raises CalledProcessError without a C compiler or objdump, RuntimeError where nothing would be hidden.
    """
    if not set(DOT_PRODUCTS) & set(Path("/proc/cpuinfo").read_text().split()):
        return litert_times(models)
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder) / "hide_dot_products.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", str(HIDE), "-o", library], check=True)
        command = [
            sys.executable,
            "-m",
            "tests.bench.litert_times",
            *(f"{name}={path}" for name, path in models.items()),
        ]
        package = str(patched_litert(Path(folder) / "package"))
        environment = {**os.environ, "LD_PRELOAD": library, "PYTHONPATH": package}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return {name: LitertTimes(**times) for name, times in json.loads(done.stdout).items()}


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    measured = litert_times({name: Path(path) for name, path in given.items()})
    if not ctypes.c_int.in_dll(ctypes.CDLL(os.environ["LD_PRELOAD"]), "hide_dot_products_answers").value:
        raise RuntimeError("LiteRT has not asked for the CPU's features: nothing was hidden")
    print(json.dumps({name: asdict(times) for name, times in measured.items()}))
