"""PReLU in operators that every accelerator has, exact in real arithmetic.

prelu(x) = max(x, a x)                    where every slope a <= 1: a 1x1 depthwise convolution and MAXIMUM
prelu(x) = a x + (1 - a) relu(x)          elsewhere: three 1x1 depthwise convolutions and ADD
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph, Tensor, float_weight, with_ops
from asd_edge.graph.ops import Activation, Add, DepthwiseConv2D, LeakyRelu, Maximum, Op, PRelu


def lower_prelus(graph: Graph) -> Graph:
    """Requires nothing. Ensures that no PRelu is left."""
    lowered = Lowered(graph)
    for op in graph.ops:
        if isinstance(op, PRelu):
            _append_prelu(lowered, op)
        else:
            lowered.ops.append(op)
    return lowered.graph()


def lower_leaky_relus(graph: Graph) -> Graph:
    """Requires nothing. Ensures that no LeakyRelu is left: each becomes a PRelu whose slopes are all alike."""
    ops: list[Op] = []
    added: list[Tensor] = []
    for op in graph.ops:
        if isinstance(op, LeakyRelu):
            n_channels = graph.tensors[op.output].shape[3]
            slopes = float_weight(f"{op.output}/slopes", np.full((1, 1, n_channels), op.alpha))
            added.append(slopes)
            ops.append(PRelu((op.inputs[0], slopes.name), op.output))
        else:
            ops.append(op)
    return with_ops(graph, tuple(ops), tuple(added))


@dataclass
class Lowered:
    """A graph under rewriting: operators so far, and the tensors that they need beyond those of `before`."""

    before: Graph
    ops: list[Op] = field(default_factory=list)
    added: list[Tensor] = field(default_factory=list)

    def scale(
        self,
        x: str,
        factors: NDArray[np.floating],
        output: str,
        offset: float = 0.0,
        activation: Activation = Activation.NONE,
    ) -> str:
        """Append act(factors * x + offset), one factor per channel, as a 1x1 depthwise convolution; its output."""
        weights = float_weight(f"{output}/weights", factors.reshape(1, 1, 1, -1))
        bias = float_weight(f"{output}/bias", np.full(factors.size, offset))
        self.added += [weights, bias]
        self.ops.append(DepthwiseConv2D((x, weights.name, bias.name), self.like(x, output), activation=activation))
        return output

    def like(self, x: str, output: str) -> str:
        """Declare an activation of x's shape; its name."""
        of_input = self.before.tensors.get(x) or next(tensor for tensor in self.added if tensor.name == x)
        self.added.append(replace(of_input, name=output))
        return output

    def graph(self) -> Graph:
        return with_ops(self.before, tuple(self.ops), tuple(self.added))


def _append_prelu(lowered: Lowered, op: PRelu) -> None:
    x, output = op.inputs[0], op.output
    slopes = lowered.before.values(op.inputs[1]).astype(np.float64).reshape(-1)
    scaled = lowered.scale(x, slopes, f"{output}/scaled")
    if slopes.max() <= 1:
        lowered.ops.append(Maximum((x, scaled), output))
        return
    positive = lowered.scale(x, np.ones_like(slopes), f"{output}/positive", activation=Activation.RELU)
    rest = lowered.scale(positive, 1 - slopes, f"{output}/rest")
    lowered.ops.append(Add((scaled, rest), output))
