"""Signal-to-quantization-noise ratio of every activation: where between float and int8 the signal is lost."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.quantize_input import quantize_input
from asd_edge.graph.graph import Graph, Quantization
from asd_edge.graph.interpret_float import run_float
from quantization.interpret_int8 import run_int8


def quantize_inputs(graph: Graph, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.int8]]:
    """The int8 codes of the graph's inputs."""
    return {
        name: quantize_input(inputs[name], _of(graph, name).scale[0], int(_of(graph, name).zero_point[0]))
        for name in graph.inputs
    }


def _of(graph: Graph, name: str) -> Quantization:
    quantization = graph.tensors[name].quantization
    assert quantization is not None, f"{name} has no scale"
    return quantization


def sqnr_db(
    float_graph: Graph, int8_graph: Graph, clips: Iterable[Mapping[str, NDArray[np.float32]]]
) -> dict[str, float]:
    """10*log10(sum x^2 / sum (x - scale*(q - zero_point))^2) per activation, over all clips, in execution order.

    Infinite where int8 is exact, minus infinite where the signal is zero and int8 isn't.
    """
    signal: dict[str, float] = {}
    noise: dict[str, float] = {}
    for inputs in clips:
        exact = run_float(float_graph, inputs)
        codes = run_int8(int8_graph, quantize_inputs(int8_graph, inputs))
        for name, x in exact.items():
            quantization = _of(int8_graph, name)
            approximate = (codes[name].astype(np.float32) - quantization.zero_point[0]) * quantization.scale[0]
            signal[name] = signal.get(name, 0.0) + float(np.square(x, dtype=np.float64).sum())
            noise[name] = noise.get(name, 0.0) + float(np.square(x - approximate, dtype=np.float64).sum())
    return {name: _ratio_db(signal[name], noise[name]) for name in signal}


def _ratio_db(signal: float, noise: float) -> float:
    if noise == 0:
        return float("inf")
    return 10 * math.log10(signal / noise) if signal > 0 else -float("inf")
