"""Every ONNX operator that can be imported and the function that reads it; adding one starts here."""

from collections.abc import Callable

import onnx

from asd_edge.graph.onnx_convolutions import import_conv, import_gemm, import_global_pool, import_pool
from asd_edge.graph.onnx_layout import OnnxImport
from asd_edge.graph.onnx_pointwise import (
    import_activation,
    import_add_or_mul,
    import_batch_norm,
    import_clip,
    import_prelu,
)
from asd_edge.graph.onnx_rearrangements import (
    import_concat,
    import_constant,
    import_identity,
    import_pad,
    import_reshape,
    import_transpose,
)

# Each reads one node and appends the Graph's operators, or raises UnsupportedOperatorError with what could be done.
OPERATORS: dict[str, Callable[[OnnxImport, onnx.NodeProto], None]] = {
    "Conv": import_conv,
    "Gemm": import_gemm,
    "MatMul": import_gemm,
    "AveragePool": import_pool,
    "MaxPool": import_pool,
    "GlobalAveragePool": import_global_pool,
    "ReduceMean": import_global_pool,
    "BatchNormalization": import_batch_norm,
    "Add": import_add_or_mul,
    "Mul": import_add_or_mul,
    "PRelu": import_prelu,
    "LeakyRelu": import_prelu,
    "Relu": import_activation,
    "Elu": import_activation,
    "Sigmoid": import_activation,
    "Clip": import_clip,
    "Concat": import_concat,
    "Pad": import_pad,
    "Transpose": import_transpose,
    "Reshape": import_reshape,
    "Flatten": import_reshape,
    "Squeeze": import_reshape,
    "Unsqueeze": import_reshape,
    "Identity": import_identity,
    "Dropout": import_identity,
    "Constant": import_constant,
}
