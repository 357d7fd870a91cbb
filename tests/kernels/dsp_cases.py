"""Cases at the edges of the kernels for cores with the DSP extension: tiles, pairs, planes, each way to a code."""

from collections.abc import Iterator

import numpy as np

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Add, Conv2D, DepthwiseConv2D, Padding, PRelu
from tests.kernels.kernel_cases import EDGES, Window, _build_weighted, convolution, depthwise, fully_connected
from tests.quantization.one_operator import Case, OneOperator

SAME = Padding(1, 1, 1, 1)
POINTWISE_SIZES = (  # (rows, channels in, channels out): around a tile, a pair, a block of 16 pairs, the rows at once
    *((n_rows, 8, 3) for n_rows in range(1, 10)),
    *((5, n_in, 2) for n_in in (1, 2, 3, 4, 5, 7, 12, 28, 31, 32, 33, 36, 60, 64, 68)),
    (4, 512, 3),
    (18, 512, 2),
    (7, 2100, 1),
    (1, 640, 5),
    (1, 37, 64),
)
DEPTHWISE_SIZES = (  # (rows, channels): around a plane's 40 sums, or 20 at stride 2, and a group of channels
    *((n_rows, 4) for n_rows in (1, 2, 3, 4, 5, 20, 21, 38, 39, 40, 41, 42, 80, 83)),
    *((6, n_channels) for n_channels in (1, 2, 3, 5, 6, 7, 8, 12)),
)
PRELU_ZERO_POINTS = ((0, -128), (-40, -100), (13, 127), (-128, 5), (127, 0))  # of the sums' codes, behind the PReLU


def dsp_cases() -> Iterator[Case]:
    """All of them, deterministic."""
    for index, (n_rows, n_in, n_out) in enumerate(POINTWISE_SIZES):
        yield convolution(Window((2, n_rows, n_in), (1, 1)), 700 + index, n_out, 1.0)
    for index, (n_rows, n_channels) in enumerate(DEPTHWISE_SIZES):
        for stride in ((1, 1), (2, 2)):
            yield depthwise(Window((4, n_rows, n_channels), (3, 3), stride, SAME), 800 + index, 1.0)
            yield prelu(Window((4, n_rows, n_channels), (3, 3), stride, SAME), 800 + index, None, (-20, -64))
    for index, pads in enumerate((Padding(1, 1, 0, 0), Padding(2, 2, 2, 2), Padding(1, 1, 0, 2), Padding(0, 0, 2, 0))):
        yield depthwise(Window((4, 11, 8), (3, 3), (1, 2), pads), 900 + index, 1.0)
        yield convolution(Window((4, 11, 3), (3, 3), (1, 2), pads), 900 + index, 5, 1.0)
    for index, zero_points in enumerate(PRELU_ZERO_POINTS):
        for scale in (0.3, 1.0, 2.6):  # of the sums' codes to the PReLU's
            yield prelu(Window((3, 9, 6), (1, 1)), 1000 + index, 7, zero_points, scale)
            yield prelu(Window((3, 9, 6), (3, 3), (2, 2), SAME), 1000 + index, 3, zero_points, scale)
    for index, zero_point in enumerate(EDGES):
        yield convolution(Window((2, 6, 512), (1, 1)), 1100 + index, 4, 1.0, (zero_point, zero_point), is_extreme=True)
        yield convolution(Window((2, 6, 9), (1, 1)), 1110 + index, 4, 1.0, (zero_point, 3), Activation.RELU6)
        yield depthwise(Window((3, 6, 8), (3, 3), (1, 1), SAME), 1120 + index, 1.0, (zero_point, 9), is_extreme=True)
    for index, n_channels in enumerate((1, 2, 3, 4, 5, 8)):
        for scales in ((1.0, 0.3), (0.7, 1.0), (1.0, 1.0), (0.001, 1.0)):
            yield addition(n_channels, scales, 1200 + index)
    yield fully_connected(641, 67, 1300)


def prelu(window: Window, seed: int, n_outputs: int | None, zero_points: tuple[int, int], scale: float = 1.3) -> Case:
    """A convolution, depthwise without n_outputs, and a PReLU with slopes of both signs up to 1.5."""
    n_channels = window.size[2] if n_outputs is None else n_outputs
    build = _build_weighted(window, seed, n_channels, n_outputs is None, 1.0, (EDGES[seed % 4], zero_points[0]), False)
    quantization = build.tensors["y"].quantization
    assert quantization is not None
    build.activation("z", build.tensors["y"].shape, float(quantization.scale[0]) / scale, zero_points[1])
    slopes = build.rng.integers(-128, 128, (1, 1, n_channels)).astype(np.int8)
    slopes[..., 0] = 0
    build.constant("slope", slopes, np.array([0.0117]), None)
    kind = DepthwiseConv2D if n_outputs is None else Conv2D
    first = kind(("x", "w", "b"), "y", window.stride, window.padding)
    graph, inputs = build.graph(first)
    return Graph(graph.tensors, (first, PRelu(("y", "slope"), "z")), graph.inputs, ("z",)), inputs


def addition(n_channels: int, scales: tuple[float, float], seed: int) -> Case:
    """Of two columns in scales of their own."""
    build = OneOperator(np.random.default_rng(seed))
    shape = (1, 3, 3, n_channels)
    for name, scale, zero_point in zip("ab", scales, build.rng.choice(EDGES, 2), strict=True):
        build.input(name, shape, scale, int(zero_point))
    build.activation("y", shape, 1.2 * max(scales), int(build.rng.integers(-128, 128)))
    return build.graph(Add(("a", "b"), "y"))
