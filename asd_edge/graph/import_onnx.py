"""model.onnx -> float `Graph` in [1, time, mel, channels]; an operator that no stage defines is refused by name."""

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import shape_inference

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.graph import Graph
from asd_edge.graph.onnx_layout import INPUT_NAMES, OnnxImport
from asd_edge.graph.onnx_operators import OPERATORS


def import_onnx(path: Path, n_frames: int) -> Graph:
    """Read a network with the inputs `log_mel` and, if any, `wavegram_fir`, and one output.

    `n_frames` tells the time axis of `log_mel` ([1, 1, n_mels, n_frames] or [1, 1, n_frames, n_mels]; a vector [1, K]
    has none). Raises GraphError for a file or shape that can't be used, UnsupportedOperatorError naming the node.
    """
    try:
        model = shape_inference.infer_shapes(onnx.load(path), strict_mode=True)
    except Exception as error:  # onnx raises protobuf's, its own and OSError alike for a file it can't read
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise GraphError(f"{path}: not a readable ONNX file ({reason[0]}); export it again") from error
    importer = OnnxImport(model, n_frames, path)
    inputs = tuple(value.name for value in model.graph.input if not importer.is_constant(value.name))
    unknown = [name for name in inputs if name not in INPUT_NAMES]
    if unknown or len(model.graph.output) != 1:
        raise GraphError(
            f"{path}: inputs {list(inputs)}, {len(model.graph.output)} outputs; "
            f"export with the inputs {' and '.join(INPUT_NAMES)} and one output"
        )
    for name in inputs:
        importer.add_activation(name)
    for node in model.graph.node:
        if node.op_type not in OPERATORS:
            raise UnsupportedOperatorError(
                f"{path}: operator {node.op_type} (node {node.name or node.output[0]!r}) is not supported; "
                f"replace it by one of {', '.join(sorted(OPERATORS))}"
            )
        OPERATORS[node.op_type](importer, node)
    return _with_output_named(importer, inputs, model.graph.output[0].name)


def _with_output_named(importer: OnnxImport, inputs: tuple[str, ...], output: str) -> Graph:
    """The graph whose output tensor bears the ONNX output's name, although the last ONNX node may have been a view."""
    source = importer.activation(output)
    shape = importer.tensors[source].shape
    if len(importer.onnx_shapes[output]) == 2 and shape[1:3] != (1, 1):
        raise GraphError(
            f"{importer.path}: output {output} flattens a map of shape {list(shape)}; end with a layer that reduces it"
        )
    ops = tuple(replace(op, output=output) if op.output == source else op for op in importer.ops)
    ops = tuple(
        replace(op, inputs=tuple(output if name == source else name for name in op.inputs))  # type: ignore[arg-type]
        for op in ops
    )
    tensors = {
        (output if name == source else name): (replace(tensor, name=output) if name == source else tensor)
        for name, tensor in importer.tensors.items()
    }
    return Graph(tensors, ops, inputs, (output,))
