"""The .tflite files that others exported (tests/golden/foreign/files.toml), column by column for every core."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from asd_edge.compiler.compile_network import compile_tflite
from asd_edge.compiler.kernel_choice import Core
from asd_edge.export.read_tflite import read_tflite
from quantization.interpret_int8 import run_int8
from tests.engine.test_streaming import assert_same_columns, codes_of, stream

FOLDER = Path(__file__).parents[1] / "golden/foreign"
FILES = [entry["name"] for entry in tomllib.loads((FOLDER / "files.toml").read_text())["file"]]


@pytest.mark.parametrize("core", Core, ids=lambda core: core.name)
@pytest.mark.parametrize("name", FILES)
def test_a_foreign_network_streams_to_the_bit(name: str, core: Core) -> None:
    graph = read_tflite(FOLDER / name)
    windows = codes_of(graph, 3)[:2]
    compiled = compile_tflite(FOLDER / name, core)
    found = stream(compiled, windows)
    assert compiled.plan.graph.is_streamed
    assert len(np.unique(found.output)) > 2
    assert_same_columns(graph, found, [run_int8(graph, window) for window in windows])
