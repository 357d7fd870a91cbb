"""The stock route from model.onnx to int8: onnx2tf and TensorFlow's converter, in an environment of their own.

    python -m tests.bench.stock_route WORK CALIBRATION OUT      WORK: what `asd-edge export` wrote; after
                                                                `make .venv-stock/stamp`

OUT gets model.tflite and a detector.safetensors that differs from WORK's in the input scales alone. The converter gets
the very clips that calibrated WORK, by the float front end, in the layout that it wants, and is asked for what its
documentation calls full-integer quantization, int8 inputs and outputs included, with per-channel weights.
"""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from asd_edge.backends.clip_features import network_runs
from asd_edge.backends.network_inputs import FIXED, code_inputs
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_output import score_output
from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.clip.level import at_level
from asd_edge.clip.read_clip import read_clip
from asd_edge.evaluate.agreement import row_cosines
from asd_edge.export.calibration_set import ClipFeatures, features_of, spread_evenly
from asd_edge.export.detector import RECONSTRUCTION, Detector, InputScale, load_detector, write_detector
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.export.work_files import DETECTOR_FILE, ONNX_FILE, RECORD_FILE, TFLITE_FILE
from asd_edge.frontend.context_vectors import context_vectors
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE
from tests.bench.write_result import ROOT

STOCK_PYTHON = ROOT / ".venv-stock/bin/python"
TO_INT8 = Path(__file__).with_name("stock_int8.py")
FLOAT_FILE = "model_float32.tflite"  # what onnx2tf names it
N_COMPARED = 4  # clips on which its float file is compared with the ONNX file

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class StockFile:
    """`seconds` of the commands alone; `float_cosine` is the lowest of the float32 file with the ONNX file."""

    commands: str
    seconds: float
    float_cosine: float


def stock_commands(onnx_file: Path, clips: Path, saved_model: Path, out: Path) -> tuple[list[str], list[str]]:
    """ONNX -> TensorFlow's saved model, and that with the calibration clips of an .npz file -> int8."""
    return (
        [str(STOCK_PYTHON), "-m", "onnx2tf", "-i", str(onnx_file), "-o", str(saved_model)],
        [str(STOCK_PYTHON), str(TO_INT8), str(saved_model), str(clips), str(out)],
    )


def stock_inputs(clips: Sequence[ClipFeatures], detector: Detector) -> dict[str, NDArray[np.float32]]:
    """All calibration clips by input, channels last: log_mel (n, mel, time, 1) and wavegram_fir (n, 1, time, 1), or for
    a reconstruction the vectors of all clips (n_vectors, vector_size).
    """
    if detector.kind == RECONSTRUCTION:
        return {"log_mel": np.concatenate([context_vectors(clip.log_mel) for clip in clips]).astype(np.float32)}
    inputs = {"log_mel": np.stack([clip.log_mel.T[:, :, None] for clip in clips])}
    frames = [clip.wavegram_fir for clip in clips if clip.wavegram_fir is not None]
    if frames:
        inputs["wavegram_fir"] = np.stack([values[None, :, None] for values in frames])
    return inputs


def read_features(path: Path, detector: Detector, change_db: float = 0.0) -> ClipFeatures:
    """Of one clip, by the float front end, as `asd-edge export` calibrates."""
    samples = read_clip(path, detector.frontend.clip_samples, detector.frontend.sample_rate_hz)
    return features_of(at_level(samples, change_db), detector.frontend, detector.fir)


