"""Int8 Graphs of one operator, or of a convolution and its activation, at the edges that the kernels have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Padding,
    PRelu,
    Softmax,
    output_size,
)
from tests.quantization.one_operator import Case, OneOperator

INPUT_SCALE = 0.05
NONE = Padding()
EDGES = (-128, -127, 0, 127)  # zero points


@dataclass(frozen=True)
class Window:
    """A convolution or pooling: its map, its window, what it pads."""

    size: tuple[int, int, int]  # (time, mel, channels)
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: Padding = NONE

    def output(self, n_channels: int) -> tuple[int, int, int, int]:
        pads, (time, mel) = self.padding, self.kernel
        return (
            1,
            output_size(self.size[0], time, self.stride[0], pads.time_before, pads.time_after),
            output_size(self.size[1], mel, self.stride[1], pads.mel_before, pads.mel_after),
            n_channels,
        )


WINDOWS = (
    Window((4, 7, 1), (1, 1)),
    Window((3, 5, 2), (1, 1), (2, 1)),
    Window((3, 8, 64), (1, 1)),
    Window((2, 4, 33), (1, 1), (1, 2)),
    Window((5, 9, 3), (3, 3), (1, 1), Padding(1, 1, 1, 1)),
    Window((6, 8, 5), (3, 3), (2, 2), Padding(0, 1, 0, 1)),
    Window((7, 10, 2), (3, 3), (3, 3), Padding(1, 0, 1, 0)),
    Window((6, 6, 3), (2, 4), (1, 2), Padding(1, 1, 3, 2)),
    Window((4, 12, 1), (1, 7), (1, 3), Padding(0, 0, 3, 3)),
    Window((12, 3, 2), (10, 1), (1, 1), Padding(5, 4)),
    Window((10, 10, 3), (10, 10), (1, 1), Padding(9, 9, 9, 9)),
    Window((9, 1, 8), (9, 1)),
    Window((8, 5, 4), (8, 5)),
    Window((11, 4, 3), (5, 2), (3, 2)),
    Window((2, 1, 40), (2, 1), (1, 1), Padding(1, 1)),
)
OUTPUTS = (1, 2, 3, 5, 8, 31, 32, 33, 70)  # around the block of channels


def cases() -> Iterator[Case]:
    """All of them, deterministic."""
    for index, window in enumerate(WINDOWS):
        yield convolution(window, index, OUTPUTS[index % len(OUTPUTS)])
        yield depthwise(window, index)
        yield pooling(window, index, largest=False)
        yield pooling(window, index, largest=True)
    for index, n_channels in enumerate(OUTPUTS):
        yield convolution(WINDOWS[4], 100 + index, n_channels, activation=Activation.RELU6)
        yield depthwise(replace(WINDOWS[4], size=(4, 5, n_channels)), 100 + index)
        yield from elementwise(n_channels, 200 + index)
        yield fully_connected(7 * n_channels, n_channels, 300 + index)
    for index, spread in enumerate((1e-12, 2.0**-8, 1.0, 16.0, 2.0**9, 2.0**14)):  # multiplier 0 ... left shifts
        yield convolution(WINDOWS[5], 400 + index, 6, spread)
        yield depthwise(WINDOWS[6], 400 + index, spread)
    for index, zero_point in enumerate(EDGES):
        yield convolution(WINDOWS[10], 500 + index, 3, zero_points=(zero_point, -1 - zero_point), is_extreme=True)
        yield depthwise(WINDOWS[10], 500 + index, zero_points=(zero_point, -1 - zero_point), is_extreme=True)
        yield fused(WINDOWS[2], 600 + index, 33, "prelu", zero_point)
        yield fused(WINDOWS[7], 610 + index, 5, "elu", zero_point)
    for ratio in (0.25, 0.5, 1.0, 2.0):
        yield from ties(ratio)


def convolution(
    window: Window,
    seed: int,
    n_outputs: int,
    spread: float = 2.0,
    zero_points: tuple[int, int] | None = None,
    activation: Activation = Activation.NONE,
    is_extreme: bool = False,
) -> Case:
    """Per-channel scales over eight octaves; all codes and weights at -128 or 127 where it is extreme."""
    build = _build_weighted(window, seed, n_outputs, False, spread, zero_points, is_extreme)
    return build.graph(Conv2D(("x", "w", "b"), "y", window.stride, window.padding, activation))


def depthwise(
    window: Window,
    seed: int,
    spread: float = 2.0,
    zero_points: tuple[int, int] | None = None,
    is_extreme: bool = False,
) -> Case:
    build = _build_weighted(window, seed, window.size[2], True, spread, zero_points, is_extreme)
    return build.graph(DepthwiseConv2D(("x", "w", "b"), "y", window.stride, window.padding, Activation.RELU))


def fused(window: Window, seed: int, n_outputs: int, activation: str, zero_point: int) -> Case:
    """A convolution and the activation behind it, which a kernel applies to the sums' codes."""
    build = _build_weighted(window, seed, n_outputs, False, 2.0, None, False)
    conv = Conv2D(("x", "w", "b"), "y", window.stride, window.padding)
    scale = build.tensors["y"].quantization
    assert scale is not None
    build.activation("z", build.tensors["y"].shape, float(scale.scale[0]), zero_point)
    if activation == "elu":
        second: PRelu | Elu = Elu(("y",), "z")
    else:
        slopes = build.rng.integers(-128, 128, (1, 1, n_outputs)).astype(np.int8)
        second = PRelu(("y", build.constant("slope", slopes, np.array([0.011]), None)), "z")
    graph, inputs = build.graph(conv)
    return Graph(graph.tensors, (conv, second), graph.inputs, ("z",)), inputs


