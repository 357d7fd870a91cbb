"""Trains an int8 network to give the float network's output: distillation into fake quantization, without labels.

Student: the float graph's weights under the int8 graph's scales, its activations rounded as int8 rounds them
(`fake_quantize.py`). Teacher: a float graph. Loss of a clip: what int8 costs the output (`output_error.py`). All that
is trained counts in codes, weights and slopes in their own scale and biases in their output's, so that one learning
rate moves every layer alike, and a weight changes its code once it has moved far enough. Adam; the rate falls to 0
along half a cosine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import QuantizationError
from asd_edge.graph.graph import Graph, Tensor, float_weight
from asd_edge.graph.ops import PRelu
from quantization.check_accumulators import check_accumulators
from quantization.factors import WeightedSum, scale_and_zero_point
from quantization.fake_quantize import batch, fake_quantized, real_constants, run_torch
from quantization.output_error import SQUARED, error_measure
from quantization.recipe import Distil

Run = Mapping[str, NDArray[np.float32]]
_GREATEST_CODE, _GREATEST_BIAS = 127, 2**31 - 1
_NEXT_CODE = 0.49  # as far from its code as a weight starts, where that isn't the nearest one


def distil(
    float_graph: Graph,
    int8_graph: Graph,
    runs: Sequence[Run],
    settings: Distil,
    on_progress: ProgressFn = ignore_progress,
    teacher: Graph | None = None,
) -> tuple[Graph, Graph]:
    """The trained network as float graph and as int8 graph, under the scales that int8_graph has.

    `int8_graph` has the float graph's operators. The teacher is the float graph, or another one with its inputs and
    output, such as the one whose activations were lowered. Raises QuantizationError without runs and for a loss that
    is no longer finite, GraphError where an accumulator could overflow.
    """
    if not runs:
        raise QuantizationError("no clip to distil with; give a folder with normal clips")
    wanted = _outputs(teacher or float_graph, runs)
    fixed, latents = real_constants(int8_graph), _latents(float_graph, int8_graph)
    rounding = fake_quantized(int8_graph)
    error = _squared if error_measure(int8_graph) == SQUARED else _angle
    n_batches = -(-len(runs) // settings.batch_size)
    n_steps = settings.epochs * n_batches
    optimizer = torch.optim.Adam([entry.latent for entry in latents.values()], lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for step in range(n_steps):
        order = np.random.default_rng([settings.seed, step // n_batches]).permutation(len(runs))
        chosen = order[step % n_batches :: n_batches]
        inputs = _inputs(int8_graph, [runs[index] for index in chosen])
        constants = fixed | {name: entry.real() for name, entry in latents.items()}
        found = run_torch(int8_graph, constants, inputs, rounding)[int8_graph.outputs[0]].flatten(1)
        loss = error(found, wanted[chosen])
        if not torch.isfinite(loss):
            raise QuantizationError(f"the distillation's loss is no longer finite in step {step + 1}; lower its rate")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        on_progress(step + 1, n_steps)
    return _as_graphs(float_graph, int8_graph, latents)


def _angle(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean 1 - cosine over the clips."""
    return 1 - functional.cosine_similarity(found, wanted).mean()


def _squared(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean |found - wanted|^2 / |wanted|^2 over the clips."""
    return ((found - wanted).square().sum(dim=1) / wanted.square().sum(dim=1).clamp_min(1e-30)).mean()


def _inputs(graph: Graph, runs: Sequence[Run]) -> dict[str, torch.Tensor]:
    return {name: batch(runs, name) for name in graph.inputs}


@torch.no_grad()
def _outputs(graph: Graph, runs: Sequence[Run]) -> torch.Tensor:
    """The float network's output of each run: [n_runs, n_values]."""
    constants = real_constants(graph)
    outputs = [run_torch(graph, constants, _inputs(graph, [run]))[graph.outputs[0]].flatten(1) for run in runs]
    return torch.cat(outputs)


@dataclass(frozen=True)
class _Latent:
    """A tensor in training: its real values are unit * latent, rounded and clamped to codes if it `is_rounded`."""

    latent: torch.Tensor
    unit: torch.Tensor
    is_rounded: bool

    def real(self) -> torch.Tensor:
        if not self.is_rounded:
            return self.unit * self.latent
        clamped = self.latent.clamp(-_GREATEST_CODE, _GREATEST_CODE)
        return self.unit * (clamped + (clamped.round() - clamped).detach())


def _latents(float_graph: Graph, int8_graph: Graph) -> dict[str, _Latent]:
    """Weights, biases and PReLU slopes as they start: the float values as far as the int8 graph's codes allow."""
    latents: dict[str, _Latent] = {}
    for op in int8_graph.ops:
        if isinstance(op, WeightedSum | PRelu):
            codes = int8_graph.tensors[op.inputs[1]]
            unit = _scales(codes)
            exact = float_graph.values(codes.name).astype(np.float64) / unit
            held = int8_graph.values(codes.name).astype(np.float64)
            start = np.clip(exact, held - _NEXT_CODE, held + _NEXT_CODE)
            latents[codes.name] = _Latent(_trainable(start), _as_tensor(unit), is_rounded=True)
        if isinstance(op, WeightedSum):
            bias = int8_graph.tensors[op.inputs[2]]
            unit = np.array(float(scale_and_zero_point(int8_graph, op.output)[0]))
            start = int8_graph.values(bias.name).astype(np.float64) * _scales(bias) / unit
            latents[bias.name] = _Latent(_trainable(start), _as_tensor(unit), is_rounded=False)
    return latents


def _as_graphs(float_graph: Graph, int8_graph: Graph, latents: Mapping[str, _Latent]) -> tuple[Graph, Graph]:
    floats, integers = dict(float_graph.tensors), dict(int8_graph.tensors)
    for name, entry in latents.items():
        codes = int8_graph.tensors[name]
        values = entry.latent.detach().double().numpy() * entry.unit.double().numpy()
        floats[name] = float_weight(name, values)
        limit, dtype = (_GREATEST_CODE, np.int8) if entry.is_rounded else (_GREATEST_BIAS, np.int32)
        in_codes = np.clip(np.rint(values / _scales(codes)), -limit, limit)
        integers[name] = replace(codes, values=in_codes.astype(dtype))
    trained = replace(int8_graph, tensors=integers)
    check_accumulators(trained)
    return replace(float_graph, tensors=floats), trained


def _scales(tensor: Tensor) -> NDArray[np.float64]:
    """Shaped to multiply the tensor's codes, whose zero point is 0."""
    assert tensor.quantization is not None, f"{tensor.name} has no scale"
    scale, axis = tensor.quantization.scale.astype(np.float64), tensor.quantization.axis
    return scale.reshape([-1 if index == axis else 1 for index in range(len(tensor.shape))])


def _trainable(values: NDArray[np.float64]) -> torch.Tensor:
    return _as_tensor(values).requires_grad_()


def _as_tensor(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))
