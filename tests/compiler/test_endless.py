"""A stream without end gives, column by column, what the same layers give over one window as long as the stream."""

from collections.abc import Mapping

import numpy as np
import pytest

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding
from asd_edge.native import LIBRARY
from asd_edge.native_engine import run_image
from quantization.interpret_int8 import run_int8
from tests.compiler.lengthened import complete_columns, lengthened
from tests.compiler.toy_graphs import residual_tower
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="libasd_host.so wasn't built")
N_COLUMNS = 75


def strided_tower() -> Graph:
    """Padding only before the first column; three strides of 2, then a kernel as long as the window."""
    builder = GraphBuilder(np.random.default_rng(8), log_mel=(1, 39, 8, 1))
    x = "log_mel"
    for _ in range(3):
        x = builder.prelu(builder.conv(x, 6, (3, 3), (2, 1), Padding(1, 0, 1, 1)))
    return quantized(builder.graph(builder.conv(builder.depthwise(x, (builder.shape(x)[1], 8)), 4)))


def means() -> Graph:
    """A layer over whole windows, behind a pooling and a concatenation."""
    builder = GraphBuilder(np.random.default_rng(9), log_mel=(1, 13, 4, 2), wavegram_fir=(1, 13, 4, 1))
    x = builder.concat(["log_mel", "wavegram_fir"])
    x = builder.pool(builder.mul(x, builder.unary("logistic", builder.conv(x, 3))), (3, 2), (1, 2))
    _, time, mel, _ = builder.shape(x)
    return quantized(builder.graph(builder.conv(x, 5, (time, mel))))


def delays_of(graph: Graph, n: int) -> Mapping[str, int]:
    """Every third layer late by n ticks."""
    outputs = [step.output for step in compile_graph(graph, is_endless=True, delays={}).plan.computing_steps]
    return dict.fromkeys(outputs[::3], n)


@pytest.mark.parametrize("core", list(Core))
@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("build", [residual_tower, strided_tower, means])
def test_an_endless_stream_equals_one_long_window(build: object, delay: int, core: Core) -> None:
    assert callable(build)
    graph = build()
    longer = lengthened(graph, N_COLUMNS)
    rng = np.random.default_rng(4)
    codes = {name: rng.integers(-128, 128, longer.tensors[name].shape).astype(np.int8) for name in longer.inputs}
    expected = run_int8(longer, codes)[longer.outputs[0]][0]
    compiled = compile_graph(graph, core, True, delays_of(graph, delay) if delay else {})
    found = run_image(compiled.content, [codes[name][0] for name in graph.inputs]).output
    # the long window's last columns also see the padding behind its end
    assert len(found) == complete_columns(graph, N_COLUMNS) <= len(expected)
    np.testing.assert_array_equal(found, expected[: len(found)])
