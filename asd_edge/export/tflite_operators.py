"""How a Graph's operators are called in TFLite: builtin code, version, options table, fused activation, padding.

Codes and tables are those of the TFLite schema (version 3) that ai-edge-litert ships.
"""

from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import (
    Activation,
    Add,
    AveragePool2D,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    Logistic,
    MaxPool2D,
    Mul,
    Op,
    Pad,
    PRelu,
    Reshape,
)

SCHEMA_VERSION = 3
FILE_IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class TfliteOperator:
    """A builtin operator with int8 tensors: its code, the lowest version that says so, and its options table."""

    code: int
    version: int
    options: int


_BUILTIN, _OPTIONS = schema.BuiltinOperator, schema.BuiltinOptions

OPERATORS: dict[type[Op], TfliteOperator] = {
    Conv2D: TfliteOperator(_BUILTIN.CONV_2D, 3, _OPTIONS.Conv2DOptions),
    DepthwiseConv2D: TfliteOperator(_BUILTIN.DEPTHWISE_CONV_2D, 3, _OPTIONS.DepthwiseConv2DOptions),
    PRelu: TfliteOperator(_BUILTIN.PRELU, 1, _OPTIONS.NONE),
    Elu: TfliteOperator(_BUILTIN.ELU, 1, _OPTIONS.NONE),
    Logistic: TfliteOperator(_BUILTIN.LOGISTIC, 2, _OPTIONS.NONE),
    Add: TfliteOperator(_BUILTIN.ADD, 2, _OPTIONS.AddOptions),
    Mul: TfliteOperator(_BUILTIN.MUL, 2, _OPTIONS.MulOptions),
    Concat: TfliteOperator(_BUILTIN.CONCATENATION, 2, _OPTIONS.ConcatenationOptions),
    Pad: TfliteOperator(_BUILTIN.PAD, 2, _OPTIONS.PadOptions),
    Reshape: TfliteOperator(_BUILTIN.RESHAPE, 1, _OPTIONS.ReshapeOptions),
    AveragePool2D: TfliteOperator(_BUILTIN.AVERAGE_POOL_2D, 2, _OPTIONS.Pool2DOptions),
    MaxPool2D: TfliteOperator(_BUILTIN.MAX_POOL_2D, 2, _OPTIONS.Pool2DOptions),
}

ACTIVATIONS: dict[Activation, int] = {
    Activation.NONE: schema.ActivationFunctionType.NONE,
    Activation.RELU: schema.ActivationFunctionType.RELU,
    Activation.RELU6: schema.ActivationFunctionType.RELU6,
}

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


def tflite_operator(graph: Graph, op: Op) -> TfliteOperator:
    """The builtin operator that computes `op`. Raises UnsupportedOperatorError for one that only float graphs have."""
    if type(op) not in OPERATORS:
        raise UnsupportedOperatorError(
            f"{type(op).__name__} {op.output} has no TFLite operator; run the float passes before quantizing"
        )
    operator = OPERATORS[type(op)]
    if isinstance(op, Mul) and _factor(graph, op) >= 1:
        return TfliteOperator(operator.code, 3, operator.options)  # kernels of version 2 only ever scale down
    return operator


def builtin_name(code: int) -> str:
    """The name of a builtin operator code: "CONV_2D"."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    return str(names.get(code, f"number {code}"))


def _factor(graph: Graph, op: Mul) -> float:
    """What Mul multiplies a product of codes by."""
    scales = []
    for name in (*op.inputs, op.output):
        quantization = graph.tensors[name].quantization
        if quantization is None:
            raise GraphError(f"tensor {name} has no scale; quantize the graph first")
        scales.append(float(quantization.scale[0]))
    return scales[0] * scales[1] / scales[2]