def fully_connected(n_inputs: int, n_outputs: int, seed: int) -> Case:
    build = _build_weighted(Window((1, 1, n_inputs), (1, 1)), seed, n_outputs, False, 2.0, None, False)
    weights = build.tensors["w"]
    assert weights.values is not None
    values = weights.values.reshape(n_outputs, n_inputs)
    build.tensors["w"] = replace(weights, shape=values.shape, values=values)
    return build.graph(FullyConnected(("x", "w", "b"), "y"))


def pooling(window: Window, seed: int, largest: bool) -> Case:
    build = OneOperator(np.random.default_rng(seed))
    build.input("x", (1, *window.size), INPUT_SCALE, EDGES[seed % 4])
    build.activation("y", window.output(window.size[2]), INPUT_SCALE, EDGES[seed % 4])
    activation = (Activation.NONE, Activation.RELU6)[seed % 2]
    kind = MaxPool2D if largest else AveragePool2D
    return build.graph(kind(("x",), "y", window.kernel, window.stride, window.padding, activation))


def ties(ratio: float) -> Iterator[Case]:
    """Factors that are powers of two, so that many products lie half way between two codes, on either side of zero."""
    shape = (1, 16, 16, 1)
    codes = np.arange(-128, 128, dtype=np.int8).reshape(shape)
    build = OneOperator(np.random.default_rng(0))
    build.constant("slope", np.full((1, 1, 1), 3, np.int8), np.array([0.5]), None)
    build.input("x", shape, 0.25, 0)
    build.inputs["x"] = codes
    build.activation("y", shape, 0.25 / ratio, 0)
    yield build.graph(PRelu(("x", "slope"), "y"))
    build = OneOperator(np.random.default_rng(0))
    for name in "ab":
        build.input(name, shape, 0.25, 0)
    build.inputs["a"], build.inputs["b"][:] = codes, 1
    build.activation("y", shape, 0.25 * 0.25 / ratio, 0)
    yield build.graph(Mul(("a", "b"), "y"))


