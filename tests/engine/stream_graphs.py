"""Random float graphs of the kind that streams: chains of layers over time with residuals, branches and a head."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding, same_padding
from tests.graph.small_graphs import GraphBuilder

LAYERS = (
    "conv", "conv", "depthwise", "depthwise", "pointwise", "pointwise", "prelu", "activation", "activation", "residual",
    "residual", "gate", "concat", "pool", "pad", "norm", "reshape_mel",
)  # fmt: skip
ENDLESS_HEADS = ("conv", "depthwise", "softmax", "none")  # those that a longer window gives more columns of
HEADS = ("conv", "depthwise", "mean", "mean_time", "fully_connected", "softmax", "none", "none")
UNARY = ("relu", "relu6", "elu", "logistic", "tanh", "leaky_relu", "requantize")
ACTIVATIONS = st.sampled_from((Activation.NONE, Activation.RELU, Activation.RELU6))


@dataclass
class _Drawing:
    """Layers appended one by one to `x`; `names` holds what a residual may come from."""

    draw: st.DrawFn
    builder: GraphBuilder
    x: str
    names: list[str] = field(default_factory=list)

    def size(self) -> tuple[int, int, int]:
        _, time, mel, channels = self.builder.shape(self.x)
        return time, mel, channels

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, max(low, high)))

    def append(self, layer: str) -> None:
        self.names.append(self.x)
        self.x = self._layer(layer)

    def _layer(self, layer: str) -> str:
        builder, (time, mel, channels) = self.builder, self.size()
        match layer:
            case "conv" | "depthwise":
                return self._windowed(layer)
            case "pointwise":
                stride = (self.integer(1, 2), 1)
                return builder.conv(self.x, self.integer(1, 6), (1, 1), stride, activation=self.draw(ACTIVATIONS))
            case "prelu":
                return builder.prelu(self.x)
            case "activation":
                return self._unary(self.draw(st.sampled_from(UNARY)))
            case "residual":
                return builder.add(self.x, self._fitting(), self.draw(ACTIVATIONS))
            case "gate":
                other = self._fitting()
                return builder.mul(self.x, other) if self.draw(st.booleans()) else builder.maximum(self.x, other)
            case "concat":
                shape = builder.shape(self.x)[:3]
                fitting = [name for name in self.names if builder.shape(name)[:3] == shape]
                return builder.concat([self.x, self.draw(st.sampled_from(fitting))])
            case "pool":
                window = (self.integer(1, min(3, time)), self.integer(1, min(3, mel)))
                stride = (self.integer(1, 2), self.integer(1, 2))
                return builder.pool(self.x, window, stride, self.draw(st.booleans()))
            case "pad":
                return builder.pad(self.x, Padding(*(self.integer(0, 2) for _ in range(4))))
            case "norm":
                return builder.affine(self.x)
            case _:
                return builder.reshape(self.x, (1, time, channels, mel))

    def head(self, layer: str) -> str:
        builder, (time, mel, _) = self.builder, self.size()
        match layer:
            case "conv":
                return builder.conv(self.x, self.integer(1, 5), (time, mel))
            case "depthwise":
                return builder.depthwise(self.x, (time, mel))
            case "mean":
                return builder.mean(self.x, (1, 2))
            case "mean_time":
                return builder.mean(self.x, (self.integer(1, 2),))
            case "fully_connected":
                return builder.fully_connected(self.x, self.integer(1, 5), self.draw(ACTIVATIONS))
            case "softmax":
                return builder.softmax(builder.conv(self.x, self.integer(2, 5), (time, mel)), 0.7)
            case _:
                return self.x

    def _unary(self, kind: str) -> str:
        if kind == "relu6":
            return self.builder.relu6(self.x)
        if kind == "leaky_relu":
            return self.builder.leaky_relu(self.x, 0.1)
        return self.builder.unary(kind, self.x)

    def _fitting(self) -> str:
        shape = self.builder.shape(self.x)
        return self.draw(st.sampled_from([name for name in [*self.names, self.x] if self.builder.shape(name) == shape]))

    def _windowed(self, layer: str) -> str:
        time, mel, _ = self.size()
        stride = (self.integer(1, 2), self.integer(1, 2))
        kernel = (self.integer(1, min(5, time)), self.integer(1, min(3, mel)))
        padding = Padding()
        if self.draw(st.booleans()):  # SAME
            padding = Padding(*same_padding(time, kernel[0], stride[0]), *same_padding(mel, kernel[1], stride[1]))
        elif self.draw(st.booleans()):
            padding = Padding(*(self.integer(0, 2) for _ in range(4)))
        if layer == "conv":
            n_outputs = self.integer(1, 6)
            return self.builder.conv(self.x, n_outputs, kernel, stride, padding, self.draw(ACTIVATIONS))
        return self.builder.depthwise(self.x, kernel, stride, padding, self.draw(ACTIVATIONS))


@st.composite
def stream_graphs(draw: st.DrawFn, heads: tuple[str, ...] = HEADS) -> Graph:
    """2 to 12 layers over 3 to 23 columns of 1 to 7 rows, one or two inputs, and most often a head."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time, mel = draw(st.integers(3, 23)), draw(st.integers(1, 7))
    shapes = {"x": (1, time, mel, draw(st.integers(1, 5)))}
    if draw(st.booleans()):
        shapes["y"] = (1, time, mel, draw(st.integers(1, 3)))
    builder = GraphBuilder(rng, **shapes)
    drawing = _Drawing(draw, builder, builder.concat(list(shapes)) if len(shapes) > 1 else builder.conv("x", 3))
    for _ in range(draw(st.integers(1, 11))):
        drawing.append(draw(st.sampled_from(LAYERS)))
    output = drawing.head(draw(st.sampled_from(heads)))
    return builder.graph(output)