def convert_stock(work: Path, calibration_folder: Path, out: Path) -> StockFile:
    """Write `out`. Raises RuntimeError where .venv-stock is missing or a command fails, with its last words."""
    if not STOCK_PYTHON.exists():
        raise RuntimeError("the stock converter isn't installed: make .venv-stock/stamp (3.5 GB)")
    detector = load_detector(work / DETECTOR_FILE)
    used = json.loads((work / RECORD_FILE).read_text())["calibration"]["samples_sha256"]
    clips = [read_features(calibration_folder / name, detector) for name in used]
    inputs = stock_inputs(clips, detector)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    saved_model, clips_file, onnx_file = out / "saved_model", out / "calibration.npz", out / ONNX_FILE
    shutil.copyfile(work / ONNX_FILE, onnx_file)  # onnx2tf simplifies the file that it is given, in place
    np.savez(clips_file, **inputs)  # type: ignore[arg-type]  # numpy's stub takes the names for options
    commands = stock_commands(onnx_file, clips_file, saved_model, out / TFLITE_FILE)
    start = time.perf_counter()
    for command in commands:
        _run(command)
    seconds = time.perf_counter() - start
    cosine = _lowest_float_cosine(saved_model / FLOAT_FILE, work / ONNX_FILE, inputs)
    shutil.rmtree(saved_model)
    clips_file.unlink()
    onnx_file.unlink()
    for name in (WEIGHTS_FILE, SETTINGS_FILE):
        shutil.copyfile(work / name, out / name)
    write_detector(replace(detector, input_scales=_input_scales(out / TFLITE_FILE)), out / DETECTOR_FILE)
    return StockFile("\n".join(map(shlex.join, commands)), seconds, cosine)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")


def input_name(tensor_name: str) -> str:
    """serving_default_log_mel:0, as the converter names it, or log_mel -> log_mel."""
    return tensor_name.removeprefix("serving_default_").partition(":")[0]


def _input_scales(model: Path) -> dict[str, InputScale]:
    details = Interpreter(model_path=str(model)).get_input_details()
    return {
        input_name(detail["name"]): InputScale(float(scale), int(zero_point))
        for detail in details
        for scale, zero_point in [detail["quantization"]]
    }


def _lowest_float_cosine(converted: Path, onnx_file: Path, inputs: Mapping[str, NDArray[np.float32]]) -> float:
    """Whether the float network survived the conversion, before any of it was quantized."""
    interpreter, onnx = Interpreter(model_path=str(converted)), OnnxModel(onnx_file)
    interpreter.allocate_tensors()
    (output,) = interpreter.get_output_details()
    found: list[NDArray[np.float32]] = []
    expected: list[NDArray[np.float32]] = []
    for index in spread_evenly(tuple(range(len(inputs["log_mel"]))), N_COMPARED):
        run = {name: values[index : index + 1] for name, values in inputs.items()}
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], run[input_name(detail["name"])])
        interpreter.invoke()
        found.append(np.ravel(interpreter.get_tensor(output["index"])))
        expected += onnx.outputs([{name: _in_graph_layout(values) for name, values in run.items()}])
    return float(row_cosines(np.stack(expected), np.stack(found)).min())


def _in_graph_layout(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1, mel, time, channels] -> [1, time, mel, channels]; [1, vector_size] -> [1, 1, 1, vector_size]."""
    return values.reshape(1, 1, 1, -1) if values.ndim == 2 else values.transpose(0, 2, 1, 3)


def in_stock_layout(run: Mapping[str, NDArray[T]], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[T]]:
    """[1, time, mel, channels] -> [1, mel, time, channels], or [1, vector_size], by the names of the file's tensors."""
    return {name: run[input_name(name)].transpose(0, 2, 1, 3).reshape(shape) for name, shape in shapes.items()}


class StockRung:
    """See `Rung`: its model.tflite under LiteRT, behind the same fixed-point front end as ours."""

    name = "stock"
    takes_features = True
    frontend = FIXED
    tolerance_lsb = None

    def __init__(self, work: Path) -> None:
        self._model = TfliteModel(work / TFLITE_FILE)
        self._detector = load_detector(work / DETECTOR_FILE)
        self.runtime = self._model.runtime

    def score(self, clip: Clip) -> ClipScore:
        runs = network_runs(code_inputs(clip, self._detector, FIXED))
        codes = np.stack(
            [self._model.run(in_stock_layout(run, self._model.input_shapes)) for run in runs]
        )  # (n_runs, n_outputs)
        output = (codes.astype(np.float64) - self._model.output_zero_point) * self._model.output_scale
        return score_output(output, clip, self._detector, codes)


if __name__ == "__main__":
    print(convert_stock(*map(Path, sys.argv[1:])))
