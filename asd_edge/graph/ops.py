"""The operators of a Graph, one frozen dataclass each; semantics are TFLite's, layout [1, time, mel, channels].

`inputs` names tensors in the order that TFLite gives them (activation, weights, bias); `output` is the only output.
`Affine` and `Relu` exist only between import and the passes that fold them away (passes.py).
"""

from dataclasses import dataclass
from enum import Enum


class Activation(Enum):
    """An activation fused into the operator before it."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"


@dataclass(frozen=True)
class Padding:
    """Zeros added before and after the time and mel axes."""

    time_before: int = 0
    time_after: int = 0
    mel_before: int = 0
    mel_after: int = 0


@dataclass(frozen=True)
class Conv2D:
    """Weights [out, kernel_time, kernel_mel, in], bias [out]."""

    inputs: tuple[str, str, str]
    output: str
    stride: tuple[int, int] = (1, 1)  # (time, mel)
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class DepthwiseConv2D:
    """One filter per channel: weights [1, kernel_time, kernel_mel, channels], bias [channels]."""

    inputs: tuple[str, str, str]
    output: str
    stride: tuple[int, int] = (1, 1)
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Affine:
    """Batch normalization at inference, scale * x + offset: inputs (x, scale [channels], offset [channels])."""

    inputs: tuple[str, str, str]
    output: str


@dataclass(frozen=True)
class Relu:
    """max(x, 0), or min(max(x, 0), 6) with activation RELU6."""

    inputs: tuple[str]
    output: str
    activation: Activation = Activation.RELU


@dataclass(frozen=True)
class PRelu:
    """x where x >= 0, slope * x elsewhere: inputs (x, slope [1, 1, channels])."""

    inputs: tuple[str, str]
    output: str


@dataclass(frozen=True)
class Elu:
    """x where x >= 0, exp(x) - 1 elsewhere."""

    inputs: tuple[str]
    output: str


@dataclass(frozen=True)
class Logistic:
    """1 / (1 + exp(-x))."""

    inputs: tuple[str]
    output: str


@dataclass(frozen=True)
class Add:
    """Sum of two activations of one shape."""

    inputs: tuple[str, str]
    output: str
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Mul:
    """Product of two activations of one shape."""

    inputs: tuple[str, str]
    output: str


@dataclass(frozen=True)
class Concat:
    """Concatenation along the channels."""

    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Pad:
    """Zeros around time and mel, as an operator of its own."""

    inputs: tuple[str]
    output: str
    padding: Padding = Padding()


@dataclass(frozen=True)
class Reshape:
    """The same values in the same order under another shape (the output tensor's)."""

    inputs: tuple[str]
    output: str


@dataclass(frozen=True)
class AveragePool2D:
    """Mean over a window (time, mel), without padding."""

    inputs: tuple[str]
    output: str
    window: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True)
class MaxPool2D:
    """Maximum over a window (time, mel), without padding."""

    inputs: tuple[str]
    output: str
    window: tuple[int, int]
    stride: tuple[int, int]


Op = (
    Conv2D
    | DepthwiseConv2D
    | Affine
    | Relu
    | PRelu
    | Elu
    | Logistic
    | Add
    | Mul
    | Concat
    | Pad
    | Reshape
    | AveragePool2D
    | MaxPool2D
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) that TFLite's SAME adds: ceil(size / stride) outputs, the odd zero at the end."""
    n_outputs = -(-size // stride)
    total = max((n_outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def output_size(size: int, kernel: int, stride: int, before: int = 0, after: int = 0) -> int:
    """Positions of a window along one padded axis."""
    return (size + before + after - kernel) // stride + 1
