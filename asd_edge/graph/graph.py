"""`Graph`: tensors and operators in execution order, NHWC with time as H; float first, int8 after quantization."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.graph.ops import Op


@dataclass(frozen=True)
class Quantization:
    """real = scale * (q - zero_point); one entry per tensor, or one per channel of `axis`."""

    scale: NDArray[np.float32]  # (1,) or (n_channels,)
    zero_point: NDArray[np.int32]  # same shape; zero everywhere for weights
    axis: int | None = None  # None: per tensor


@dataclass(frozen=True)
class Tensor:
    """A named tensor; `values` holds weights, None marks an activation."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # "float32", "int8" or "int32"
    values: NDArray[np.generic] | None = None
    quantization: Quantization | None = None


@dataclass(frozen=True)
class Graph:
    """A network. Activations are [1, time, mel, channels]; every operator has one output and comes after its inputs."""

    tensors: Mapping[str, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    _consumers: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        consumers: dict[str, list[int]] = {name: [] for name in self.tensors}
        for index, op in enumerate(self.ops):
            for name in op.inputs:
                consumers[name].append(index)
        object.__setattr__(self, "_consumers", {name: tuple(indices) for name, indices in consumers.items()})

    def consumers(self, name: str) -> tuple[Op, ...]:
        """The operators that read a tensor."""
        return tuple(self.ops[index] for index in self._consumers[name])

    def producer(self, name: str) -> Op | None:
        """The operator that writes a tensor; None for an input or a weight."""
        return next((op for op in self.ops if op.output == name), None)

    def values(self, name: str) -> NDArray[np.generic]:
        """The values of a weight. Raises GraphError for an activation."""
        values = self.tensors[name].values
        if values is None:
            raise GraphError(f"tensor {name} is computed at run time where a constant is needed; export it as a weight")
        return values

    def activations(self) -> tuple[str, ...]:
        """Inputs first, then each operator's output, in execution order."""
        return (*self.inputs, *(op.output for op in self.ops))


def float_weight(name: str, values: NDArray[np.floating]) -> Tensor:
    """A float32 weight."""
    return Tensor(name, tuple(values.shape), "float32", np.ascontiguousarray(values, np.float32))


def with_names(op: Op, names: Mapping[str, str]) -> Op:
    """The same operator with some of its tensors under other names."""
    inputs = tuple(names.get(name, name) for name in op.inputs)
    return replace(op, inputs=inputs, output=names.get(op.output, op.output))  # type: ignore[arg-type]


def with_ops(graph: Graph, ops: tuple[Op, ...], added: tuple[Tensor, ...] = ()) -> Graph:
    """The same graph with another operator list and new tensors; tensors that nothing mentions any more are dropped."""
    tensors = dict(graph.tensors) | {tensor.name: tensor for tensor in added}
    used = {*graph.inputs, *graph.outputs}
    for op in ops:
        used.update(op.inputs, (op.output,))
    return replace(graph, tensors={name: tensors[name] for name in tensors if name in used}, ops=ops)
