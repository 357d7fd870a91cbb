"""The reference model with the shipped weights: structure and size of its file, and who runs it how exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType
from numpy.typing import NDArray

from asd_edge.clip.read_clip import read_clip
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.export_record import ExportRecord
from asd_edge.export.read_tflite import read_tflite
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.wavegram_fir import wavegram_fir
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Elu
from asd_edge.model.checkpoint import shipped_checkpoint
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests.bit_exact import differing_bytes, run_litert
from tests.oracles import TFLITE_RUNTIME_PYTHON, run_tflite_runtime, vela_cpu_operators, vela_program
from tests.tflite_contents import TfliteContents, tflite_contents

FRONTEND = FrontendConfig()
OPTIMIZED_MAX_LSB = 8  # of kernels that round each layer otherwise
OPERATORS = {
    "ADD": 3,
    "CONCATENATION": 1,
    "CONV_2D": 19,
    "DEPTHWISE_CONV_2D": 14,
    "ELU": 2,
    "LOGISTIC": 1,
    "MUL": 1,
    "PAD": 4,
    "PRELU": 15,
    "RESHAPE": 1,
}


@dataclass(frozen=True)
class Reference:
    """The exported reference model, and one clip's int8 input and what the reference interpreter makes of it."""

    work: Path
    record: ExportRecord
    contents: TfliteContents
    detector: Detector
    graph: Graph
    inputs: dict[str, NDArray[np.int8]]
    embedding: NDArray[np.int8]


@pytest.fixture(scope="module")
def reference(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    record = export_checkpoint(shipped_checkpoint(), tiny_synthetic, folder / "work")
    path = folder / "work" / "model.tflite"
    graph, detector = read_tflite(path), load_detector(folder / "work" / "detector.safetensors")
    assert detector.fir is not None
    samples = read_clip(tiny_synthetic / "fan/test/anomaly_id_00_00000000.wav")
    features = {
        "log_mel": log_mel(samples, FRONTEND)[None, :, :, None].astype(np.float32),
        "wavegram_fir": wavegram_fir(samples, detector.fir.taps, detector.fir.bias, FRONTEND)
        .astype(np.float32)
        .reshape(1, -1, 1, 1),
    }
    inputs = quantize_inputs(graph, features)
    embedding = run_int8(graph, inputs)["embedding"].reshape(-1)
    return Reference(folder / "work", record, tflite_contents(path), detector, graph, inputs, embedding)


def test_float_forms_are_proven_equal_before_quantizing(reference: Reference) -> None:
    for check in reference.record.checks.values():
        assert 0 < check.max_abs_difference < 1e-4


def test_operators_are_these_and_no_conversion_is_among_them(reference: Reference) -> None:
    assert reference.contents.operators == OPERATORS
    assert reference.contents.n_conversions == 0


def test_tensors_are_int8_and_int32_constants_only(reference: Reference) -> None:
    assert reference.contents.other_tensors == ()
    n_convolutions, n_pads_and_reshapes = 19 + 14, 4 + 1
    assert reference.contents.types["INT32"] == n_convolutions + n_pads_and_reshapes
    assert set(reference.contents.types) == {"INT8", "INT32"}


def test_pads_stand_before_the_four_strided_convolutions(reference: Reference) -> None:
    assert reference.contents.padded == (
        "classifier.conv1.conv/padded",
        "classifier.blocks.0.conv.3/padded",
        "classifier.blocks.2.conv.3/padded",
        "classifier.blocks.4.conv.3/padded",
    )


def test_every_convolution_has_weights_per_channel(reference: Reference) -> None:
    assert reference.contents.per_tensor_convolutions == ()


def test_file_is_at_most_a_million_bytes(reference: Reference) -> None:
    assert (reference.work / "model.tflite").stat().st_size <= 1_000_000


def test_interface_is_the_front_ends(reference: Reference) -> None:
    shapes = {name: reference.graph.tensors[name].shape for name in (*reference.graph.inputs, *reference.graph.outputs)}
    assert shapes == {"log_mel": (1, 313, 128, 1), "wavegram_fir": (1, 313, 1, 1), "embedding": (1, 1, 1, 128)}


def test_clip_uses_the_codes_of_both_inputs(reference: Reference) -> None:
    """The inputs, the attention and the embedding are alive, so that the comparisons below mean something."""
    for name, codes in reference.inputs.items():
        assert np.ptp(codes.astype(int)) > 30, name
    assert len(np.unique(reference.embedding)) > 40


def test_reference_interpreter_equals_litert_bit_for_bit_on_every_tensor(reference: Reference) -> None:
    differing = differing_bytes(reference.graph, reference.inputs)
    assert len(differing) == sum(OPERATORS.values())
    assert sum(isinstance(op, Elu) for op in reference.graph.ops) == 2
    assert {name: n for name, n in differing.items() if n} == {}


@pytest.mark.parametrize(
    "resolver", [OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES], ids=["default", "plain"]
)
def test_litert_runs_the_file_close_to_the_reference(reference: Reference, resolver: OpResolverType) -> None:
    content = (reference.work / "model.tflite").read_bytes()
    found = run_litert(content, reference.inputs, resolver, keeps_all=False)["embedding"].reshape(-1)
    assert_close(found, reference.embedding)


def test_tflite_runtime_runs_the_file_close_to_the_reference(reference: Reference) -> None:
    if not TFLITE_RUNTIME_PYTHON.exists():
        pytest.skip("no environment with tflite-runtime 2.14: make install makes it on Linux with Python 3.11")
    found = run_tflite_runtime(reference.work / "model.tflite", reference.inputs)
    assert_close(found.reshape(-1), reference.embedding)


def assert_close(found: NDArray[np.generic], expected: NDArray[np.int8]) -> None:
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= OPTIMIZED_MAX_LSB


def test_vela_leaves_no_operator_on_the_cpu(reference: Reference) -> None:
    program = vela_program()
    if program is None:
        pytest.skip("Vela is not installed: pip install 'asd-edge[verify]'")
    assert vela_cpu_operators(program, reference.work / "model.tflite") == 0
