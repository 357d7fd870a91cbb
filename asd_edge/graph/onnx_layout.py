"""The Graph under construction while an ONNX file is read: axis order, names, constants.

Axis rule: a rank-4 ONNX tensor is (N, C, H, W), and time is whichever of H and W has the frame count in the input
`log_mel`. A rank-2 tensor [N, K] becomes [1, 1, 1, K].
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.graph import Tensor, float_weight
from asd_edge.graph.ops import Op

INPUT_NAMES = ("log_mel", "wavegram_fir")


class OnnxImport:
    """The graph under construction: tensors so far, which names are views of others, and where time lies."""

    def __init__(self, model: onnx.ModelProto, n_frames: int, path: Path) -> None:
        self.path = path
        self.constants: dict[str, NDArray[np.generic]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.onnx_shapes: dict[str, tuple[int, ...]] = {}  # 0 stands for a size that isn't static
        for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
            self.onnx_shapes[value.name] = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        self.time_is_width = self._find_time(n_frames)
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self._views: dict[str, str] = {}  # ONNX name -> the graph tensor that holds the same values

    def _find_time(self, n_frames: int) -> bool:
        shape = self.onnx_shapes.get("log_mel")
        if shape is None:
            if not self.onnx_shapes:
                raise GraphError(f"{self.path}: holds no network; export it again")
            raise GraphError(f"{self.path}: no input named log_mel; rename the network's inputs to {INPUT_NAMES}")
        if len(shape) == 2:
            return True
        if len(shape) != 4 or shape[1] != 1 or n_frames not in shape[2:]:
            raise GraphError(
                f"{self.path}: input log_mel has the shape {list(shape)}; "
                f"export it as [1, 1, n_mels, {n_frames}] or [1, 1, {n_frames}, n_mels]"
            )
        return shape[3] == n_frames

    def where(self, node: onnx.NodeProto) -> str:
        """How a message names a node."""
        return f"{self.path}: {node.op_type} node {node.name or node.output[0]!r}"

    def to_time_mel(self, height_width: tuple[int, int]) -> tuple[int, int]:
        """(H, W) of ONNX -> (time, mel)."""
        height, width = height_width
        return (width, height) if self.time_is_width else (height, width)

    def axis(self, onnx_axis: int) -> int:
        """An axis 0-3 of a rank-4 ONNX tensor -> the axis of [1, time, mel, channels]."""
        return {0: 0, 1: 3, 2: 2 if self.time_is_width else 1, 3: 1 if self.time_is_width else 2}[onnx_axis]

    def shape(self, onnx_shape: tuple[int, ...], name: str) -> tuple[int, ...]:
        """An ONNX shape -> [1, time, mel, channels]."""
        if len(onnx_shape) not in (2, 4) or 0 in onnx_shape or onnx_shape[0] != 1:
            raise GraphError(
                f"{self.path}: {name} has the shape {[size or '?' for size in onnx_shape]}; "
                "export with batch size 1, static shapes, rank 2 or 4"
            )
        if len(onnx_shape) == 2:
            return (1, 1, 1, onnx_shape[1])
        return (1, *self.to_time_mel((onnx_shape[2], onnx_shape[3])), onnx_shape[1])

    def add_activation(self, name: str) -> str:
        """Declare the float tensor that an ONNX name stands for."""
        if name not in self.onnx_shapes:
            raise GraphError(f"{self.path}: the shape of {name} can't be inferred; export with static shapes")
        self.tensors[name] = Tensor(name, self.shape(self.onnx_shapes[name], name), "float32")
        return name

    def add_weight(self, name: str, values: NDArray[np.floating]) -> str:
        self.tensors[name] = float_weight(name, values)
        return name

    def add_view(self, name: str, source: str) -> None:
        """Let an ONNX name stand for a tensor that holds the same values, perhaps in more axes."""
        self._views[name] = source

    def tensor_behind(self, name: str) -> str:
        """The graph tensor that an ONNX name stands for."""
        return self._views.get(name, name)

    def flattened(self, node: onnx.NodeProto, index: int) -> str:
        """The tensor behind a node's input, which may be the flattened form of a map: only a Gemm can read that."""
        source = self.tensor_behind(node.input[index])
        if source not in self.tensors:
            raise UnsupportedOperatorError(
                f"{self.where(node)}: input {node.input[index]} is a constant or a second output where a layer's "
                "result is needed; fold it into the network before export"
            )
        return source

    def activation(self, node: onnx.NodeProto, index: int) -> str:
        """The tensor behind a node's input. Raises UnsupportedOperatorError for a constant or a flattened map."""
        source = self.flattened(node, index)
        if self.is_flattened(node.input[index]):
            raise UnsupportedOperatorError(
                f"{self.where(node)}: reads a map after it was flattened, where only Gemm and MatMul are possible; "
                "apply it before flattening"
            )
        return source

    def is_flattened(self, name: str) -> bool:
        """Whether a name is the rank-2 form of a tensor that has time or mel; its values lie in another order here."""
        return len(self.onnx_shapes[name]) == 2 and self.tensors[self.tensor_behind(name)].shape[1:3] != (1, 1)

    def is_constant(self, name: str) -> bool:
        return name in self.constants

    def constant(self, node: onnx.NodeProto, index: int) -> NDArray[np.generic]:
        """The values of a node's input. Raises UnsupportedOperatorError where they are computed."""
        name = node.input[index]
        if name not in self.constants:
            raise UnsupportedOperatorError(
                f"{self.where(node)}: input {name} is not a constant; fold it into the network before export"
            )
        return self.constants[name]

    def optional_constant(self, node: onnx.NodeProto, index: int) -> NDArray[np.generic] | None:
        """The same, or None where the node has no such input."""
        return self.constant(node, index) if index < len(node.input) and node.input[index] else None
