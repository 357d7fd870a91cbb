"""Small int8 Graphs for tests: every operator once, or one chain, quantized over random inputs."""

import numpy as np

from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph
from tests.graph.small_graphs import GraphBuilder, random_inputs

N_CALIBRATION = 3


def quantized(graph: Graph) -> Graph:
    """The int8 form of a float graph, calibrated on standard normal inputs."""
    passed = run_float_passes(graph)
    runs = [random_inputs(passed, seed) for seed in range(N_CALIBRATION)]
    return quantize_graph(passed, ranges_of(calibrate(passed, runs, len(runs))))


def every_operator() -> Graph:
    """One int8 graph with each operator, each padding, each fused activation and two inputs."""
    builder = GraphBuilder(np.random.default_rng(5), log_mel=(1, 13, 10, 2), wavegram_fir=(1, 13, 10, 2))
    x = builder.concat(["log_mel", "wavegram_fir"])
    x = builder.conv(x, 6, (3, 3), (2, 2), Padding(1, 1, 1, 1), Activation.RELU6)  # mel is even: a Pad
    x = builder.depthwise(x, (3, 3), (1, 1), Padding(1, 1, 1, 1))  # SAME
    x = builder.prelu(x)
    y = builder.unary("elu", builder.conv(x, 6, (1, 1)))
    z = builder.unary("logistic", builder.depthwise(x, (1, 1), activation=Activation.RELU))
    x = builder.add(builder.mul(y, z), x, Activation.RELU)
    x = builder.pool(x, (2, 2), (2, 1))
    x = builder.pool(x, (2, 2), (1, 1), largest=True)
    x = builder.reshape(x, (1, builder.shape(x)[2], builder.shape(x)[1], 6))
    x = builder.maximum(builder.leaky_relu(x, 0.125), x)
    y = builder.mean(builder.unary("tanh", builder.conv(x, 5)), (1, 2))
    x = builder.unary("requantize", builder.fully_connected(x, 5, Activation.RELU))
    return quantized(builder.graph(builder.softmax(builder.add(x, y))))
