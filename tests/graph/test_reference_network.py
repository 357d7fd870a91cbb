"""Whole networks whose per-channel constants all differ: torch == onnxruntime == run_float, and after the passes."""

from pathlib import Path

import numpy as np
import pytest

from asd_edge.frontend.config import FrontendConfig
from asd_edge.graph.export_onnx import export_onnx
from asd_edge.graph.graph import Graph
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Affine, Conv2D, DepthwiseConv2D, Pad, Padding, Relu, Reshape
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.config import AUTOENCODER, LOG_MEL, WAVEGRAM, ModelConfig
from tests.graph.networks import SHORT, distinct_network, input_shapes, random_features, run_torch
from tests.graph.onnx_files import run_onnx, to_graph_layout

REFERENCE = ModelConfig(width=0.25)
ABLATIONS = {
    "log-Mel only, no attention": ModelConfig(width=0.25, features=LOG_MEL, attention=False),
    "Wavegram only, full convolutions in attention, 40-d embedding": ModelConfig(
        width=0.25, features=WAVEGRAM, separable_attention=False, embedding_size=40
    ),
    "autoencoder": ModelConfig(architecture=AUTOENCODER),
}


def assert_all_equal(config: ModelConfig, frontend: FrontendConfig, path: Path) -> Graph:
    """The graph after the passes, after three inputs were the same to 1e-4 (of the peak, where that is above 1)."""
    network, shapes = distinct_network(config, frontend), input_shapes(config, frontend)
    export_onnx(network, shapes, "embedding", path)
    imported = import_onnx(path, frontend.n_frames)
    graph = run_float_passes(imported)
    for seed in range(3):
        features = random_features(shapes, seed)
        inputs = {name: to_graph_layout(values, True) for name, values in features.items()}
        expected = run_torch(network, features)
        found = {
            "onnxruntime": run_onnx(path, features),
            "imported": run_float(imported, inputs)["embedding"],
            "after the passes": run_float(graph, inputs)["embedding"],
        }
        tolerance = 1e-4 * max(1.0, float(np.abs(expected).max()))
        assert float(np.ptp(expected)) > 0.1  # a dead network would prove nothing
        for runtime, values in found.items():
            np.testing.assert_allclose(values.reshape(-1), expected, rtol=0, atol=tolerance, err_msg=runtime)
    return graph


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The reference network at a quarter of its width on the reference front end, proven equal to torch."""
    return assert_all_equal(REFERENCE, FrontendConfig(), tmp_path_factory.mktemp("reference") / "model.onnx")


def test_reference_network_has_a_pad_for_the_four_stride_2_convolutions_alone(reference: Graph) -> None:
    convolutions = [op for op in reference.ops if isinstance(op, Conv2D | DepthwiseConv2D)]
    strided = [op.output for op in convolutions if op.stride == (2, 2)]
    pads = [op for op in reference.ops if isinstance(op, Pad)]
    assert strided == [
        "classifier.conv1.conv",
        "classifier.blocks.0.conv.3",
        "classifier.blocks.2.conv.3",
        "classifier.blocks.4.conv.3",
    ]
    assert [reference.consumers(op.output)[0].output for op in pads] == strided
    # mel is even throughout; time is odd until 40 -> 20
    assert [op.padding for op in pads] == [Padding(1, 1, 1, 0)] * 3 + [Padding(1, 0, 1, 0)]
    assert [reference.tensors[op.inputs[0]].shape[1:3] for op in pads] == [(313, 128), (157, 64), (79, 32), (40, 16)]


def test_reference_network_keeps_batch_norm_after_relu_as_1x1_depthwise(reference: Graph) -> None:
    assert not [op for op in reference.ops if isinstance(op, Affine | Relu)]
    pointwise = [
        op.output
        for op in reference.ops
        if isinstance(op, DepthwiseConv2D) and reference.tensors[op.inputs[1]].shape[:3] == (1, 1, 1)
    ]
    # attention.1 and .4 are the batch norms between a block's ReLU and the ELU; attention.6 is itself a 1x1 block
    assert pointwise == ["attention.1", "attention.4", "attention.6.dwconv"]


def test_reference_network_moves_no_values(reference: Graph) -> None:
    reshapes = [op for op in reference.ops if isinstance(op, Reshape)]
    assert [reference.tensors[name].shape for op in reshapes for name in (*op.inputs, op.output)] == [
        (1, 313, 1, 128),  # the Wavegram's bands as channels
        (1, 313, 128, 1),
    ]


def test_reference_network_names_its_tensors_after_its_layers(reference: Graph) -> None:
    names = [op.output for op in reference.ops]
    assert {"wavegram.pwconv", "attention.7.sigmoid", "classifier.conv1.prelu", "classifier.linear7.conv"} <= set(names)
    assert names[-1] == "embedding"


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablation_equals_torch(name: str, tmp_path: Path) -> None:
    assert_all_equal(ABLATIONS[name], SHORT, tmp_path / "model.onnx")
