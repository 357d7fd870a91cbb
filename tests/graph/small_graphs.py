"""Small float Graphs for tests: a builder that names tensors t0, t1, ..., and random ones for property tests."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph, Tensor, float_weight
from asd_edge.graph.ops import (
    Activation,
    Add,
    Affine,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Padding,
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
    output_size,
)

Shape = tuple[int, ...]
FloatArray = NDArray[np.float32]
NO_PADDING = Padding()
UNARY = {"relu": Relu, "elu": Elu, "logistic": Logistic, "tanh": Tanh, "requantize": Requantize}


class GraphBuilder:
    """Appends operators with random weights; each method takes names and returns the new tensor's."""

    def __init__(self, rng: np.random.Generator, **inputs: Shape) -> None:
        self.rng = rng
        self.inputs = tuple(inputs)
        self.tensors = {name: Tensor(name, shape, "float32") for name, shape in inputs.items()}
        self.ops: list[Op] = []

    def shape(self, name: str) -> Shape:
        return self.tensors[name].shape

    def graph(self, *outputs: str) -> Graph:
        return Graph(dict(self.tensors), tuple(self.ops), self.inputs, outputs)

    def weight(self, name: str, values: NDArray[np.floating]) -> str:
        self.tensors[name] = float_weight(name, values)
        return name

    def conv(
        self,
        x: str,
        n_outputs: int,
        kernel: tuple[int, int] = (1, 1),
        stride: tuple[int, int] = (1, 1),
        padding: Padding = NO_PADDING,
        activation: Activation = Activation.NONE,
    ) -> str:
        n_inputs = self.shape(x)[3]
        values = self.rng.normal(0, 1 / np.sqrt(n_inputs * kernel[0] * kernel[1]), (n_outputs, *kernel, n_inputs))
        output = self._output((1, *self._windows(x, kernel, stride, padding), n_outputs))
        names = (x, self.weight(f"{output}/weights", values), self._bias(output, n_outputs))
        self.ops.append(Conv2D(names, output, stride, padding, activation))
        return output

    def depthwise(
        self,
        x: str,
        kernel: tuple[int, int] = (1, 1),
        stride: tuple[int, int] = (1, 1),
        padding: Padding = NO_PADDING,
        activation: Activation = Activation.NONE,
    ) -> str:
        n_channels = self.shape(x)[3]
        values = self.rng.normal(0, 1 / np.sqrt(kernel[0] * kernel[1]), (1, *kernel, n_channels))
        output = self._output((1, *self._windows(x, kernel, stride, padding), n_channels))
        names = (x, self.weight(f"{output}/weights", values), self._bias(output, n_channels))
        self.ops.append(DepthwiseConv2D(names, output, stride, padding, activation))
        return output

    def affine(self, x: str) -> str:
        output = self._output(self.shape(x))
        n_channels = self.shape(x)[3]
        scale = self.rng.uniform(0.5, 1.5, n_channels) * self.rng.choice([-1, 1], n_channels)
        names = (
            x,
            self.weight(f"{output}/scale", scale),
            self.weight(f"{output}/offset", self.rng.normal(size=n_channels)),
        )
        self.ops.append(Affine(names, output))
        return output

    def prelu(self, x: str) -> str:
        output = self._output(self.shape(x))
        slopes = self.rng.uniform(-0.3, 1.2, (1, 1, self.shape(x)[3]))
        self.ops.append(PRelu((x, self.weight(f"{output}/slope", slopes)), output))
        return output

    def relu6(self, x: str) -> str:
        output = self._output(self.shape(x))
        self.ops.append(Relu((x,), output, Activation.RELU6))
        return output

    def unary(self, kind: str, x: str) -> str:
        """A key of UNARY."""
        output = self._output(self.shape(x))
        self.ops.append(UNARY[kind]((x,), output))
        return output

    def add(self, x: str, y: str, activation: Activation = Activation.NONE) -> str:
        output = self._output(self.shape(x))
        self.ops.append(Add((x, y), output, activation))
        return output

    def mul(self, x: str, y: str) -> str:
        output = self._output(self.shape(x))
        self.ops.append(Mul((x, y), output))
        return output

    def maximum(self, x: str, y: str) -> str:
        output = self._output(self.shape(x))
        self.ops.append(Maximum((x, y), output))
        return output

    def leaky_relu(self, x: str, alpha: float) -> str:
        output = self._output(self.shape(x))
        self.ops.append(LeakyRelu((x,), output, alpha))
        return output

    def softmax(self, x: str, beta: float = 1.0) -> str:
        output = self._output(self.shape(x))
        self.ops.append(Softmax((x,), output, beta))
        return output

    def mean(self, x: str, axes: tuple[int, ...]) -> str:
        output = self._output(tuple(1 if axis in axes else size for axis, size in enumerate(self.shape(x))))
        self.ops.append(Mean((x,), output, axes))
        return output

    def fully_connected(self, x: str, n_outputs: int, activation: Activation = Activation.NONE) -> str:
        n_inputs = int(np.prod(self.shape(x)))
        output = self._output((1, 1, 1, n_outputs))
        values = self.rng.normal(0, 1 / np.sqrt(n_inputs), (n_outputs, n_inputs))
        names = (x, self.weight(f"{output}/weights", values), self._bias(output, n_outputs))
        self.ops.append(FullyConnected(names, output, activation))
        return output

    def concat(self, names: Sequence[str]) -> str:
        output = self._output((*self.shape(names[0])[:3], sum(self.shape(name)[3] for name in names)))
        self.ops.append(Concat(tuple(names), output))
        return output

    def pad(self, x: str, padding: Padding) -> str:
        _, time, mel, channels = self.shape(x)
        sizes = (time + padding.time_before + padding.time_after, mel + padding.mel_before + padding.mel_after)
        output = self._output((1, *sizes, channels))
        self.ops.append(Pad((x,), output, padding))
        return output

    def reshape(self, x: str, shape: Shape) -> str:
        output = self._output(shape)
        self.ops.append(Reshape((x,), output))
        return output

    def pool(self, x: str, window: tuple[int, int], stride: tuple[int, int], largest: bool = False) -> str:
        output = self._output((1, *self._windows(x, window, stride, Padding()), self.shape(x)[3]))
        self.ops.append((MaxPool2D if largest else AveragePool2D)((x,), output, window, stride))
        return output

    def _output(self, shape: Shape) -> str:
        name = f"t{len(self.ops)}"
        self.tensors[name] = Tensor(name, shape, "float32")
        return name

    def _bias(self, output: str, n_outputs: int) -> str:
        return self.weight(f"{output}/bias", self.rng.normal(0, 0.5, n_outputs))

    def _windows(self, x: str, kernel: tuple[int, int], stride: tuple[int, int], padding: Padding) -> tuple[int, int]:
        _, time, mel, _ = self.shape(x)
        return (
            output_size(time, kernel[0], stride[0], padding.time_before, padding.time_after),
            output_size(mel, kernel[1], stride[1], padding.mel_before, padding.mel_after),
        )


