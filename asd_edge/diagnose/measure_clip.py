"""One clip -> its score and output with everything in float, everything in int8, each layer alone and all but each.

What lies before a layer is computed once in float and once in int8; each of the two runs per layer takes it from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asd_edge.diagnose.layer_noise import LayerNoise, measure_noise
from asd_edge.diagnose.mixed_network import FloatArray, MixedNetwork, Value, Values
from asd_edge.errors import ClipError
from asd_edge.evaluate.agreement import row_cosines

NO_LAYER: frozenset[str] = frozenset()
ScoreFn = Callable[[FloatArray], float]


@dataclass(frozen=True)
class OpenedClip:
    """What the network reads of a clip, run by run, and what makes a score of its flat output, all runs in turn."""

    name: str
    runs: Sequence[Mapping[str, FloatArray]]
    score: ScoreFn


@dataclass(frozen=True)
class Outcome:
    """A clip in some mixture of float and int8, beside all float."""

    score: float
    cosine: float | None  # of the outputs; None where one of them is all zeros
    relative_error: float  # |output - float output| / |float output|


@dataclass(frozen=True)
class ClipOutcomes:
    """`alone`: this layer in int8, all others in float; `all_but`: this layer in float, all others in int8."""

    float_score: float
    int8: Outcome
    alone: Mapping[str, Outcome]
    all_but: Mapping[str, Outcome]
    noise: Mapping[str, LayerNoise]


class StoppedError(Exception):
    """The caller has no more use for the result."""


def measure_clip(network: MixedNetwork, clip: OpenedClip, is_stopped: Callable[[], bool]) -> ClipOutcomes:
    """Raises ClipError, naming clip and layer, where a mixture leaves an output that has no score; StoppedError as soon
    as `is_stopped`.
    """
    every_layer = frozenset(network.layers)
    outputs: dict[tuple[str, str], list[FloatArray]] = {}
    noise: dict[str, LayerNoise] = {}

    def keep(kind: str, layer: str, values: Values) -> None:
        (name,) = network.float_graph.outputs
        outputs.setdefault((kind, layer), []).append(network.real(name, values[name]).reshape(-1))

    for inputs in clip.runs:
        in_float, in_int8 = network.run(inputs, NO_LAYER), network.run(inputs, every_layer)
        keep("float", "", in_float)
        keep("int8", "", in_int8)
        for layer in network.layers:
            if is_stopped():
                raise StoppedError
            alone = network.rerun(inputs, in_float, frozenset((layer,)), layer)
            all_but = network.rerun(inputs, in_int8, every_layer - {layer}, layer)
            keep("alone", layer, alone)
            keep("all_but", layer, all_but)
            found = _noise(network, layer, in_float, alone[layer], all_but[layer])
            noise[layer] = noise[layer].joined(found) if layer in noise else found

    exact = np.concatenate(outputs["float", ""])
    if not np.any(exact):
        raise ClipError(f"{clip.name}: the float network's output is all zeros; check the clip and the model")

    def outcome(kind: str, layer: str, mixture: str) -> Outcome:
        return _outcome(clip, exact, np.concatenate(outputs[kind, layer]), mixture)

    return ClipOutcomes(
        _score(clip, exact, "everything in float"),
        outcome("int8", "", "everything in int8"),
        {layer: outcome("alone", layer, f"{layer} in int8") for layer in network.layers},
        {layer: outcome("all_but", layer, f"all but {layer} in int8") for layer in network.layers},
        noise,
    )


def code_bounds(network: MixedNetwork, name: str) -> tuple[float, float]:
    """The real values of the codes -128 and 127."""
    quantization = network.quantization(name)
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    return scale * (-128 - zero_point), scale * (127 - zero_point)


def _noise(network: MixedNetwork, layer: str, in_float: Values, alone: Value, all_but: Value) -> LayerNoise:
    exact = network.real(layer, in_float[layer])
    unrounded = network.unrounded(layer, in_float)
    rounded, inheriting = network.real(layer, alone), network.real(layer, all_but)
    return measure_noise(exact, unrounded, rounded, inheriting, code_bounds(network, layer))


def _outcome(clip: OpenedClip, exact: FloatArray, found: FloatArray, mixture: str) -> Outcome:
    cosine = float(row_cosines(exact[None], found[None])[0])
    length = float(np.linalg.norm(exact.astype(np.float64)))
    distance = float(np.linalg.norm(found.astype(np.float64) - exact))
    return Outcome(_score(clip, found, mixture), None if np.isnan(cosine) else cosine, distance / length)


def _score(clip: OpenedClip, output: FloatArray, mixture: str) -> float:
    try:
        return clip.score(output)
    except ClipError as error:
        raise ClipError(f"{clip.name}: with {mixture}: {error}") from error
