"""int8 .tflite files that another exporter wrote: listed with hash, read, and run bit for bit as LiteRT runs them."""

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType

from asd_edge.export.read_tflite import read_tflite
from asd_edge.graph.ops import FullyConnected
from quantization.interpret_int8 import run_int8
from tests.bit_exact import run_litert
from tests.export.tflite_changes import changed, operator_of
from tests.tflite_contents import tflite_contents

FOLDER = Path(__file__).resolve().parents[1] / "golden/foreign"
FILES = {entry["name"]: entry for entry in tomllib.loads((FOLDER / "files.toml").read_text())["file"]}
N_INPUTS = 4


def random_codes(shape: tuple[int, ...], seed: int) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Uniform codes at first, then ever narrower ones around a random level, as quiet signals have them."""
    rng = np.random.default_rng(seed)
    width = 255 >> seed
    low = int(rng.integers(-128, 128 - width))
    return rng.integers(low, low + width + 1, shape).astype(np.int8)


def test_every_file_is_listed_and_every_listed_file_is_there() -> None:
    assert {path.name for path in FOLDER.glob("*.tflite")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_is_the_listed_one_and_below_120_kb(name: str) -> None:
    content = (FOLDER / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == FILES[name]["sha256"]
    assert len(content) < 120_000
    assert sorted(tflite_contents(FOLDER / name).operators) == FILES[name]["operators"]


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_of_a_foreign_file_equals_litert_bit_for_bit(name: str) -> None:
    graph = read_tflite(FOLDER / name)
    (source,), content = graph.inputs, (FOLDER / name).read_bytes()
    rank = 2 if name == "fc_autoencoder.tflite" else 4  # the file's own, which has no time axis
    for seed in range(N_INPUTS):
        codes = random_codes(graph.tensors[source].shape, seed)
        reference = run_int8(graph, {source: codes})
        litert = run_litert(content, {source: codes.reshape(1, -1) if rank == 2 else codes}, OpResolverType.BUILTIN_REF)
        for op in graph.ops:
            np.testing.assert_array_equal(litert[op.output].ravel(), reference[op.output].ravel(), op.output)
        assert len(np.unique(reference[graph.outputs[0]])) > 1


def test_both_kinds_of_fully_connected_scales_occur() -> None:
    kinds = set()
    for name in FILES:
        graph = read_tflite(FOLDER / name)
        for op in graph.ops:
            if isinstance(op, FullyConnected):
                quantization = graph.tensors[op.inputs[1]].quantization
                assert quantization is not None
                kinds.add(len(set(quantization.scale.tolist())) > 1)
    assert kinds == {False, True}


def same_padding(model: Any) -> None:
    """The average pool's window grows by one beyond the map, so that SAME pads it."""
    options = operator_of(model, "AVERAGE_POOL_2D").builtinOptions
    options.padding, options.filterHeight, options.strideH = 0, options.filterHeight + 2, 40


def no_bias(model: Any) -> None:
    op = operator_of(model, "FULLY_CONNECTED")
    op.inputs = np.array([*op.inputs[:2], -1], np.int32)


def one_scale(model: Any) -> None:
    op = operator_of(model, "DEPTHWISE_CONV_2D")
    for index in op.inputs[1:]:
        quantization = model.subgraphs[0].tensors[index].quantization
        quantization.scale, quantization.zeroPoint = quantization.scale[:1], quantization.zeroPoint[:1]


def relu_n1_to_1(model: Any) -> None:
    operator_of(model, "CONV_2D").builtinOptions.fusedActivationFunction = 2


@pytest.mark.parametrize("change", [same_padding, no_bias, one_scale, relu_n1_to_1])
def test_variant_that_other_exporters_write_equals_litert(change: Callable[[Any], None], tmp_path: Path) -> None:
    path = tmp_path / "ds_cnn.tflite"
    path.write_bytes((FOLDER / path.name).read_bytes())
    before = read_tflite(path)
    changed(path, change)
    graph = read_tflite(path)
    assert graph.ops != before.ops or change is one_scale
    (source,) = graph.inputs
    codes = random_codes(graph.tensors[source].shape, 0)
    reference = run_int8(graph, {source: codes})
    litert = run_litert(path.read_bytes(), {source: codes}, OpResolverType.BUILTIN_REF)
    for op in graph.ops:
        np.testing.assert_array_equal(litert[op.output].ravel(), reference[op.output].ravel(), op.output)
