"""Streams without end: what comes out depends on what went in, not on how long the stream has run."""

import numpy as np

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.graph.ops import Padding
from asd_edge.native_engine import load_model, run_image
from quantization.interpret_int8 import run_int8
from tests.engine.small_images import endless
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

PERIOD, TICKS_PER_OUTPUT = 16, 4
N_COLUMNS = 300_000  # steps count again from the beginning after 131,072 output columns


def test_a_periodic_stream_stays_periodic_where_counters_start_again() -> None:
    columns = np.random.default_rng(1).integers(-128, 128, (PERIOD, 1, 3)).astype(np.int8)
    output = run_image(endless(), [np.tile(columns, (N_COLUMNS // PERIOD, 1, 1))]).output.reshape(-1, 5)
    assert len(output) == N_COLUMNS // TICKS_PER_OUTPUT - 2  # the first sees five columns of stride 2
    n_period = PERIOD // TICKS_PER_OUTPUT
    settled = output[n_period : n_period + (len(output) // n_period - 1) * n_period].reshape(-1, n_period, 5)
    assert (settled == settled[0]).all()
    assert len(np.unique(settled[0])) > 2


def test_every_sliding_output_is_that_of_the_network_on_its_own_stretch() -> None:
    builder = GraphBuilder(np.random.default_rng(2), x=(1, 11, 4, 2))
    x = builder.prelu(builder.conv("x", 4, (3, 3), (2, 2), Padding(0, 0, 1, 0)))
    x = builder.add(builder.depthwise(x, (3, 1), (1, 1), Padding(2, 0)), x)  # causal padding: the past, later
    graph = quantized(builder.graph(builder.conv(builder.depthwise(x, (3, 1)), 3, (3, 2))))
    image = compile_graph(graph, is_endless=True).content
    assert load_model(image).is_endless
    columns = np.random.default_rng(3).integers(-128, 128, (40, 4, 2)).astype(np.int8)
    output = run_image(image, [columns]).output
    first = run_int8(graph, {"x": columns[None, :11]})[graph.outputs[0]]
    np.testing.assert_array_equal(output[0].reshape(-1), first.reshape(-1))  # begins as a clip does
    assert len(output) == 1 + (len(columns) - 11) // 2