KINDS = (
    "conv", "conv", "conv", "depthwise", "depthwise", "depthwise", "affine", "affine", "affine", "relu", "relu",
    "relu6", "elu", "logistic", "prelu", "pad", "pad", "add", "add", "mul", "concat", "pool", "pool", "reshape",
)  # fmt: skip

IMPORTED_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)  # those that import_onnx gives


@st.composite
def float_graphs(draw: st.DrawFn, max_ops: int = 10) -> Graph:
    """A graph of any operators and shapes; tensors may be read by several operators or by none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = st.integers(2, 9)
    builder = GraphBuilder(rng, x=(1, draw(size), draw(size), draw(st.integers(1, 4))))
    names = ["x"]
    for _ in range(draw(st.integers(1, max_ops))):
        # mostly the newest tensor, so that chains get long
        x = draw(st.sampled_from([*names, *[names[-1]] * (2 * len(names))]))
        names.append(_append(draw, builder, draw(st.sampled_from(KINDS)), x, names))
    return builder.graph(names[-1])


def _append(draw: st.DrawFn, builder: GraphBuilder, kind: str, x: str, names: Sequence[str]) -> str:
    _, time, mel, _ = builder.shape(x)
    zeros = st.integers(0, 2)
    activation = draw(st.sampled_from(IMPORTED_ACTIVATIONS))
    match kind:
        case "conv" | "depthwise":
            padding = Padding(draw(zeros), draw(zeros), draw(zeros), draw(zeros))
            kernel = (draw(st.integers(1, min(time, 4))), draw(st.integers(1, min(mel, 4))))
            stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
            if kind == "depthwise":
                return builder.depthwise(x, kernel, stride, padding, activation)
            return builder.conv(x, draw(st.integers(1, 4)), kernel, stride, padding, activation)
        case "pad":
            return builder.pad(x, Padding(draw(zeros), draw(zeros), draw(zeros), draw(zeros)))
        case "pool":
            window = (draw(st.integers(1, time)), draw(st.integers(1, mel)))
            return builder.pool(x, window, (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(st.booleans()))
        case "add" | "mul":
            y = draw(st.sampled_from([name for name in names if builder.shape(name) == builder.shape(x)]))
            return builder.add(x, y, activation) if kind == "add" else builder.mul(x, y)
        case "concat":
            fitting = [name for name in names if builder.shape(name)[:3] == builder.shape(x)[:3]]
            return builder.concat([x, draw(st.sampled_from(fitting))])
        case "reshape":
            return builder.reshape(x, (1, mel, time, builder.shape(x)[3]))
        case "affine":
            return builder.affine(x)
        case "prelu":
            return builder.prelu(x)
        case "relu6":
            return builder.relu6(x)
        case _:
            return builder.unary(kind, x)


def random_inputs(graph: Graph, seed: int) -> dict[str, FloatArray]:
    """Standard normal values for each input."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(graph.tensors[name].shape, np.float32) for name in graph.inputs}
