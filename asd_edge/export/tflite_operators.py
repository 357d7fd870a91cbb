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
    FullyConnected,
    LeakyRelu,
    Logistic,
    Maximum,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    PRelu,
    Relu,
    Requantize,
    Reshape,
    Softmax,
    Tanh,
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
    FullyConnected: TfliteOperator(_BUILTIN.FULLY_CONNECTED, 4, _OPTIONS.FullyConnectedOptions),
    PRelu: TfliteOperator(_BUILTIN.PRELU, 1, _OPTIONS.NONE),
    Elu: TfliteOperator(_BUILTIN.ELU, 1, _OPTIONS.NONE),
    Logistic: TfliteOperator(_BUILTIN.LOGISTIC, 2, _OPTIONS.NONE),
    LeakyRelu: TfliteOperator(_BUILTIN.LEAKY_RELU, 2, _OPTIONS.LeakyReluOptions),
    Tanh: TfliteOperator(_BUILTIN.TANH, 2, _OPTIONS.NONE),
    Softmax: TfliteOperator(_BUILTIN.SOFTMAX, 2, _OPTIONS.SoftmaxOptions),
    Add: TfliteOperator(_BUILTIN.ADD, 2, _OPTIONS.AddOptions),
    Mul: TfliteOperator(_BUILTIN.MUL, 2, _OPTIONS.MulOptions),
    Maximum: TfliteOperator(_BUILTIN.MAXIMUM, 2, _OPTIONS.MaximumMinimumOptions),
    Concat: TfliteOperator(_BUILTIN.CONCATENATION, 2, _OPTIONS.ConcatenationOptions),
    Pad: TfliteOperator(_BUILTIN.PAD, 2, _OPTIONS.PadOptions),
    Reshape: TfliteOperator(_BUILTIN.RESHAPE, 1, _OPTIONS.ReshapeOptions),
    AveragePool2D: TfliteOperator(_BUILTIN.AVERAGE_POOL_2D, 2, _OPTIONS.Pool2DOptions),
    MaxPool2D: TfliteOperator(_BUILTIN.MAX_POOL_2D, 2, _OPTIONS.Pool2DOptions),
    Mean: TfliteOperator(_BUILTIN.MEAN, 2, _OPTIONS.ReducerOptions),
    Requantize: TfliteOperator(_BUILTIN.QUANTIZE, 2, _OPTIONS.QuantizeOptions),
}

# A Relu of its own is another builtin for each activation.
RELUS: dict[Activation, TfliteOperator] = {
    Activation.RELU: TfliteOperator(_BUILTIN.RELU, 2, _OPTIONS.NONE),
    Activation.RELU6: TfliteOperator(_BUILTIN.RELU6, 2, _OPTIONS.NONE),
    Activation.RELU_N1_TO_1: TfliteOperator(_BUILTIN.RELU_N1_TO_1, 1, _OPTIONS.NONE),
}

ACTIVATIONS: dict[Activation, int] = {
    Activation.NONE: schema.ActivationFunctionType.NONE,
    Activation.RELU: schema.ActivationFunctionType.RELU,
    Activation.RELU6: schema.ActivationFunctionType.RELU6,
    Activation.RELU_N1_TO_1: schema.ActivationFunctionType.RELU_N1_TO_1,
}

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


def tflite_operator(graph: Graph, op: Op) -> TfliteOperator:
    """The builtin operator that computes `op`. Raises UnsupportedOperatorError for one that only float graphs have."""
    if isinstance(op, Relu) and op.activation in RELUS:
        return RELUS[op.activation]
    if type(op) not in OPERATORS:
        raise UnsupportedOperatorError(
            f"{type(op).__name__} {op.output} has no TFLite operator; run the float passes before quantizing"
        )
    operator = OPERATORS[type(op)]
    is_float = graph.tensors[op.output].dtype == "float32"
    if isinstance(op, Mul) and not is_float and _factor(graph, op) >= 1:
        return TfliteOperator(operator.code, 3, operator.options)  # kernels of version 2 only ever scale down
    if isinstance(op, FullyConnected):
        return TfliteOperator(operator.code, _fully_connected_version(graph, op), operator.options)
    return operator


def keeps_dimensions(graph: Graph, op: FullyConnected) -> bool:
    """Whether TFLite can give the output as [1, 1, 1, out]; where it flattens a map, it gives [1, out]."""
    return graph.tensors[op.inputs[0]].shape[:3] == (1, 1, 1)


def _fully_connected_version(graph: Graph, op: FullyConnected) -> int:
    """12 for one scale per output, 5 for more than two dimensions, else 4."""
    quantization = graph.tensors[op.inputs[1]].quantization
    if quantization is not None and len(quantization.scale) > 1:
        return 12
    return 5 if keeps_dimensions(graph, op) else 4


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
