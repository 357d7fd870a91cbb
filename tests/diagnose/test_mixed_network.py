"""Any layers in int8: all of them are the int8 network, none the float one, and a reused prefix changes nothing."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from asd_edge.diagnose.mixed_network import MixedNetwork, Values
from asd_edge.errors import GraphError, QuantizationError
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Activation
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.interpret_int8 import run_int8
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from quantization.sqnr import quantize_inputs
from tests.diagnose.planted import quantized, tower
from tests.graph.small_graphs import GraphBuilder, float_graphs, random_inputs

NOTHING: frozenset[str] = frozenset()


def mixed(graph: Graph) -> MixedNetwork:
    runs = [random_inputs(graph, seed) for seed in range(3)]
    return MixedNetwork(graph, quantize_graph(graph, ranges_of(calibrate(graph, runs, len(runs)))))


def every_operator() -> Graph:
    """Each operator that rounds and each that copies codes."""
    build = GraphBuilder(np.random.default_rng(5), log_mel=(1, 13, 10, 2), wavegram_fir=(1, 13, 10, 2))
    x = build.concat(["log_mel", "wavegram_fir"])
    x = build.prelu(build.conv(x, 6, (3, 3), (2, 2), activation=Activation.RELU6))
    y = build.unary("elu", build.conv(x, 6))
    z = build.unary("logistic", build.depthwise(x))
    x = build.pool(build.add(build.mul(y, z), x, Activation.RELU), (2, 2), (2, 1))
    x = build.pool(x, (2, 2), (1, 1), largest=True)
    x = build.maximum(build.leaky_relu(x, 0.125), x)
    y = build.mean(build.unary("tanh", build.conv(x, 5)), (1, 2))
    x = build.unary("requantize", build.fully_connected(x, 5))
    return run_float_passes(build.graph(build.softmax(build.add(x, y))))


def assert_same(found: Values, wanted: Values) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(graph=float_graphs(), seed=st.integers(0, 2**32 - 1))
def test_all_layers_in_int8_are_the_int8_network_and_none_the_float_one(graph: Graph, seed: int) -> None:
    passed = run_float_passes(graph)
    try:
        network = mixed(passed)
    except QuantizationError:
        assume(False)
    inputs = random_inputs(passed, seed)
    assert_same(network.run(inputs, NOTHING), run_float(passed, inputs))
    codes = run_int8(network.int8_graph, quantize_inputs(network.int8_graph, inputs))
    assert_same(network.run(inputs, frozenset(network.layers)), codes)


@pytest.mark.parametrize("graph", [tower(), every_operator()], ids=["tower", "every operator"])
def test_a_reused_prefix_gives_what_a_whole_run_gives(graph: Graph) -> None:
    network, inputs = mixed(graph), random_inputs(graph, 11)
    every = frozenset(network.layers)
    in_float, in_int8 = network.run(inputs, NOTHING), network.run(inputs, every)
    for layer in network.layers:
        alone = frozenset((layer,))
        for before, layers in ((in_float, alone), (in_int8, every - alone)):
            assert_same(network.rerun(inputs, before, layers, layer), network.run(inputs, layers))


def test_a_layer_that_reads_floats_on_the_grid_is_within_one_code_of_its_integers() -> None:
    for graph in (tower(), every_operator()):
        network, inputs = mixed(graph), random_inputs(graph, 12)
        codes = network.run(inputs, frozenset(network.layers))
        for layer in network.layers:
            rounded = network.codes(layer, network.unrounded(layer, codes))
            difference = np.abs(rounded.astype(np.int16) - codes[layer].astype(np.int16))
            assert difference.max() <= 1, layer


def test_a_layer_alone_rounds_its_own_output_and_nothing_else() -> None:
    graph = tower()
    network, inputs = MixedNetwork(graph, quantized(graph)), random_inputs(graph, 13)
    exact = network.run(inputs, NOTHING)
    for layer in network.layers:
        values = network.rerun(inputs, exact, frozenset((layer,)), layer)
        in_int8 = {name for name, value in values.items() if value.dtype == np.int8}
        assert layer in in_int8
        assert in_int8.isdisjoint(set(network.layers) - {layer}), "copies of its codes at most"
        np.testing.assert_array_equal(values[layer], network.codes(layer, network.unrounded(layer, exact)))


def test_what_copies_codes_is_no_layer() -> None:
    network = mixed(every_operator())
    copies = {op.output for op in network.float_graph.ops if type(op).__name__ in ("Concat", "MaxPool2D", "Maximum")}
    assert len(copies) == 3
    assert copies.isdisjoint(network.layers)
    assert set(network.layers) | copies == set(network.float_graph.activations())


def test_graphs_of_two_networks_are_refused() -> None:
    with pytest.raises(GraphError, match="differ in their operators; run asd-edge export again"):
        MixedNetwork(tower(), quantized(every_operator()))
