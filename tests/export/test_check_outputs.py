"""check_equal and the weights it runs on: visible differences are refused, and equal constants can't hide a mistake."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from asd_edge.errors import GraphError
from asd_edge.export.check_outputs import check_equal
from asd_edge.export.distinct_onnx import write_with_distinct_constants
from asd_edge.export.distinct_torch import with_distinct_constants
from asd_edge.graph.export_onnx import export_onnx
from asd_edge.graph.graph import Graph, Tensor
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import PRelu
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.network import build_network
from tests.backends.tiny_detector import FRONTEND, TINY
from tests.graph.onnx_files import Constants, write_onnx

SHAPES: dict[str, tuple[int, ...]] = {"log_mel": (1, 1, 32, 63), "wavegram_fir": (1, 1, 1, 63)}


def examples(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    log_mel = 10.0 * torch.randn((n, 1, 32, 63), generator=generator) - 40.0
    return log_mel, torch.randn((n, 1, 1, 63), generator=generator).abs()


@pytest.mark.parametrize(
    ("expected", "found", "is_of_order_one", "equal"),
    [
        ([1.0, 0.5], [1.00009, 0.5], True, True),
        ([1.0, 0.5], [1.00011, 0.5], True, False),
        ([50.0, 0.5], [50.0, 0.504], True, False),
        ([50.0, 0.5], [50.0, 0.504], False, True),
        ([50.0, 0.5], [50.0, 0.506], False, False),
        ([0.1, 0.5], [0.1, 0.50009], False, True),
        ([1.0, 0.5], [1.0, np.nan], False, False),
        ([1.0, 0.5], [np.inf, 0.5], True, False),
    ],
)
def test_difference_is_held_to_its_limit(
    expected: list[float], found: list[float], is_of_order_one: bool, equal: bool
) -> None:
    runs = [np.array(expected, np.float32)], [np.array(found, np.float32)]
    if equal:
        difference = check_equal("a against b", *runs, is_of_order_one)
        assert difference.max_abs_difference == pytest.approx(np.abs(np.subtract(expected, found)).max(), abs=1e-6)
        assert (difference.output_peak, difference.n_runs) == (max(expected), 1)
    else:
        with pytest.raises(GraphError, match="a against b: outputs differ by"):
            check_equal("a against b", *runs, is_of_order_one)


def test_the_greatest_difference_of_all_runs_counts() -> None:
    zeros = np.zeros(3, np.float32)
    with pytest.raises(GraphError, match=r"differ by 0\.25 \(limit 0\.0001\)"):
        check_equal("a against b", [zeros] * 4, [zeros, zeros + 1e-6, zeros - 0.25, zeros], is_of_order_one=True)


@pytest.mark.parametrize("architecture", ["detector", "autoencoder"])
def test_distinct_constants_all_differ_and_keep_outputs_of_order_one(architecture: str) -> None:
    torch.manual_seed(0)
    is_detector = architecture == "detector"
    network: nn.Module = build_network(TINY, FRONTEND, 3) if is_detector else build_autoencoder(FRONTEND)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs = examples(5) if is_detector else (10.0 * torch.randn((40, 160)) - 40.0,)
    distinct = with_distinct_constants(network, inputs)
    in_frontend = ("log_mel", "wavegram.dwconv")
    for name, tensor in distinct.state_dict().items():
        if tensor.ndim == 1 and not name.startswith(in_frontend):
            assert len(set(tensor.tolist())) == len(tensor), name
    embed = distinct.embed
    assert callable(embed)
    with torch.no_grad():
        outputs = embed(*inputs)
    assert not distinct.training
    assert 0.3 < float(outputs.std()) < 5.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_slopes_on_the_wrong_channels_are_noticed_although_fresh_ones_hide_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    fresh = build_network(TINY, FRONTEND, 3).eval()
    inputs = examples(5)
    noticed: list[bool] = []
    for name, network in (("fresh", fresh), ("distinct", with_distinct_constants(fresh, inputs))):
        path = tmp_path / f"{name}.onnx"
        export_onnx(network, SHAPES, "embedding", path)
        graph = run_float_passes(import_onnx(path, 63))
        log_mel, frames = (tensor[:1] for tensor in inputs)
        run = {"log_mel": log_mel.numpy().transpose(0, 3, 2, 1), "wavegram_fir": frames.numpy().transpose(0, 3, 2, 1)}
        embed = network.embed
        assert callable(embed)
        with torch.no_grad():
            expected = embed(log_mel, frames).numpy().reshape(-1)
        right, wrong = (run_float(g, run)["embedding"].reshape(-1) for g in (graph, with_slopes_turned(graph)))
        check_equal(name, [expected], [right], is_of_order_one=True)
        try:
            check_equal(name, [expected], [wrong], is_of_order_one=True)
            noticed.append(False)
        except GraphError:
            noticed.append(True)
    assert noticed == [False, True]


def with_slopes_turned(graph: Graph) -> Graph:
    """The first PReLU's slopes, each given to the next channel."""
    op = next(op for op in graph.ops if isinstance(op, PRelu))
    slopes: Tensor = graph.tensors[op.inputs[1]]
    assert slopes.values is not None
    turned = replace(slopes, values=np.roll(slopes.values, 1))
    return replace(graph, tensors={**graph.tensors, slopes.name: turned})


def test_onnx_constants_all_change_but_single_numbers(tmp_path: Path) -> None:
    constants: Constants = {
        "w": np.ones((4, 1, 3, 3), np.float32),
        "slope": np.full((4, 1, 1), 0.25, np.float32),
        "low": np.array(0, np.float32),
        "high": np.array(6, np.float32),
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        "a = Conv(log_mel, w)",
        "b = PRelu(a, slope)",
        "c = Clip(b, low, high)",
        "y = ReduceMean(c, axes)",
    ]
    source = write_onnx(tmp_path / "a.onnx", nodes, {"log_mel": (1, 1, 8, 9)}, constants)
    write_with_distinct_constants(source, tmp_path / "b.onnx")
    changed = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "b.onnx").graph.initializer}
    for name in ("low", "high", "axes"):
        np.testing.assert_array_equal(changed[name], constants[name])
    for name in ("w", "slope"):
        ratios = changed[name] / constants[name]
        assert len(np.unique(ratios)) == ratios.size
        assert 0.75 <= ratios.min() <= ratios.max() <= 1.25
