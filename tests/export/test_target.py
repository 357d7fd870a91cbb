"""Targets: what each does to a float graph, proof of it, and that our own engine runs every lowered form."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.errors import GraphError
from asd_edge.export.check_outputs import Outputs
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.targets.lowering import check_lowering
from asd_edge.export.targets.target import CORAL, ETHOS_U, LITERT, MCU, TARGETS, Target, find_target, lower_for_target
from asd_edge.export.write_tflite import float_tflite_bytes, tflite_bytes
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Padding
from asd_edge.graph.passes import run_float_passes
from quantization.channel_groups import channel_groups
from quantization.interpret_int8 import run_int8
from tests.engine.test_streaming import assert_same_columns, codes_of, stream
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder, random_inputs

ACTIVATIONS = {"PRelu", "LeakyRelu", "Elu"}


def activated() -> Graph:
    """Every activation that some target lowers; one PReLU has a slope above 1."""
    build = GraphBuilder(np.random.default_rng(8), log_mel=(1, 14, 9, 2))
    x = build.prelu(build.conv("log_mel", 6, (3, 3), padding=Padding(1, 1, 1, 1)))
    x = build.unary("elu", build.depthwise(x, (3, 3), (2, 1)))
    x = build.leaky_relu(build.conv(x, 5), 0.125)
    return run_float_passes(build.graph(build.mean(build.conv(x, 4), (1, 2))))


def runs_of(graph: Graph) -> Callable[[Graph], Outputs]:
    inputs = [random_inputs(graph, seed) for seed in range(3)]
    return lambda form: [run_float(form, values)[form.outputs[0]].reshape(-1) for values in inputs]


def kinds(graph: Graph) -> set[str]:
    return {type(op).__name__ for op in graph.ops}


@pytest.mark.parametrize(
    ("target", "kept"),
    [(MCU, ACTIVATIONS), (LITERT, {"LeakyRelu", "Elu"}), (ETHOS_U, {"LeakyRelu", "Elu"}), (CORAL, set[str]())],
)
def test_activations_that_a_target_keeps(target: Target, kept: set[str]) -> None:
    assert kinds(lower_for_target(activated(), target)) & ACTIVATIONS == kept


def test_exact_forms_are_proven_and_approximations_measured() -> None:
    graph = activated()
    outputs = runs_of(graph)
    assert check_lowering(graph, MCU, outputs) is None
    litert, coral = (check_lowering(graph, target, outputs) for target in (LITERT, CORAL))
    assert litert is not None
    assert litert.exact.max_abs_difference < 1e-5
    assert litert.approximation_mean is None
    assert coral is not None
    assert coral.exact.max_abs_difference < 1e-5
    assert coral.approximation_mean is not None
    assert coral.approximation_worst is not None
    assert 1e-9 < coral.approximation_mean <= coral.approximation_worst < 1e-3


def test_a_form_that_is_not_exact_is_refused() -> None:
    graph = activated()
    wrong = Target("wrong", exact=CORAL.approximate)
    with pytest.raises(GraphError, match="lowered for wrong: outputs differ by"):
        check_lowering(graph, wrong, runs_of(graph))


def test_unknown_target_is_refused_with_those_that_exist() -> None:
    with pytest.raises(GraphError, match="'tpu' is no target; choose from mcu, litert, coral, ethos-u"):
        find_target("tpu")


def test_channels_around_a_lowered_prelu_are_equalized_as_around_the_prelu() -> None:
    build = GraphBuilder(np.random.default_rng(3), log_mel=(1, 14, 9, 2))
    x = build.prelu(build.conv("log_mel", 6))
    slopes = f"{x}/slope"
    build.weight(slopes, np.linspace(0.1, 0.6, 6).reshape(1, 1, 6))
    graph = build.graph(build.depthwise(x, (3, 3)))
    before, after = channel_groups(graph), channel_groups(lower_for_target(graph, LITERT))
    assert list(before) == list(after) == ["t0"]
    assert (after["t0"].producers, after["t0"].readers) == (before["t0"].producers, before["t0"].readers)
    assert {*before["t0"].names} < {*after["t0"].names}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_engine_and_file_give_the_codes_of_the_reference(target: Target, tmp_path: Path) -> None:
    graph = quantized(lower_for_target(activated(), target))
    (tmp_path / "model.tflite").write_bytes(tflite_bytes(graph))
    read = read_tflite(tmp_path / "model.tflite")
    windows = codes_of(read, 1)
    streamed = stream(compile_graph(read, Core.GENERIC), windows)
    assert_same_columns(read, streamed, [run_int8(graph, window) for window in windows])


def test_float_file_computes_what_the_float_graph_does() -> None:
    graph = activated()
    inputs = random_inputs(graph, 5)
    interpreter = Interpreter(model_content=float_tflite_bytes(graph))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs["log_mel"])
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, run_float(graph, inputs)[graph.outputs[0]], rtol=0, atol=1e-5)
