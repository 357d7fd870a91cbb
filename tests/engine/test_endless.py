"""Streams without end: what comes out depends on what went in, not on how long the stream has run."""

from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding
from asd_edge.native_engine import load_model, run_image
from quantization.interpret_int8 import run_int8
from tests.compiler.lengthened import complete_columns, lengthened
from tests.engine.compiled_graphs import compiled_somehow, quantized_or_rejected
from tests.engine.small_images import endless
from tests.engine.stream_graphs import ENDLESS_HEADS, stream_graphs
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

PERIOD, TICKS_PER_OUTPUT = 16, 4
N_GRAPHS = 60
LONGER_COLUMNS = st.integers(12, 48)  # than the window
N_COLUMNS = 300_000  # steps count again from the beginning after 131,072 output columns


def test_a_periodic_stream_stays_periodic_where_counters_start_again() -> None:
    columns = np.random.default_rng(1).integers(-128, 128, (PERIOD, 1, 3)).astype(np.int8)
    output = run_image(endless(), [np.tile(columns, (N_COLUMNS // PERIOD, 1, 1))]).output.reshape(-1, 5)
    assert len(output) == N_COLUMNS // TICKS_PER_OUTPUT - 2  # the first sees five columns of stride 2
    n_period = PERIOD // TICKS_PER_OUTPUT
    settled = output[n_period : n_period + (len(output) // n_period - 1) * n_period].reshape(-1, n_period, 5)
    assert (settled == settled[0]).all()
    assert len(np.unique(settled[0])) > 2


def assert_equals_one_long_window(graph: Graph, image: bytes, n_columns: int, seed: int) -> int:
    """All that comes out of `n_columns` of random codes; how many columns it is."""
    longer, model = lengthened(graph, n_columns), load_model(image)
    assert model.is_endless
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(-128, 128, longer.tensors[name].shape).astype(np.int8) for name in longer.inputs}
    expected = run_int8(longer, codes)[longer.outputs[0]][0]
    found = run_image(image, [codes[model.tensors[index].name][0] for index in model.inputs]).output
    assert len(found) == complete_columns(graph, n_columns)
    np.testing.assert_array_equal(found.reshape(-1), expected[: len(found)].reshape(-1))
    return len(found)


def test_every_sliding_output_is_that_of_the_network_over_the_whole_stream() -> None:
    builder = GraphBuilder(np.random.default_rng(2), x=(1, 11, 4, 2))
    x = builder.prelu(builder.conv("x", 4, (3, 3), (2, 2), Padding(0, 0, 1, 0)))
    x = builder.add(builder.depthwise(x, (3, 1), (1, 1), Padding(2, 0)), x)  # causal padding: the past, later
    graph = quantized(builder.graph(builder.conv(builder.depthwise(x, (3, 1)), 3, (3, 2))))
    image = compile_graph(graph, is_endless=True).content
    assert_equals_one_long_window(graph, image, 40, seed=3)
    columns = np.random.default_rng(3).integers(-128, 128, (40, 4, 2)).astype(np.int8)
    first = run_int8(graph, {"x": columns[None, :11]})[graph.outputs[0]]
    output = run_image(image, [columns]).output
    np.testing.assert_array_equal(output[0].reshape(-1), first.reshape(-1))  # begins as a clip does
    assert len(output) == 1 + (len(columns) - 11) // 2


def test_a_random_endless_stream_equals_one_long_window() -> None:
    of_core, n_delayed, n_columns_out = Counter[Core](), 0, 0

    @settings(
        max_examples=N_GRAPHS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data(), stream_graphs(ENDLESS_HEADS), st.integers(0, 2**32 - 1))
    def check(data: st.DataObject, float_graph: Graph, seed: int) -> None:
        nonlocal n_delayed, n_columns_out
        graph = quantized_or_rejected(float_graph)
        compiled = compiled_somehow(graph, data, is_endless=True)
        n_columns = graph.tensors[graph.inputs[0]].shape[1] + data.draw(LONGER_COLUMNS)
        n_columns_out += assert_equals_one_long_window(graph, compiled.content, n_columns, seed)
        n_delayed += any(compiled.plan.delays.values())
        of_core[compiled.plan.core] += 1

    check()
    print(f"{sum(of_core.values())} graphs, {n_delayed} delayed, {n_columns_out} columns")
    assert len(of_core) == len(Core)
    assert n_delayed > 0
    assert n_columns_out > 5 * N_GRAPHS
