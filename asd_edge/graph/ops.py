"""The operators of a Graph, one frozen dataclass each; semantics are TFLite's, layout [1, time, mel, channels].

`inputs` names tensors in the order that TFLite gives them (activation, weights, bias); `output` is the only output.
`Affine` exists only between import and the passes that fold it away (passes.py).
"""

from dataclasses import dataclass
from enum import Enum


class Activation(Enum):
    """An activation fused into the operator before it."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"


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
class FullyConnected:
    """All values of x against each row of weights [out, in], bias [out]; the output is [1, 1, 1, out]."""

    inputs: tuple[str, str, str]
    output: str
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Affine:
    """Batch normalization at inference, scale * x + offset: inputs (x, scale [channels], offset [channels])."""

    inputs: tuple[str, str, str]
    output: str


@dataclass(frozen=True)
class Relu:
    """max(x, 0), min(max(x, 0), 6) with activation RELU6, or min(max(x, -1), 1) with RELU_N1_TO_1."""

    inputs: tuple[str]
    output: str
    activation: Activation = Activation.RELU


@dataclass(frozen=True)
class PRelu:
    """x where x >= 0, slope * x elsewhere: inputs (x, slope [1, 1, channels])."""

    inputs: tuple[str, str]
    output: str


@dataclass(frozen=True)
class LeakyRelu:
    """x where x >= 0, alpha * x elsewhere."""

    inputs: tuple[str]
    output: str
    alpha: float


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
class Tanh:
    """(exp(2x) - 1) / (exp(2x) + 1)."""

    inputs: tuple[str]
    output: str


@dataclass(frozen=True)
class Softmax:
    """exp(beta * x) / sum(exp(beta * x)) over the channels of each position."""

    inputs: tuple[str]
    output: str
    beta: float


@dataclass(frozen=True)
class Add:
    """Sum of two operands of one shape, or one of them [1, 1, 1, channels] or [1, 1, 1, 1] (as Mul and Maximum).

    Such an operand may be a constant; the other is an activation.
    """

    inputs: tuple[str, str]
    output: str
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Mul:
    """Product of two operands, shaped as those of Add."""

    inputs: tuple[str, str]
    output: str
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Maximum:
    """The greater of two operands, shaped as those of Add; in int8 they and the output have one quantization."""

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
    """Mean over a window (time, mel); what padding adds doesn't count: a window at the edge has fewer values."""

    inputs: tuple[str]
    output: str
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class MaxPool2D:
    """Maximum over a window (time, mel); what padding adds doesn't count."""

    inputs: tuple[str]
    output: str
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class Mean:
    """Mean over all positions of `axes`, 1 (time), 2 (mel) or both, which stay in the output's shape as ones."""

    inputs: tuple[str]
    output: str
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Requantize:
    """The same real values under the output tensor's scale and zero point; TFLite's QUANTIZE from int8 to int8."""

    inputs: tuple[str]
    output: str


Op = (
    Conv2D
    | DepthwiseConv2D
    | FullyConnected
    | Affine
    | Relu
    | PRelu
    | LeakyRelu
    | Elu
    | Logistic
    | Tanh
    | Softmax
    | Add
    | Mul
    | Maximum
    | Concat
    | Pad
    | Reshape
    | AveragePool2D
    | MaxPool2D
    | Mean
    | Requantize
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) that TFLite's SAME adds: ceil(size / stride) outputs, the odd zero at the end."""
    n_outputs = -(-size // stride)
    total = max((n_outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def output_size(size: int, kernel: int, stride: int, before: int = 0, after: int = 0) -> int:
    """Positions of a window along one padded axis."""
    return (size + before + after - kernel) // stride + 1
