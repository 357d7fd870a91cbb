"""PyTorch module -> model.onnx: the front end's features in, embedding or reconstruction out; opset 18, batch 1."""

import ast
import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from asd_edge.errors import GraphError

OPSET = 18  # the newest that torch's exporter writes without converting downwards


class _Embed(nn.Module):
    """What the device's network does, as a module whose inputs are the front end's features."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, log_mel: Tensor, wavegram_fir: Tensor | None = None) -> Tensor:
        embed = self.network.embed
        assert callable(embed)
        result: Tensor = embed(log_mel) if wavegram_fir is None else embed(log_mel, wavegram_fir)
        return result


def export_onnx(network: nn.Module, input_shapes: dict[str, tuple[int, ...]], output_name: str, path: Path) -> None:
    """Write `network.embed` as ONNX; `input_shapes` names its inputs in order.

    The wrapper is put in eval mode: a training-mode wrapper would switch the network back to batch statistics.
    """
    module = _Embed(network).eval()
    example = tuple(torch.zeros(shape) for shape in input_shapes.values())
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                example,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(input_shapes),
                output_names=[output_name],
                verbose=False,
            )
    finally:
        exporter_log.setLevel(level)
    if program is None:
        raise GraphError(f"{path}: torch's exporter gave no program; update torch")
    model = program.model_proto
    _name_by_module(model)
    _remove_traces(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _name_by_module(model: onnx.ModelProto) -> None:
    """Rename activations after the layers that make them ("classifier.conv1.conv"): every later report shows these."""
    names = {value.name: value.name for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]}
    for node in model.graph.node:
        weight = next((name for name in node.input if name.endswith(".weight")), None)
        scopes = next((entry.value for entry in node.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"), "[]")
        module = next((scope for scope in reversed(ast.literal_eval(scopes)[:-1]) if scope), "network")
        kind = node.op_type.lower()
        layer = weight.removesuffix(".weight") if weight else module if module.endswith(kind) else f"{module}.{kind}"
        layer = layer.removeprefix("network.")
        for index, output in enumerate(node.output):
            if output not in names:
                taken = sum(name == layer or name.startswith(f"{layer}:") for name in names.values())
                names[output] = f"{layer}:{taken}" if taken else layer
            node.output[index] = names[output]
        for index, source in enumerate(node.input):
            node.input[index] = names.get(source, source)
    del model.graph.value_info[:]


def _remove_traces(model: onnx.ModelProto) -> None:
    """The exporter notes for each node where in which source file it came from: paths of the machine that exported."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
