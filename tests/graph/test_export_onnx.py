"""The ONNX file of a module: names, opset, eval mode, static shapes, and nothing of the machine that wrote it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from asd_edge.graph.export_onnx import OPSET, export_onnx
from tests.graph.onnx_files import run_onnx

SHAPES: dict[str, tuple[int, ...]] = {"log_mel": (1, 1, 4, 6), "wavegram_fir": (1, 1, 1, 6)}


class TwoInputs(nn.Module):
    """A small module of the kind that is exported: batch norm, dropout, one activation module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.normalization = nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Conv2d(3, 2, 1)

    def embed(self, log_mel: Tensor, wavegram_fir: Tensor) -> Tensor:
        x = self.relu(self.normalization(self.conv(log_mel + wavegram_fir.expand(1, 1, 4, 6))))
        y: Tensor = self.relu(self.last(self.dropout(x)))
        return y


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[TwoInputs, Path]:
    """A module in training mode, and its file."""
    torch.manual_seed(0)
    module = TwoInputs().train()
    assert module.normalization.running_mean is not None
    module.normalization.running_mean.fill_(0.4)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(module, SHAPES, "embedding", path)
    return module, path


def test_inputs_and_output_bear_the_given_names_and_static_shapes(exported: tuple[TwoInputs, Path]) -> None:
    graph = onnx.load(exported[1]).graph
    shapes = {v.name: tuple(dim.dim_value for dim in v.type.tensor_type.shape.dim) for v in graph.input}
    assert shapes == SHAPES
    assert list(shapes) == list(SHAPES)
    assert [value.name for value in graph.output] == ["embedding"]


def test_opset_is_the_documented_one(exported: tuple[TwoInputs, Path]) -> None:
    opsets = {entry.domain: entry.version for entry in onnx.load(exported[1]).opset_import}
    assert opsets[""] == OPSET


def test_module_in_training_mode_is_exported_in_eval_mode(exported: tuple[TwoInputs, Path]) -> None:
    module, path = exported
    rng = np.random.default_rng(0)
    inputs = {name: rng.standard_normal(shape, np.float32) for name, shape in SHAPES.items()}
    with torch.no_grad():
        expected = module.eval().embed(*(torch.from_numpy(values) for values in inputs.values())).numpy()
    np.testing.assert_allclose(run_onnx(path, inputs), expected, rtol=0, atol=1e-6)
    assert not {"Dropout", "BatchNormalization"} & {node.op_type for node in onnx.load(path).graph.node}


def test_activations_bear_their_layers_names(exported: tuple[TwoInputs, Path]) -> None:
    names = [node.output[0] for node in onnx.load(exported[1]).graph.node]
    assert "conv" in names
    assert "relu" in names
    assert "last" in names
    assert names[-1] == "embedding"
    assert len(names) == len(set(names))


def test_file_holds_no_path_of_the_machine_that_wrote_it(exported: tuple[TwoInputs, Path]) -> None:
    content = exported[1].read_bytes()
    for path in (Path(__file__), Path(torch.__file__)):
        assert path.name.encode() not in content
        assert str(path.parent).encode() not in content
