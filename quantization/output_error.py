"""What int8 costs a network's output: 1 - cosine of an embedding, relative squared error of a reconstruction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.interpret_int8 import run_int8
from quantization.sqnr import quantize_inputs

Runs = Sequence[Mapping[str, NDArray[np.float32]]]  # the network's inputs, one clip each
COSINE, SQUARED = "1 - cosine", "relative squared error"


@dataclass(frozen=True)
class OutputError:
    """Over some clips; 0 is without loss."""

    mean: float
    worst: float


def error_measure(graph: Graph) -> str:
    """SQUARED where the network gives back as many values as it reads, which a score then subtracts; else COSINE."""
    (output,) = graph.outputs
    sizes = [int(np.prod(graph.tensors[name].shape)) for name in (*graph.inputs, output)]
    return SQUARED if len(sizes) == 2 and sizes[0] == sizes[1] else COSINE


def float_outputs(graph: Graph, runs: Runs) -> list[NDArray[np.float64]]:
    """The network's one output for each run, flat."""
    (output,) = graph.outputs
    return [run_float(graph, inputs)[output].ravel().astype(np.float64) for inputs in runs]


def output_error(expected: Sequence[NDArray[np.float64]], int8_graph: Graph, runs: Runs) -> OutputError:
    """Of the int8 network's output, against what the float network gives for the same runs."""
    (output,) = int8_graph.outputs
    codes = (run_int8(int8_graph, quantize_inputs(int8_graph, inputs))[output] for inputs in runs)
    errors = errors_of_codes(expected, int8_graph, codes)
    return OutputError(float(np.mean(errors)), float(np.max(errors)))


def errors_of_codes(
    expected: Sequence[NDArray[np.float64]], int8_graph: Graph, codes: Iterable[NDArray[np.int8]]
) -> list[float]:
    """Of each run, from the codes that the int8 network gives at its output."""
    (output,) = int8_graph.outputs
    quantization = int8_graph.tensors[output].quantization
    assert quantization is not None, f"{output} has no scale"
    one_error = _squared if error_measure(int8_graph) == SQUARED else _angle
    return [
        one_error(exact, (found.ravel().astype(np.float64) - quantization.zero_point[0]) * quantization.scale[0])
        for exact, found in zip(expected, codes, strict=True)
    ]


def _angle(exact: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """1 - cosine; 1 where one of the two is zero and the other isn't."""
    norms = float(np.linalg.norm(exact) * np.linalg.norm(found))
    return 1 - float(exact @ found) / norms if norms > 0 else float(bool(exact.any() or found.any()))


def _squared(exact: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """|found - exact|^2 / |exact|^2; an output of zeros counts as one of length 1."""
    return float(np.square(found - exact).sum()) / (float(np.square(exact).sum()) or 1.0)
