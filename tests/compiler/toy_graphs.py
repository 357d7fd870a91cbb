"""Small int8 Graphs whose images are known to the byte."""

import numpy as np

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding
from tests.export.int8_graphs import every_operator, quantized
from tests.graph.small_graphs import GraphBuilder

SAME = Padding(1, 1, 1, 1)


def residual_tower() -> Graph:
    """3x3 layers with a residual between them, then a kernel as long as the window, as in the reference model."""
    builder = GraphBuilder(np.random.default_rng(3), log_mel=(1, 21, 8, 1))
    x = builder.prelu(builder.conv("log_mel", 8, (3, 3), (1, 1), SAME))
    narrow = builder.conv(x, 4)
    y = builder.prelu(builder.depthwise(builder.prelu(builder.conv(narrow, 16)), (3, 3), (1, 1), SAME))
    x = builder.add(narrow, builder.conv(y, 4))
    x = builder.prelu(builder.depthwise(builder.prelu(builder.conv(x, 16)), (3, 3), (1, 1), SAME))
    return quantized(builder.graph(builder.conv(builder.depthwise(x, (21, 8)), 6)))


def every_shape() -> Graph:
    """Every operator of the SPINE, among them a Reshape that swaps time and mel."""
    return every_operator()
