"""Rounds each weight up or down as its layer's outputs ask for, in place of to the nearest code (AdaRound).

Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization". A layer's weights are s (floor(w / s)
+ h) with h 0 or 1. Its sums over the codes that it will meet, behind layers that are rounded already, are held to its
float sums over float inputs. With X the input codes at sampled positions and R what the floors leave of the float sums,
both less their means, the error of one output is

    |X h - R|^2 = h' A h - 2 h' B + constant        A = X' X, B = X' R

which is the paper's quadratic problem over all samples at once, relaxed as there: h = 1.2 sigmoid(v) - 0.1, clamped to
[0, 1], Adam, and a regularizer 1 - |2 h - 1|^beta that drives h to 0 or 1 as beta falls. At the end each h is turned
whose turning alone lowers the error. The bias takes up the means; it can do so alone, with the weights as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph, Tensor
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import DepthwiseConv2D, FullyConnected, Op
from asd_edge.graph.windows import pad_time_mel
from quantization.check_accumulators import check_accumulators
from quantization.factors import WeightedSum, quantization_of, scale_and_zero_point
from quantization.interpret_int8 import run_int8
from quantization.recipe import CorrectBiasesInOrder, RoundWeights
from quantization.sqnr import quantize_inputs

Settings = CorrectBiasesInOrder | RoundWeights
Run = Mapping[str, NDArray[np.float32]]
FloatArray = NDArray[np.floating]
Number = TypeVar("Number", bound=np.generic)
Codes = dict[str, list[NDArray[np.int8]]]  # activation -> one array per run
_GREATEST_CODE = 127
_FIRST_BETA, _LAST_BETA, _WARM_UP = 20.0, 2.0, 0.2  # the regularizer waits for a fifth of the iterations
_STRETCH, _SHIFT = 1.2, 0.1  # the rectified sigmoid's zeta - gamma and -gamma
_LEARNING_RATE = 0.05
_PULL = 10.0  # of the regularizer on one output, in units of what independent roundings cost it


def round_weights(
    float_graph: Graph,
    int8_graph: Graph,
    runs: Sequence[Run],
    settings: Settings,
    on_progress: ProgressFn = ignore_progress,
) -> Graph:
    """The int8 graph with other codes in biases and, by RoundWeights, in weights, under the scales that it has.

    `int8_graph` has the float graph's operators; `runs` are inputs of normal clips. Raises QuantizationError without
    any, GraphError where an accumulator could overflow.
    """
    if not runs:
        raise QuantizationError("no calibration clip to round weights by; give a folder with normal clips")
    runs = runs[:: -(-len(runs) // settings.n_clips)]
    wanted = _float_sums(float_graph, runs, settings)
    coded = [quantize_inputs(int8_graph, run) for run in runs]
    codes: Codes = {name: [inputs[name] for inputs in coded] for name in int8_graph.inputs}
    for index, op in enumerate(int8_graph.ops):
        if isinstance(op, WeightedSum):
            _, zero_point = scale_and_zero_point(int8_graph, op.inputs[0])
            drawn = [_positions(int8_graph, op, settings, (index, run_index)) for run_index in range(len(runs))]
            windows = [
                _windows(int8_graph, op, x, zero_point, positions)
                for x, positions in zip(codes[op.inputs[0]], drawn, strict=True)
            ]
            inputs = np.concatenate(windows, axis=1).astype(np.float32) - np.float32(zero_point)
            sums = np.concatenate(wanted.pop(op.output), axis=1)
            rounded = _rounded(float_graph, int8_graph, op, inputs, sums, settings)
            int8_graph = replace(int8_graph, tensors={**int8_graph.tensors, **rounded})
        codes[op.output] = _run_layer(int8_graph, op, codes)
        read_later = {name for later in int8_graph.ops[index + 1 :] for name in later.inputs}
        codes = {name: values for name, values in codes.items() if name in read_later}
        on_progress(index + 1, len(int8_graph.ops))
    check_accumulators(int8_graph)
    return int8_graph


def _run_layer(graph: Graph, op: Op, codes: Codes) -> list[NDArray[np.int8]]:
    """One operator's output of every run."""
    inputs = tuple(dict.fromkeys(name for name in op.inputs if name in codes))
    layer = Graph(graph.tensors, (op,), inputs, (op.output,))
    by_run = zip(*(codes[name] for name in inputs), strict=True)
    return [run_int8(layer, dict(zip(inputs, values, strict=True)))[op.output] for values in by_run]


