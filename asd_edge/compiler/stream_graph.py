"""`StreamGraph`: a network as the image has it, tensors of columns and one step per kernel call.

The enumerations are those of firmware/include/asd/asd_image.h; firmware/FORMAT.md says what each step computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from quantization.factors import Factor

Pair = tuple[int, int]  # (time, mel)


class StepOp(IntEnum):
    """What a step computes for one output column: asd_op."""

    CONV2D = 1
    POINTWISE = 2
    DEPTHWISE = 3
    ACCUMULATE_CONV2D = 4
    ACCUMULATE_DEPTHWISE = 5
    ACCUMULATE_MEAN = 6
    MEAN = 7
    LOOKUP = 8
    PRELU = 9
    ADD = 10
    MUL = 11
    MAXIMUM = 12
    CONCAT = 13
    PAD = 14
    AVERAGE_POOL = 15
    MAX_POOL = 16
    SOFTMAX = 17
    RESHAPE = 18
    STORE = 19


class StepActivation(IntEnum):
    """What follows the rescaling of a sum: asd_activation."""

    NONE = 0
    PRELU = 1
    TABLE = 2
    CHANNEL_TABLE = 3


class Layout(IntEnum):
    """How the weights lie: asd_layout."""

    PLAIN = 0
    DSP = 1
    MVE = 2


CONVOLUTIONS = frozenset(
    (
        StepOp.CONV2D,
        StepOp.POINTWISE,
        StepOp.DEPTHWISE,
        StepOp.ACCUMULATE_CONV2D,
        StepOp.ACCUMULATE_DEPTHWISE,
    )
)
ACCUMULATING = frozenset((StepOp.ACCUMULATE_CONV2D, StepOp.ACCUMULATE_DEPTHWISE, StepOp.ACCUMULATE_MEAN))
WINDOWED = frozenset((StepOp.CONV2D, StepOp.POINTWISE, StepOp.DEPTHWISE, StepOp.AVERAGE_POOL, StepOp.MAX_POOL))
CLAMPING = CONVOLUTIONS | {StepOp.ADD, StepOp.MUL, StepOp.AVERAGE_POOL, StepOp.MAX_POOL}


@dataclass(frozen=True)
class StreamTensor:
    """A sequence of columns [n_mels][n_channels] int8; `n_columns` of them are a window."""

    name: str
    n_columns: int
    n_mels: int
    n_channels: int
    scale: float
    zero_point: int

    @property
    def column_bytes(self) -> int:
        """In a ring: each column begins at a multiple of 4."""
        return (self.n_mels * self.n_channels + 3) // 4 * 4


@dataclass(frozen=True, eq=False)
class Requantization:
    """int32 sums -> codes, one entry per output channel."""

    bias: NDArray[np.int32]
    multipliers: NDArray[np.int32] | NDArray[np.int64]  # int64 mantissas where it rounds once
    shifts: NDArray[np.int32] | NDArray[np.int64]  # left where positive; to the right where it rounds once
    rounds_once: bool


@dataclass(frozen=True, eq=False)
class StreamStep:
    """One kernel call per column of `output`; of an accumulating step, per column of its input."""

    op: StepOp
    inputs: tuple[str, ...]
    output: str
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)  # before the first column, before the first row
    clamp: tuple[int, int] = (-128, 127)
    zero_point: int = 0  # of the codes before the activation
    weights: NDArray[np.int8] | None = None  # [out][time][mel][in]; depthwise [time][mel][channel]
    requantization: Requantization | None = None
    activation: StepActivation = StepActivation.NONE
    table: NDArray[np.int8] | NDArray[np.int32] | None = None  # slopes, or tables
    factors: tuple[Factor, ...] = ()  # see asd_image_step


@dataclass(frozen=True, eq=False)
class StreamGraph:
    """Steps in the order in which a pass visits them: each after those that write its inputs."""

    tensors: Mapping[str, StreamTensor]
    steps: tuple[StreamStep, ...]
    inputs: tuple[str, ...]
    output: str

    def readers(self, name: str) -> tuple[int, ...]:
        """Indices of the steps that read a tensor."""
        return tuple(index for index, step in enumerate(self.steps) if name in step.inputs)

    @property
    def window_columns(self) -> int:
        """Columns of each input that make a window."""
        return self.tensors[self.inputs[0]].n_columns

    def waits_for_whole(self, step: StreamStep) -> bool:
        """Whether a RESHAPE changes the length of time, so that it needs all of its input first."""
        changes = self.tensors[step.inputs[0]].n_columns != self.tensors[step.output].n_columns
        return step.op == StepOp.RESHAPE and changes

    @property
    def is_streamed(self) -> bool:
        """Whether every step works column by column."""
        return not any(self.waits_for_whole(step) for step in self.steps)
