"""Int8 Graphs of one operator that other exporters use, drawn as in one_operator.py."""

import numpy as np
from hypothesis import strategies as st

from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    FullyConnected,
    LeakyRelu,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Padding,
    Relu,
    Requantize,
    Softmax,
    Tanh,
    output_size,
    same_padding,
)
from tests.quantization.one_operator import (
    ACTIVATIONS,
    LOGISTIC_SCALE,
    LOGISTIC_ZERO_POINT,
    ZERO_POINTS,
    Case,
    OneOperator,
    Shape,
    builders,
    maps,
    scales,
    spreads,
)

TANH_SCALE, TANH_ZERO_POINT = 1 / 128, 0
RELUS = st.sampled_from([activation for activation in Activation if activation is not Activation.NONE])


def every_code(build: OneOperator, scale: float, zero_point: int) -> str:
    name = build.input("x", (1, 16, 16, 1), scale, zero_point)
    build.inputs["x"] = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    return name


@st.composite
def relus(draw: st.DrawFn) -> Case:
    build, scale = draw(builders()), draw(scales())
    x = every_code(build, scale, draw(ZERO_POINTS))
    build.activation("y", (1, 16, 16, 1), scale / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(Relu((x,), "y", draw(RELUS)))


@st.composite
def requantizations(draw: st.DrawFn) -> Case:
    build, scale = draw(builders()), draw(scales())
    x = every_code(build, scale, draw(ZERO_POINTS))
    build.activation("y", (1, 16, 16, 1), scale / draw(st.one_of(st.just(1.0), spreads())), draw(ZERO_POINTS))
    return build.graph(Requantize((x,), "y"))


@st.composite
def leaky_relus(draw: st.DrawFn) -> Case:
    build, scale = draw(builders()), draw(scales())
    x = every_code(build, scale, draw(ZERO_POINTS))
    build.activation("y", (1, 16, 16, 1), scale / draw(spreads()), draw(ZERO_POINTS))
    alpha = draw(st.one_of(st.sampled_from([0.0, 0.1, 0.2, 1.0]), scales(1e-3, 2.0)))
    return build.graph(LeakyRelu((x,), "y", float(np.float32(alpha))))


@st.composite
def tanhs(draw: st.DrawFn) -> Case:
    build = draw(builders())
    x = every_code(build, draw(scales(1e-6, 8)), draw(ZERO_POINTS))
    build.activation("y", (1, 16, 16, 1), TANH_SCALE, TANH_ZERO_POINT)
    return build.graph(Tanh((x,), "y"))


@st.composite
def softmaxes(draw: st.DrawFn) -> Case:
    """Few to many channels; all codes, or close ones that share the sum."""
    build = draw(builders())
    shape = (1, draw(st.integers(1, 8)), draw(st.integers(1, 4)), draw(st.sampled_from([1, 2, 3, 10, 12, 64, 511])))
    x = build.input("x", shape, draw(scales(1e-6, 8)), draw(ZERO_POINTS))
    n_codes = draw(st.sampled_from([1, 2, 16, 256]))
    build.inputs[x] = build.rng.integers(-128, -128 + n_codes, shape).astype(np.int8)
    build.activation("y", shape, LOGISTIC_SCALE, LOGISTIC_ZERO_POINT)
    beta = draw(st.one_of(st.just(1.0), scales(0.01, 4.0)))
    return build.graph(Softmax((x,), "y", float(np.float32(beta))))


@st.composite
def fully_connected(draw: st.DrawFn, is_per_channel: bool) -> Case:
    """Over a vector, or over a map that it flattens."""
    build, scale = draw(builders()), draw(scales())
    shape = draw(st.one_of(maps(), st.integers(1, 600).map(lambda n: (1, 1, 1, n))))
    n_inputs, n_outputs = int(np.prod(shape)), draw(st.integers(2 if is_per_channel else 1, 9))
    weight_scales = draw(scales()) * np.exp2(build.rng.uniform(-4, 0, n_outputs if is_per_channel else 1))
    axis = 0 if is_per_channel else None
    weights = build.rng.integers(-127, 128, (n_outputs, n_inputs)).astype(np.int8)
    bias = build.rng.integers(-20_000, 20_000, n_outputs).astype(np.int32)
    names = (
        build.input("x", shape, scale, draw(ZERO_POINTS)),
        build.constant("w", weights, weight_scales, axis),
        build.constant("b", bias, scale * weight_scales, axis),
    )
    typical = scale * float(weight_scales.max()) * 5000 * n_inputs**0.5
    build.activation("y", (1, 1, 1, n_outputs), typical / 60 / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(FullyConnected(names, "y", draw(ACTIVATIONS)))


@st.composite
def maxima(draw: st.DrawFn) -> Case:
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    names = (build.input("a", shape, scale, zero_point), build.input("b", shape, scale, zero_point))
    build.activation("y", shape, scale, zero_point)
    return build.graph(Maximum(names, "y"))


@st.composite
def broadcasts(draw: st.DrawFn) -> Case:
    """Add, Mul or Maximum of a map and one value for all or for each channel, constant or computed, in either order."""
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    kind = draw(st.sampled_from([Add, Mul, Maximum]))
    other_scale, other_zero_point = scale, zero_point
    output_scale, output_zero_point = scale, zero_point
    if kind is not Maximum:
        other_scale, other_zero_point, output_zero_point = draw(scales(0.01, 1)), draw(ZERO_POINTS), draw(ZERO_POINTS)
        output_scale = (scale * other_scale * 80 if kind is Mul else max(scale, other_scale)) / draw(spreads())
    x = build.input("x", shape, scale, zero_point)
    other = build.input("other", (1, 1, 1, draw(st.sampled_from([1, shape[3]]))), other_scale, other_zero_point)
    if draw(st.booleans()):
        build.hold_constant(other)
    build.activation("y", shape, output_scale, output_zero_point)
    names = draw(st.sampled_from([(x, other), (other, x)]))
    return build.graph(Maximum(names, "y") if kind is Maximum else kind(names, "y", draw(ACTIVATIONS)))


@st.composite
def poolings(draw: st.DrawFn, largest: bool) -> Case:
    build, shape, scale, zero_point = draw(builders()), draw(maps()), draw(scales()), draw(ZERO_POINTS)
    is_same = draw(st.booleans())
    window = (draw(st.integers(1, 5 if is_same else shape[1])), draw(st.integers(1, 5 if is_same else shape[2])))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = Padding()
    if is_same:
        padding = Padding(*same_padding(shape[1], window[0], stride[0]), *same_padding(shape[2], window[1], stride[1]))
    sizes = (
        output_size(shape[1], window[0], stride[0], padding.time_before, padding.time_after),
        output_size(shape[2], window[1], stride[1], padding.mel_before, padding.mel_after),
    )
    build.input("x", shape, scale, zero_point)
    build.activation("y", (1, *sizes, shape[3]), scale, zero_point)
    kind = MaxPool2D if largest else AveragePool2D
    return build.graph(kind(("x",), "y", window, stride, padding, draw(ACTIVATIONS)))


@st.composite
def means(draw: st.DrawFn) -> Case:
    build, shape, scale = draw(builders()), draw(maps()), draw(scales())
    axes = draw(st.sampled_from([(1,), (2,), (1, 2), (2, 1)]))
    zero_point = draw(ZERO_POINTS)
    kept: Shape = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    build.input("x", shape, scale, zero_point)
    if draw(st.booleans()):
        build.activation("y", kept, scale, zero_point)
    else:
        build.activation("y", kept, scale / draw(spreads()), draw(ZERO_POINTS))
    return build.graph(Mean(("x",), "y", axes))