def _float_sums(graph: Graph, runs: Sequence[Run], settings: Settings) -> dict[str, list[FloatArray]]:
    """Each weighted layer's float sums without activation: output -> (n_groups, n_positions, n_outputs) per run."""
    sums: dict[str, list[FloatArray]] = {op.output: [] for op in graph.ops if isinstance(op, WeightedSum)}
    for run_index, run in enumerate(runs):
        activations = run_float(graph, run)
        for index, op in enumerate(graph.ops):
            if isinstance(op, WeightedSum):
                positions = _positions(graph, op, settings, (index, run_index))
                windows = _windows(graph, op, activations[op.inputs[0]], 0, positions)
                weights, bias = (graph.values(name).astype(np.float32) for name in op.inputs[1:])
                grouped = _grouped(op, weights)
                sums[op.output].append(windows @ grouped.swapaxes(1, 2) + bias.reshape(len(grouped), 1, -1))
    return sums


def _positions(graph: Graph, op: WeightedSum, settings: Settings, place: tuple[int, int]) -> NDArray[np.int64]:
    """Output positions of one layer and one run, drawn from the seed; all of them where there are no more."""
    _, time, mel, _ = graph.tensors[op.output].shape
    return np.random.default_rng([settings.seed, *place]).permutation(time * mel)[: settings.positions]


def _windows(
    graph: Graph, op: WeightedSum, x: NDArray[Number], zero: int, positions: NDArray[np.int64]
) -> NDArray[Number]:
    """What a layer's weights meet at these output positions: (n_groups, n_positions, n_taps), taps as `_grouped`."""
    if isinstance(op, FullyConnected):
        return x.reshape(1, 1, -1)
    padded = pad_time_mel(x, op.padding, zero)[0]
    _, kernel_time, kernel_mel, _ = graph.tensors[op.inputs[1]].shape
    time, mel = np.divmod(positions, graph.tensors[op.output].shape[2])
    rows = (time * op.stride[0])[:, None, None] + np.arange(kernel_time)[:, None]
    columns = (mel * op.stride[1])[:, None, None] + np.arange(kernel_mel)
    windows = padded[rows, columns]  # (n_positions, kernel_time, kernel_mel, channels)
    if isinstance(op, DepthwiseConv2D):
        by_channel: NDArray[Number] = windows.reshape(len(positions), -1, windows.shape[3]).transpose(2, 0, 1)
        return by_channel
    as_rows: NDArray[Number] = windows.reshape(1, len(positions), -1)
    return as_rows


def _grouped(op: WeightedSum, weights: NDArray[Number]) -> NDArray[Number]:
    """(n_groups, n_outputs, n_taps): outputs of a group meet the same inputs; each depthwise channel is a group."""
    if isinstance(op, DepthwiseConv2D):
        return weights.reshape(-1, weights.shape[3]).T[:, None]
    return weights.reshape(1, len(weights), -1)


