"""What a .tflite file holds, counted from the parsed flatbuffer and not by the code that wrote it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

CONVERSIONS = ("DEQUANTIZE", "QUANTIZE", "TRANSPOSE")


@dataclass(frozen=True)
class TfliteContents:
    """`operators` and `types` count by TFLite's names; `other_tensors` are neither int8 nor an int32 constant."""

    operators: Counter[str]
    types: Counter[str]
    other_tensors: tuple[str, ...]
    per_tensor_convolutions: tuple[str, ...]  # outputs of convolutions with one scale for several channels
    padded: tuple[str, ...]  # outputs of PAD
    n_conversions: int
    n_float_operators: int  # what computes in float32; conversions from and to it are counted above


def tflite_contents(path: Path) -> TfliteContents:
    """Read the file with the schema's classes."""
    model: Any = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (subgraph,) = model.subgraphs
    builtin_names, type_names = _names(schema.BuiltinOperator), _names(schema.TensorType)
    tensors = [(tensor.name.decode(), tensor) for tensor in subgraph.tensors]
    codes = [builtin_names[code.builtinCode] for code in model.operatorCodes]
    ops = [(codes[op.opcodeIndex], op) for op in subgraph.operators]
    operators = Counter(name for name, _ in ops)
    others = [
        name
        for name, tensor in tensors
        if type_names[tensor.type] != "INT8"
        and not (type_names[tensor.type] == "INT32" and model.buffers[tensor.buffer].data is not None)
    ]
    per_tensor = []
    for name, op in ops:
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            weights = tensors[op.inputs[1]][1]
            n_channels = weights.shape[3 if name == "DEPTHWISE_CONV_2D" else 0]
            if len(weights.quantization.scale) != n_channels:
                per_tensor.append(tensors[op.outputs[0]][0])
    return TfliteContents(
        operators,
        Counter(type_names[tensor.type] for _, tensor in tensors),
        tuple(others),
        tuple(per_tensor),
        tuple(tensors[op.outputs[0]][0] for name, op in ops if name == "PAD"),
        sum(operators[name] for name in CONVERSIONS),
        sum(name not in CONVERSIONS and type_names[tensors[op.outputs[0]][1].type] == "FLOAT32" for name, op in ops),
    )


def _names(enum: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}
