"""Random networks column by column in C, against the whole-tensor interpreter and LiteRT's reference kernels."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from ai_edge_litert.interpreter import OpResolverType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.compiler.compile_network import CompiledModel, compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph import ops
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Elu
from asd_edge.native_engine import NativeRun, load_model, run_image
from quantization.interpret_int8 import run_int8
from tests.bit_exact import run_litert
from tests.engine.compiled_graphs import compiled_somehow, quantized_or_rejected
from tests.engine.stream_graphs import stream_graphs
from tests.export.int8_graphs import every_operator
from tests.graph.small_graphs import float_graphs

Int8Array = NDArray[np.int8]
N_GRAPHS = 500
N_WINDOWS = 3
LEAST_STREAMED = 0.7
EVERY_OPERATOR = {  # of an int8 graph; Affine and a ReLU by itself are folded before
    ops.Conv2D, ops.DepthwiseConv2D, ops.FullyConnected, ops.PRelu, ops.LeakyRelu, ops.Elu, ops.Logistic, ops.Tanh,
    ops.Softmax, ops.Add, ops.Mul, ops.Maximum, ops.Concat, ops.Pad, ops.Reshape, ops.AveragePool2D, ops.MaxPool2D,
    ops.Mean, ops.Requantize,
}  # fmt: skip


def codes_of(graph: Graph, seed: int) -> list[dict[str, Int8Array]]:
    """Random inputs of each window."""
    rng = np.random.default_rng(seed)
    return [
        {name: rng.integers(-128, 128, graph.tensors[name].shape).astype(np.int8) for name in graph.inputs}
        for _ in range(N_WINDOWS)
    ]


def stream(compiled: CompiledModel, windows: list[dict[str, Int8Array]]) -> NativeRun:
    """All windows back to back, every tensor kept."""
    model = load_model(compiled.content)
    names = [model.tensors[index].name for index in model.inputs]
    return run_image(compiled.content, [np.concatenate([w[name][0] for w in windows]) for name in names], taps=True)


def assert_same_columns(graph: Graph, found: NativeRun, windows: Sequence[Mapping[str, Int8Array]]) -> None:
    """Every tensor that the image still has, in every window."""
    n_compared = 0
    for name, columns in found.tensors.items():
        if name in windows[0]:
            expected = np.concatenate([window[name][0] for window in windows])
            np.testing.assert_array_equal(columns.reshape(-1), expected.reshape(-1), name)
            n_compared += 1
    assert n_compared > len(graph.inputs)
    expected = np.concatenate([window[graph.outputs[0]][0] for window in windows])
    np.testing.assert_array_equal(found.output.reshape(-1), expected.reshape(-1))


def test_a_stream_equals_the_whole_tensors_in_the_interpreter_and_in_litert() -> None:
    streamed, of_streamed = [], Counter[type]()

    @settings(
        max_examples=N_GRAPHS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data(), st.one_of(stream_graphs(), float_graphs()), st.integers(0, 2**32 - 1))
    def check(data: st.DataObject, float_graph: Graph, seed: int) -> None:
        graph = quantized_or_rejected(float_graph)
        compiled = compiled_somehow(graph, data)
        windows = codes_of(graph, seed)
        whole = [run_int8(graph, window) for window in windows]
        assert_same_columns(graph, stream(compiled, windows), whole)
        streamed.append(compiled.plan.graph.is_streamed)
        if streamed[-1]:
            of_streamed.update({type(op) for op in graph.ops})
        if not any(isinstance(op, Elu) for op in graph.ops):
            litert = run_litert(tflite_bytes(graph), windows[0], OpResolverType.BUILTIN_REF, False)
            (output,) = graph.outputs
            np.testing.assert_array_equal(litert[output].reshape(-1), whole[0][output].reshape(-1))

    check()
    share = float(np.mean(streamed))
    print(f"streamed {sum(streamed)} of {len(streamed)} random graphs ({share:.0%})")
    print(", ".join(f"{kind.__name__} {n}" for kind, n in of_streamed.most_common()))
    assert share >= LEAST_STREAMED
    assert not EVERY_OPERATOR - set(of_streamed), "operators that no streamed graph had"


def test_one_graph_of_every_operator_streams_or_waits_to_the_bit() -> None:
    graph = every_operator()
    windows = codes_of(graph, 1)
    compiled = compile_graph(graph, Core.GENERIC)
    assert_same_columns(graph, stream(compiled, windows), [run_int8(graph, window) for window in windows])
