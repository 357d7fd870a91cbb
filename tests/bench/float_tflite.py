"""A float Graph -> a float32 .tflite file, for timing only: what asd-edge exports is int8 throughout."""

from unittest.mock import patch

from ai_edge_litert import schema_py_generated as schema

from asd_edge.export import tflite_operators, write_tflite
from asd_edge.graph.graph import Graph


def float_tflite_bytes(graph: Graph) -> bytes:
    """The same operators as the int8 file, with float32 tensors."""
    types = patch.dict(write_tflite._TENSOR_TYPES, {"float32": schema.TensorType.FLOAT32})
    with types, patch.object(tflite_operators, "_factor", return_value=0.0):  # version 1 of every operator
        return write_tflite.tflite_bytes(graph)