def elementwise(n_channels: int, seed: int) -> Iterator[Case]:
    """Operators without weights, on a map of n_channels."""
    shape, pair = (1, 3, 5, n_channels), (EDGES[seed % 4], EDGES[seed // 2 % 4])
    for kind in (Add, Mul):
        for spread in (0.25, 1.0, 40.0):
            build = OneOperator(np.random.default_rng(seed))
            build.input("a", shape, INPUT_SCALE, pair[0])
            build.input("b", shape, INPUT_SCALE / 37, pair[1])
            build.activation("y", shape, INPUT_SCALE / spread, pair[0])
            yield build.graph(kind(("a", "b"), "y", Activation.RELU))
    build = OneOperator(np.random.default_rng(seed))
    for name in "ab":
        build.input(name, shape, INPUT_SCALE, pair[0])
    build.activation("y", shape, INPUT_SCALE, pair[0])
    yield build.graph(Maximum(("a", "b"), "y"))
    build = OneOperator(np.random.default_rng(seed))
    slopes = build.rng.integers(-128, 128, (1, 1, n_channels)).astype(np.int8)
    build.constant("slope", slopes, np.array([0.013]), None)
    build.input("x", shape, INPUT_SCALE, pair[0])
    build.activation("y", shape, INPUT_SCALE / 3, pair[1])
    yield build.graph(PRelu(("x", "slope"), "y"))
    build = OneOperator(np.random.default_rng(seed))
    sides = [build.input(f"x{i}", (1, 3, 5, n), INPUT_SCALE, pair[0]) for i, n in enumerate((n_channels, 1, 3, 2))]
    build.activation("y", (1, 3, 5, n_channels + 6), INPUT_SCALE, pair[0])
    yield build.graph(Concat(tuple(sides), "y"))
    for axes, kept in (((2,), (1, 3, 1, n_channels)), ((1,), (1, 1, 5, n_channels)), ((1, 2), (1, 1, 1, n_channels))):
        build = OneOperator(np.random.default_rng(seed))
        build.input("x", shape, INPUT_SCALE, pair[0])
        build.activation("y", kept, INPUT_SCALE / 2, pair[1])
        yield build.graph(Mean(("x",), "y", axes))
    build = OneOperator(np.random.default_rng(seed))
    build.input("x", shape, INPUT_SCALE, pair[0])
    build.activation("y", shape, 1 / 256, -128)
    yield build.graph(Softmax(("x",), "y", 1.0))


def _build_weighted(
    window: Window,
    seed: int,
    n_outputs: int,
    is_depthwise: bool,
    spread: float,
    zero_points: tuple[int, int] | None,
    is_extreme: bool,
) -> OneOperator:
    """x, w, b and y; a spread of 1 lets typical sums just fill the output's codes."""
    build = OneOperator(np.random.default_rng(seed))
    input_zero_point, output_zero_point = zero_points or (EDGES[seed % 4], EDGES[seed // 4 % 4])
    n_products = window.kernel[0] * window.kernel[1] * (1 if is_depthwise else window.size[2])
    shape = (1, *window.kernel, n_outputs) if is_depthwise else (n_outputs, *window.kernel, window.size[2])
    weights = build.rng.integers(-128, 128, shape).astype(np.int8)
    scales = 0.01 * np.exp2(build.rng.uniform(-8, 0, n_outputs))
    build.input("x", (1, *window.size), INPUT_SCALE, input_zero_point)
    if is_extreme:
        weights = build.rng.choice(np.array([-128, 127], np.int8), (n_outputs,)).repeat(weights.size // n_outputs)
        weights = weights.reshape(n_outputs, -1).T if is_depthwise else weights
        build.inputs["x"][:] = 127 if input_zero_point < 0 else -128
    build.constant("w", np.ascontiguousarray(weights.reshape(shape)), scales, 3 if is_depthwise else 0)
    build.constant("b", build.rng.integers(-30_000, 30_000, n_outputs).astype(np.int32), INPUT_SCALE * scales, 0)
    typical = INPUT_SCALE * 0.01 * 5000 * n_products**0.5
    build.activation("y", window.output(n_outputs), typical / 100 / spread, output_zero_point)
    return build
