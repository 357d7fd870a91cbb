"""model.onnx -> float `Graph` in [1, time, mel, channels]; an operator that no stage defines is refused by name."""

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import shape_inference

from asd_edge.errors import GraphError, UnsupportedOperatorError
from asd_edge.graph.graph import Graph, with_names
from asd_edge.graph.onnx_layout import INPUT_NAMES, OnnxImport
from asd_edge.graph.onnx_operators import OPERATORS

OLDEST_OPSET = 13  # before it, Clip, Pad and others kept in attributes what are inputs now
_STANDARD_DOMAINS = ("", "ai.onnx")


def import_onnx(path: Path, n_frames: int) -> Graph:
    """Read a network with the inputs `log_mel` and, if any, `wavegram_fir`, and one output.

    `n_frames` tells the time axis of `log_mel` ([1, 1, n_mels, n_frames] or [1, 1, n_frames, n_mels]; a vector [1, K]
    has none). Raises GraphError for a file or shape that can't be used, UnsupportedOperatorError naming the node.
    """
    model = _load(path)
    importer = OnnxImport(model, n_frames, path)
    inputs = tuple(value.name for value in model.graph.input if not importer.is_constant(value.name))
    if not set(inputs) <= set(INPUT_NAMES) or len(model.graph.output) != 1:
        raise GraphError(
            f"{path}: inputs {list(inputs)}, {len(model.graph.output)} outputs; "
            f"export with the inputs {' and '.join(INPUT_NAMES)} and one output"
        )
    for name in inputs:
        importer.add_activation(name)
    if "wavegram_fir" in inputs and importer.tensors["wavegram_fir"].shape != (1, n_frames, 1, 1):
        raise GraphError(
            f"{path}: input wavegram_fir has the shape {list(importer.onnx_shapes['wavegram_fir'])}; export it as "
            f"{[1, 1, 1, n_frames] if importer.time_is_width else [1, 1, n_frames, 1]}, one value per frame"
        )
    for node in model.graph.node:
        if node.op_type not in OPERATORS or node.domain not in _STANDARD_DOMAINS:
            raise UnsupportedOperatorError(
                f"{importer.where(node)}: operator {node.domain and f'{node.domain}.'}{node.op_type} is not supported; "
                f"replace it by one of {', '.join(sorted(OPERATORS))}"
            )
        OPERATORS[node.op_type](importer, node)
    return _with_output_named(importer, inputs, model.graph.output[0].name)


def _load(path: Path) -> onnx.ModelProto:
    """The file with the shape of every tensor."""
    try:
        model = onnx.load(path)
        versions = [entry.version for entry in model.opset_import if entry.domain in _STANDARD_DOMAINS]
        if versions and min(versions) < OLDEST_OPSET:
            raise GraphError(f"{path}: is ONNX opset {min(versions)}; export with opset {OLDEST_OPSET} or newer")
        return shape_inference.infer_shapes(model, strict_mode=True)
    except GraphError:
        raise
    except Exception as error:  # onnx raises protobuf's, its own and OSError alike for a file it can't read
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise GraphError(f"{path}: not a readable ONNX file ({reason[0]}); export it again") from error


def _with_output_named(importer: OnnxImport, inputs: tuple[str, ...], output: str) -> Graph:
    """The graph whose output tensor bears the ONNX output's name, although the last ONNX node may have been a view."""
    source = importer.tensor_behind(output)
    if source not in importer.tensors or source in inputs:
        raise GraphError(f"{importer.path}: output {output} is given by no operator; export a network that computes it")
    if importer.is_flattened(output):
        raise GraphError(
            f"{importer.path}: output {output} flattens a map [1, time, mel, channels] of shape "
            f"{list(importer.tensors[source].shape)}; end with a layer that reduces it"
        )
    names = {source: output}
    ops = tuple(with_names(op, names) for op in importer.ops)
    tensors = {names.get(name, name): tensor for name, tensor in importer.tensors.items()}
    tensors[output] = replace(tensors[output], name=output)
    return Graph(tensors, ops, inputs, (output,))
