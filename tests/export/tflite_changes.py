"""Changes to a parsed .tflite file, as a damaged or foreign one would hold them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from asd_edge.export.tflite_operators import FILE_IDENTIFIER


def changed(path: Path, change: Callable[[Any], None]) -> None:
    """Rewrite a file after a change to its parsed form."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    path.write_bytes(bytes(builder.Output()))


def operator_of(model: Any, name: str) -> Any:
    """The first operator of a kind, by TFLite's name."""
    builtin = getattr(schema.BuiltinOperator, name)
    codes = [code.builtinCode for code in model.operatorCodes]
    return next(op for op in model.subgraphs[0].operators if codes[op.opcodeIndex] == builtin)
