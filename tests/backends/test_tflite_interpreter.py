"""Which TFLite interpreter is taken, what happens without one, and that the oldest one runs an exported model."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from asd_edge.backends.clip_features import clip_features, quantized_features
from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.backends.tflite_rung import TOLERANCE_LSB
from asd_edge.errors import BackendError
from asd_edge.export.detector import load_detector
from tests.backends.tiny_detector import machine_sound
from tests.oracles import TFLITE_RUNTIME_PYTHON

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "ai-edge-litert": ("ai_edge_litert", "ai_edge_litert.interpreter"),
    "tflite-runtime": ("tflite_runtime", "tflite_runtime.interpreter"),
    "tensorflow": ("tensorflow", "tensorflow.lite", "tensorflow.lite.python", "tensorflow.lite.python.interpreter"),
}


class FakeInterpreter:
    """As much of an interpreter as loading a model needs."""

    def __init__(self, model_path: str, num_threads: int) -> None:
        self.loaded = (model_path, num_threads)

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, object]]:
        return [{"name": "log_mel", "index": 0, "shape": np.array([1, 2, 3, 1])}]

    def get_output_details(self) -> list[dict[str, object]]:
        return [{"name": "embedding", "index": 1, "quantization": (0.5, -3)}]


def _install_only(installed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for package, names in PACKAGES.items():
        for name in names:
            module = ModuleType(name)
            module.__version__ = "9.9"  # type: ignore[attr-defined]
            module.Interpreter = FakeInterpreter  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, module if package in installed else None)


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        (("ai-edge-litert", "tflite-runtime", "tensorflow"), "ai-edge-litert"),
        (("tflite-runtime", "tensorflow"), "tflite-runtime"),
        (("tensorflow",), "tensorflow"),
    ],
)
def test_the_first_interpreter_installed_is_taken_and_named(
    installed: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install_only(installed, monkeypatch)
    model = TfliteModel(Path("model.tflite"))
    assert model.runtime == f"{taken} 9.9"
    assert (model.output_scale, model.output_zero_point) == (0.5, -3)
    assert model.input_shapes == {"log_mel": (1, 2, 3, 1)}


def test_without_any_interpreter_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _install_only((), monkeypatch)
    with pytest.raises(BackendError, match="install one of ai-edge-litert, tflite-runtime, tensorflow"):
        TfliteModel(Path("model.tflite"))


def test_a_file_that_the_interpreter_refuses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(BackendError, match=r"model\.tflite: ai-edge-litert .* refuses it .*; export it again"):
        TfliteModel(path)


@pytest.mark.skipif(not TFLITE_RUNTIME_PYTHON.exists(), reason="no .venv-tflite-runtime; make install makes it")
def test_tflite_runtime_on_numpy_1_gives_what_litert_gives(tmp_path: Path, tiny_work: Path) -> None:
    path, detector = tiny_work / "model.tflite", load_detector(tiny_work / "detector.safetensors")
    model = TfliteModel(path)
    inputs = quantized_features(clip_features(machine_sound(0, False, seed=1), detector), detector)
    assert {name: values.shape for name, values in inputs.items()} == model.input_shapes
    np.savez(tmp_path / "inputs.npz", **inputs)  # type: ignore[arg-type]
    program = (
        "import numpy as np; from pathlib import Path; from asd_edge.backends.tflite_interpreter import TfliteModel; "
        f"model = TfliteModel(Path({str(path)!r})); inputs = dict(np.load({str(tmp_path / 'inputs.npz')!r})); "
        "print(model.runtime); print(*model.run(inputs))"
    )
    found = subprocess.run([TFLITE_RUNTIME_PYTHON, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    runtime, codes = found.stdout.splitlines()
    assert runtime == "tflite-runtime 2.14.0"
    difference = np.array(codes.split(), int) - model.run(inputs).astype(int)
    assert np.abs(difference).max() <= TOLERANCE_LSB
