"""The Graph under construction while an ONNX file is read: axis order, names, constants.

Axis rule: a rank-4 ONNX tensor is (N, C, H, W), and time is whichever of H and W has the frame count in the input
`log_mel`. A rank-2 tensor [N, K] becomes [1, 1, 1, K].
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from asd_edge.errors import GraphError
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
        self.onnx_shapes: dict[str, tuple[int, ...]] = {}
        for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
            self.onnx_shapes[value.name] = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        self.time_is_width = self._find_time(n_frames)
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self.views: dict[str, str] = {}  # ONNX name -> the graph tensor that holds the same values in the same layout

    def _find_time(self, n_frames: int) -> bool:
        shape = self.onnx_shapes.get("log_mel")
        if shape is None:
            raise GraphError(f"{self.path}: no input named log_mel; rename the network's inputs to {INPUT_NAMES}")
        if len(shape) == 2:
            return True
        if len(shape) != 4 or n_frames not in shape[2:]:
            raise GraphError(
                f"{self.path}: input log_mel has the shape {list(shape)}; "
                f"export it as [1, 1, n_mels, {n_frames}] or [1, 1, {n_frames}, n_mels]"
            )
        return shape[3] == n_frames

    def to_time_mel(self, height_width: tuple[int, int]) -> tuple[int, int]:
        """(H, W) of ONNX -> (time, mel)."""
        height, width = height_width
        return (width, height) if self.time_is_width else (height, width)

    def axis(self, onnx_axis: int) -> int:
        """An axis of a rank-4 ONNX tensor -> the axis of [1, time, mel, channels]."""
        return {0: 0, 1: 3, 2: 2 if self.time_is_width else 1, 3: 1 if self.time_is_width else 2}[onnx_axis % 4]

    def shape(self, onnx_shape: tuple[int, ...], where: str) -> tuple[int, ...]:
        """An ONNX shape -> [1, time, mel, channels]."""
        if len(onnx_shape) == 2:
            return (onnx_shape[0], 1, 1, onnx_shape[1])
        if len(onnx_shape) != 4 or 0 in onnx_shape or onnx_shape[0] != 1:
            raise GraphError(
                f"{self.path}: {where} has the shape {list(onnx_shape)}; export with batch size 1, static shapes, rank 2 or 4"
            )
        return (onnx_shape[0], *self.to_time_mel((onnx_shape[2], onnx_shape[3])), onnx_shape[1])

    def add_activation(self, name: str) -> str:
        """Declare the float tensor that an ONNX name stands for."""
        if name not in self.onnx_shapes:
            raise GraphError(f"{self.path}: the shape of {name} can't be inferred; export with static shapes")
        self.tensors[name] = Tensor(name, self.shape(self.onnx_shapes[name], name), "float32")
        return name

    def add_weight(self, name: str, values: NDArray[np.floating]) -> str:
        self.tensors[name] = float_weight(name, values)
        return name

    def activation(self, name: str) -> str:
        """The graph tensor behind an ONNX name."""
        return self.views.get(name, name)

    def is_constant(self, name: str) -> bool:
        return name in self.constants

    def constant(self, node: onnx.NodeProto, index: int) -> NDArray[np.generic]:
        name = node.input[index]
        if name not in self.constants:
            raise GraphError(f"{_where(node)}: input {name} is not a constant; fold it into the network before export")
        return self.constants[name]