def _ungrouped(op: WeightedSum, weights: NDArray[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    return (weights[:, 0].T if isinstance(op, DepthwiseConv2D) else weights).reshape(shape)


def _rounded(
    float_graph: Graph,
    int8_graph: Graph,
    op: WeightedSum,
    inputs: NDArray[np.float32],
    sums: FloatArray,
    settings: Settings,
) -> dict[str, Tensor]:
    """A layer's new weights and bias: inputs (n_groups, n, n_taps) in codes, float sums (n_groups, n, n_outputs)."""
    weights, bias = (int8_graph.tensors[name] for name in op.inputs[1:])
    input_scale, _ = scale_and_zero_point(int8_graph, op.inputs[0])
    scale = np.broadcast_to(quantization_of(int8_graph, weights.name).scale.astype(np.float64), bias.shape)
    scale = scale.reshape(len(inputs), -1, 1)  # as the weights are grouped
    wanted = sums.astype(np.float64) / (float(input_scale) * scale.swapaxes(1, 2))  # in codes of the accumulator
    codes = _grouped(op, int8_graph.values(weights.name).astype(np.float64))
    if isinstance(settings, RoundWeights):
        exact = _grouped(op, float_graph.values(weights.name).astype(np.float64)) / scale
        codes = _learned_codes(exact, inputs, wanted, settings)
    bias_codes = wanted.mean(axis=1) - (inputs.mean(axis=1, dtype=np.float64)[:, None] @ codes.swapaxes(1, 2))[:, 0]
    return {
        weights.name: replace(weights, values=_ungrouped(op, codes, weights.shape).astype(np.int8)),
        bias.name: replace(bias, values=np.rint(bias_codes).reshape(-1).astype(np.int32)),
    }


def _learned_codes(
    exact: NDArray[np.float64], inputs: NDArray[np.float32], wanted: NDArray[np.float64], settings: RoundWeights
) -> NDArray[np.float64]:
    """The weights in codes (n_groups, n_outputs, n_taps), rounded."""
    _, n_samples, n_taps = inputs.shape
    floors = np.floor(exact)
    centred = inputs - inputs.mean(axis=1, keepdims=True, dtype=np.float64)
    left = wanted - wanted.mean(axis=1, keepdims=True) - centred @ floors.swapaxes(1, 2)
    problem = _Problem(
        _as_tensor(centred.swapaxes(1, 2) @ centred / n_samples),
        _as_tensor(left.swapaxes(1, 2) @ centred / n_samples),
        _as_tensor(exact - floors),
    )
    ups = _round_up(problem.shrunk(n_taps / n_samples), settings.iterations)
    return np.clip(floors + ups, -_GREATEST_CODE, _GREATEST_CODE)


def _as_tensor(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


@dataclass(frozen=True)
class _Problem:
    """h' A h - 2 h' B for each output of each group."""

    products: torch.Tensor  # A (n_groups, n_taps, n_taps)
    remainders: torch.Tensor  # B (n_groups, n_outputs, n_taps)
    fractions: torch.Tensor  # w / s - floor(w / s) (n_groups, n_outputs, n_taps)

    def shrunk(self, share: float) -> "_Problem":
        """With share * A_kk (h_k - fraction_k)^2 added: fewer samples than taps say little of other clips."""
        diagonal = self.products.diagonal(dim1=1, dim2=2)
        return replace(
            self,
            products=self.products + share * torch.diag_embed(diagonal),
            remainders=self.remainders + share * diagonal[:, None] * self.fractions,
        )


def _round_up(problem: _Problem, iterations: int) -> NDArray[np.float64]:
    """h (n_groups, n_outputs, n_taps), zeros and ones."""
    # what independent roundings would cost each output: the unit of the loss, so that one regularizer fits all layers
    unit = problem.products.diagonal(dim1=1, dim2=2).sum(dim=1).clamp_min(1e-30)[:, None, None] / 12
    n_taps = problem.products.shape[-1]
    v = torch.logit((problem.fractions + _SHIFT) / _STRETCH).requires_grad_()
    optimizer = torch.optim.Adam([v], lr=_LEARNING_RATE)
    for iteration in range(iterations):
        h = (_STRETCH * torch.sigmoid(v) - _SHIFT).clamp(0.0, 1.0)
        loss = (h * ((h @ problem.products - 2 * problem.remainders) / unit)).sum()
        progress = (iteration / iterations - _WARM_UP) / (1 - _WARM_UP)
        if progress > 0:
            beta = _LAST_BETA + (_FIRST_BETA - _LAST_BETA) * (1 + np.cos(np.pi * progress)) / 2
            loss = loss + _PULL / n_taps * (1 - (2 * h - 1).abs().pow(beta)).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return _descended(problem, (v.detach() > 0).float(), 1e-6 * unit).double().numpy()


def _descended(problem: _Problem, h: torch.Tensor, least_gain: torch.Tensor) -> torch.Tensor:
    """h with those turned, one of each output at a time, whose turning lowers the error most, until none does."""
    n_taps = h.shape[2]
    diagonal = problem.products.diagonal(dim1=1, dim2=2)[:, None]
    gradient = 2 * (h @ problem.products - problem.remainders)
    for _ in range(n_taps):
        change = (1 - 2 * h) * gradient + diagonal  # of the error, if this one alone is turned
        least, index = change.min(dim=2, keepdim=True)
        step = torch.where(least < -least_gain, (1 - 2 * h).gather(2, index), 0.0)
        if not step.any():
            break
        h = h.scatter_add(2, index, step)
        gradient = gradient + 2 * step * problem.products.gather(1, index.expand(-1, -1, n_taps))
    return h
