"""Int8 Graphs of one operator with drawn scales, zero points, shapes and codes, for comparison with LiteRT's kernels.

Scales are drawn around what makes the output use its range, so that rounding, saturation and clamping all occur.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph, Quantization, Tensor
from asd_edge.graph.ops import (
    Activation,
    Add,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    Logistic,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Reshape,
    output_size,
    same_padding,
)

Shape = tuple[int, ...]
Int8Array = NDArray[np.int8]
ZERO_POINTS = st.one_of(st.sampled_from([-128, -127, 0, 127]), st.integers(-128, 127))
ACTIVATIONS = st.sampled_from(list(Activation))
LOGISTIC_SCALE, LOGISTIC_ZERO_POINT = 1 / 256, -128


@dataclass
class OneOperator:
    """Tensors of a graph with one operator whose output is "y", and the codes of its inputs."""

    rng: np.random.Generator
    tensors: dict[str, Tensor] = field(default_factory=dict)
    inputs: dict[str, Int8Array] = field(default_factory=dict)

    def activation(self, name: str, shape: Shape, scale: float, zero_point: int) -> str:
        quantization = Quantization(np.array([scale], np.float32), np.array([zero_point], np.int32))
        self.tensors[name] = Tensor(name, shape, "int8", None, quantization)
        return name

    def input(self, name: str, shape: Shape, scale: float, zero_point: int) -> str:
        self.inputs[name] = self.rng.integers(-128, 128, shape).astype(np.int8)
        return self.activation(name, shape, scale, zero_point)

    def constant(self, name: str, values: NDArray[np.generic], scale: NDArray[np.floating], axis: int | None) -> str:
        quantization = Quantization(scale.astype(np.float32), np.zeros(len(scale), np.int32), axis)
        self.tensors[name] = Tensor(name, values.shape, str(values.dtype), values, quantization)
        return name

    def hold_constant(self, name: str) -> None:
        """Make an input a constant of its codes."""
        self.tensors[name] = replace(self.tensors[name], values=self.inputs.pop(name))

    def graph(self, op: Op) -> tuple[Graph, dict[str, Int8Array]]:
        return Graph(self.tensors, (op,), tuple(self.inputs), ("y",)), self.inputs


Case = tuple[Graph, dict[str, Int8Array]]


def scales(low: float = 1e-4, high: float = 10.0) -> st.SearchStrategy[float]:
    """Log-uniform."""
    return st.floats(np.log(low), np.log(high)).map(lambda value: float(np.exp(value)))


def spreads() -> st.SearchStrategy[float]:
    """How much wider than the output's scale the result is: below 1 few codes occur, above it saturates."""
    return scales(1 / 16, 16)


@st.composite
def maps(draw: st.DrawFn, max_channels: int = 6) -> Shape:
    return (1, draw(st.integers(1, 12)), draw(st.integers(1, 9)), draw(st.integers(1, max_channels)))


def builders() -> st.SearchStrategy[OneOperator]:
    return st.integers(0, 2**32 - 1).map(lambda seed: OneOperator(np.random.default_rng(seed)))


@st.composite
def convolutions(draw: st.DrawFn, depthwise: bool) -> Case:
    """Conv2D or DepthwiseConv2D, VALID or SAME, with per-channel scales over four octaves."""
    build, shape = draw(builders()), draw(maps())
    _, time, mel, n_inputs = shape
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    is_same = draw(st.booleans())
    kernel = (draw(st.integers(1, 5 if is_same else time)), draw(st.integers(1, 5 if is_same else mel)))
    padding = Padding()
    if is_same:
        padding = Padding(*same_padding(time, kernel[0], stride[0]), *same_padding(mel, kernel[1], stride[1]))
    n_outputs = n_inputs if depthwise else draw(st.integers(1, 7))
    sizes = (
        output_size(time, kernel[0], stride[0], padding.time_before, padding.time_after),
        output_size(mel, kernel[1], stride[1], padding.mel_before, padding.mel_after),
    )
    n_products = kernel[0] * kernel[1] * (1 if depthwise else n_inputs)
    input_scale = draw(scales())
    weight_scales = draw(scales()) * np.exp2(build.rng.uniform(-4, 0, n_outputs))
    typical = input_scale * float(weight_scales.max()) * 5000 * n_products**0.5  # of a sum of random products
    weights_shape = (1, *kernel, n_outputs) if depthwise else (n_outputs, *kernel, n_inputs)
    names = (
        build.input("x", shape, input_scale, draw(ZERO_POINTS)),
        build.constant(
            "w",
            build.rng.integers(-127, 128, weights_shape).astype(np.int8),
            weight_scales,
            3 if depthwise else 0,
        ),
        build.constant(
            "b",
            build.rng.integers(-20_000, 20_000, n_outputs).astype(np.int32),
            input_scale * weight_scales,
            0,
        ),
    )
    build.activation("y", (1, *sizes, n_outputs), typical / 60 / draw(spreads()), draw(ZERO_POINTS))
    kind = DepthwiseConv2D if depthwise else Conv2D
    return build.graph(kind(names, "y", stride, padding, draw(ACTIVATIONS)))


