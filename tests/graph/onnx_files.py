"""Tiny ONNX files made from ONNX's text form, and what onnxruntime computes of them, in the Graph's layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FloatArray = NDArray[np.float32]
Constants = Mapping[str, NDArray[np.generic]]
OPSET = 18


def write_onnx(
    path: Path,
    nodes: Sequence[str],
    inputs: Mapping[str, Sequence[int | str]],
    constants: Constants,
    opset: int = OPSET,
) -> Path:
    """A network of nodes like "y = Conv<strides=[2, 2]>(x, w)" with the output y; a size given as text is dynamic."""
    graph = helper.make_graph(
        [onnx.parser.parse_node(node) for node in nodes],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def run_onnx(path: Path, inputs: Mapping[str, FloatArray]) -> FloatArray:
    """The output under onnxruntime, of inputs in the file's own layout."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, dict(inputs))
    return np.asarray(result, np.float32)


def to_graph_layout(values: FloatArray, time_is_width: bool) -> FloatArray:
    """[1, C, H, W] or [1, K] -> [1, time, mel, channels]."""
    if values.ndim == 2:
        return values.reshape(1, 1, 1, -1)
    return np.ascontiguousarray(values.transpose(0, 3, 2, 1) if time_is_width else values.transpose(0, 2, 3, 1))
