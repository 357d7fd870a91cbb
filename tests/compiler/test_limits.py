"""Networks that the engine would refuse are refused by the compiler, by name."""

import numpy as np
import pytest

from asd_edge.compiler import compile_network
from asd_edge.compiler.compile_network import compile_graph
from asd_edge.errors import CompilerError
from asd_edge.graph.graph import Graph
from asd_edge.native import LIBRARY
from asd_edge.native_engine import image_status
from tests.compiler.toy_graphs import residual_tower
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

needs_library = pytest.mark.skipif(not LIBRARY.exists(), reason="libasd_host.so wasn't built")


def softmax_over(n_channels: int) -> Graph:
    builder = GraphBuilder(np.random.default_rng(1), log_mel=(1, 2, 1, n_channels))
    return quantized(builder.graph(builder.softmax("log_mel")))


def strided(stride: int) -> Graph:
    builder = GraphBuilder(np.random.default_rng(1), log_mel=(1, stride + 1, 1, 1))
    return quantized(builder.graph(builder.conv("log_mel", 2, (1, 1), (stride, 1))))


@needs_library
def test_the_greatest_softmax_and_the_longest_stride_are_taken() -> None:
    assert image_status(compile_graph(softmax_over(511)).content) == 0
    assert image_status(compile_graph(strided(1024), is_endless=True).content) == 0
    assert image_status(compile_graph(strided(1025)).content) == 0


def test_a_softmax_over_more_is_refused() -> None:
    with pytest.raises(CompilerError, match=r"512 channels, .* at most 511"):
        compile_graph(softmax_over(512))


def test_a_longer_stride_of_an_endless_stream_is_refused() -> None:
    with pytest.raises(CompilerError, match=r"stride 1025, .* at most 1024"):
        compile_graph(strided(1025), is_endless=True)


@needs_library
def test_an_image_that_the_loader_refuses_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_network, "emit_image", lambda plan, detector, source_sha256: bytes(64))
    with pytest.raises(CompilerError, match="not a model image"):
        compile_graph(residual_tower())
