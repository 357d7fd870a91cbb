"""The torch form of a Graph is the float interpreter without rounding, and the int8 interpreter's neighbour with it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from asd_edge.graph.graph import Graph, float_weight
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Padding
from asd_edge.graph.passes import run_float_passes
from quantization.factors import scale_and_zero_point
from quantization.fake_quantize import batch, fake_quantized, real_constants, run_torch
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs
from tests.export.int8_graphs import every_operator
from tests.graph.small_graphs import FloatArray, GraphBuilder, float_graphs, random_inputs

N_RUNS = 3


def runs_of(graph: Graph) -> list[dict[str, FloatArray]]:
    return [random_inputs(graph, seed) for seed in range(N_RUNS)]


def check_equals_float(graph: Graph) -> None:
    runs = runs_of(graph)
    found = run_torch(graph, real_constants(graph), {name: batch(runs, name) for name in graph.inputs})
    for index, run in enumerate(runs):
        for name, expected in run_float(graph, run).items():
            np.testing.assert_allclose(found[name][index].numpy(), expected[0], rtol=1e-4, atol=1e-4, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(float_graphs())
def test_without_rounding_it_equals_the_float_interpreter(graph: Graph) -> None:
    check_equals_float(graph)
    check_equals_float(run_float_passes(graph))


def test_several_clips_of_one_channel_are_convolved_alike() -> None:
    """Where torch's convolution goes wrong if it is given them as it gets channels last elsewhere."""
    build = GraphBuilder(np.random.default_rng(1), x=(1, 5, 2, 1))
    check_equals_float(build.graph(build.depthwise("x", (4, 2), (1, 2), Padding(mel_after=1))))
    build = GraphBuilder(np.random.default_rng(1), x=(1, 6, 2, 1))
    check_equals_float(build.graph(build.conv("x", 1, (4, 2), (1, 3), Padding(mel_after=1))))


def test_without_rounding_every_operator_equals_the_float_interpreter() -> None:
    int8_graph = every_operator()
    weights = {name: float_weight(name, values.numpy()) for name, values in real_constants(int8_graph).items()}
    check_equals_float(Graph({**int8_graph.tensors, **weights}, int8_graph.ops, int8_graph.inputs, int8_graph.outputs))


def test_with_rounding_no_operator_is_more_than_a_code_away_from_int8() -> None:
    graph = every_operator()
    constants, rounding = real_constants(graph), fake_quantized(graph)
    n_values = n_different = 0
    for run in runs_of(graph):
        codes = run_int8(graph, quantize_inputs(graph, run))
        for op in graph.ops:
            inputs = tuple(dict.fromkeys(name for name in op.inputs if name in codes))
            layer = Graph(graph.tensors, (op,), inputs, (op.output,))
            reals = {name: torch.from_numpy(real_values(graph, name, codes[name])) for name in inputs}
            found = to_codes(graph, op.output, run_torch(layer, constants, reals, rounding)[op.output].numpy())
            difference = np.abs(found - codes[op.output].astype(np.int64))
            assert difference.max() <= 1, f"{type(op).__name__} {op.output}"
            n_values += difference.size
            n_different += int(np.count_nonzero(difference))
    assert n_different < 0.01 * n_values, "only ties differ"


def test_rounded_activations_stay_near_int8_through_a_network() -> None:
    """Codes that differ by one spread: to three at most, a tenth of a code in the mean over all activations."""
    graph = every_operator()
    runs = runs_of(graph)
    inputs = {name: batch(runs, name) for name in graph.inputs}
    found = run_torch(graph, real_constants(graph), inputs, fake_quantized(graph))
    differences: list[int] = []
    for index, run in enumerate(runs):
        for name, codes in run_int8(graph, quantize_inputs(graph, run)).items():
            near = to_codes(graph, name, found[name][index : index + 1].numpy())
            differences += np.abs(near - codes.astype(np.int64)).ravel().tolist()
    assert max(differences) <= 3
    assert np.mean(differences) <= 0.1


@pytest.mark.parametrize("greatest", [0.9, 3.0])
def test_rounding_and_its_gradient_are_those_of_torch(greatest: float) -> None:
    """With and without values beyond the range of codes."""
    graph = every_operator()
    name = graph.inputs[0]
    scale, zero_point = scale_and_zero_point(graph, name)
    reach = greatest * 128 * float(scale)
    x = torch.linspace(-reach, reach, 1001).reshape(1, 1, 1001, 1).requires_grad_()
    y = torch.linspace(-reach, reach, 1001).reshape(1, 1, 1001, 1).requires_grad_()
    fake_quantized(graph)(name, x).square().sum().backward()  # type: ignore[no-untyped-call]
    torch.fake_quantize_per_tensor_affine(y, float(scale), zero_point, -128, 127).square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert y.grad is not None
    assert torch.equal(x.grad, y.grad)


def real_values(graph: Graph, name: str, codes: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> FloatArray:
    scale, zero_point = scale_and_zero_point(graph, name)
    return (codes.astype(np.float32) - np.float32(zero_point)) * scale


def to_codes(graph: Graph, name: str, reals: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    scale, zero_point = scale_and_zero_point(graph, name)
    return np.asarray(np.rint(reals / scale) + zero_point, np.int64)