@st.composite
def prelus(draw: st.DrawFn) -> Case:
    build, shape, scale = draw(builders()), draw(maps()), draw(scales())
    names = (
        build.input("x", shape, scale, draw(ZERO_POINTS)),
        build.constant(
            "slope",
            build.rng.integers(-127, 128, (1, 1, shape[3])).astype(np.int8),
            np.array([draw(scales(1e-4, 0.05))]),
            None,
        ),
    )
    build.activation("y", shape, scale / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(PRelu(names, "y"))


@st.composite
def elus(draw: st.DrawFn) -> Case:
    """Every input code occurs."""
    build, scale = draw(builders()), draw(scales(1e-3, 0.5))
    build.input("x", (1, 16, 16, 1), scale, draw(ZERO_POINTS))
    build.inputs["x"] = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    build.activation("y", (1, 16, 16, 1), draw(st.sampled_from([scale, 1 / 127])) / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(Elu(("x",), "y"))


@st.composite
def logistics(draw: st.DrawFn) -> Case:
    """Every input code occurs."""
    build = draw(builders())
    build.input("x", (1, 16, 16, 1), draw(scales(1e-7, 8)), draw(ZERO_POINTS))
    build.inputs["x"] = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    build.activation("y", (1, 16, 16, 1), LOGISTIC_SCALE, LOGISTIC_ZERO_POINT)
    return build.graph(Logistic(("x",), "y"))


@st.composite
def sums(draw: st.DrawFn) -> Case:
    """Scales of the two operands up to a factor of 256 apart."""
    build, shape, scale = draw(builders()), draw(maps()), draw(scales())
    other = scale * draw(scales(1 / 256, 256))
    names = (build.input("a", shape, scale, draw(ZERO_POINTS)), build.input("b", shape, other, draw(ZERO_POINTS)))
    build.activation("y", shape, max(scale, other) / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(Add(names, "y", draw(ACTIVATIONS)))


@st.composite
def products(draw: st.DrawFn) -> Case:
    """Factors below and above 1: above it TFLite calls the operator version 3."""
    build, shape, scales_of_two = draw(builders()), draw(maps()), (draw(scales()), draw(scales()))
    names = (
        build.input("a", shape, scales_of_two[0], draw(ZERO_POINTS)),
        build.input("b", shape, scales_of_two[1], draw(ZERO_POINTS)),
    )
    output_scale = scales_of_two[0] * scales_of_two[1] * draw(st.sampled_from([80.0, 0.3])) / draw(spreads())
    build.activation("y", shape, output_scale, draw(ZERO_POINTS))
    return build.graph(Mul(names, "y", draw(ACTIVATIONS)))


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    channels = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    names = tuple(build.input(f"x{i}", (*shape[:3], n), scale, zero_point) for i, n in enumerate(channels))
    build.activation("y", (*shape[:3], sum(channels)), scale, zero_point)
    return build.graph(Concat(names, "y"))


@st.composite
def pads(draw: st.DrawFn) -> Case:
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    amounts = draw(st.tuples(*[st.integers(0, 3)] * 4))
    padded = (1, shape[1] + amounts[0] + amounts[1], shape[2] + amounts[2] + amounts[3], shape[3])
    build.input("x", shape, scale, zero_point)
    build.activation("y", padded, scale, zero_point)
    return build.graph(Pad(("x",), "y", Padding(*amounts)))


@st.composite
def reshapes(draw: st.DrawFn) -> Case:
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    build.input("x", shape, scale, zero_point)
    build.activation("y", (1, shape[1], shape[3], shape[2]), scale, zero_point)
    return build.graph(Reshape(("x",), "y"))
