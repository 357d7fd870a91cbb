"""A small network with an embedding, its int8 form, and that form with a fault planted in one layer."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from asd_edge.clip.records import ANOMALY, NORMAL, TEST, ClipRecord
from asd_edge.diagnose.diagnose_layers import diagnose_layers
from asd_edge.diagnose.diagnosis import LayerDiagnosis
from asd_edge.diagnose.measure_clip import OpenedClip
from asd_edge.diagnose.measure_damage import MeasuredDamage, run_clips, sum_up
from asd_edge.diagnose.mixed_network import FloatArray, MixedNetwork
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Padding
from asd_edge.graph.passes import run_float_passes
from quantization.calibrate import calibrate
from quantization.observers import Range, ranges_of
from quantization.quantize_graph import quantize_graph
from tests.graph.small_graphs import GraphBuilder, random_inputs

MACHINES = ("fan/id_00", "fan/id_02", "pump/id_00")
N_OF_LABEL = 2  # clips of each machine and label
SAME = Padding(1, 1, 1, 1)
SHIPPED_STEPS = ("rescale_concatenations", "equalize_channels", "observe: min_max", "correct_biases")


def tower() -> Graph:
    """Two inputs concatenated, a bottleneck with PReLUs, a residual sum, an embedding of 6 values."""
    build = GraphBuilder(np.random.default_rng(3), log_mel=(1, 13, 8, 1), wavegram_fir=(1, 13, 8, 1))
    narrow = build.conv(build.concat(["log_mel", "wavegram_fir"]), 6, (3, 3), (1, 1), SAME)
    x = build.prelu(build.conv(narrow, 8))
    x = build.prelu(build.depthwise(x, (3, 3), (1, 1), SAME))
    x = build.add(build.conv(x, 6), narrow)
    return run_float_passes(build.graph(build.conv(build.depthwise(x, (13, 8)), 6)))


def calibrated_ranges(graph: Graph) -> dict[str, Range]:
    """Over the very inputs that the clips have."""
    inputs = [random_inputs(graph, index) for index in range(n_clips())]
    return ranges_of(calibrate(graph, inputs, len(inputs)))


def quantized(graph: Graph, changed: Mapping[str, float] | None = None) -> Graph:
    """The int8 form; the ranges of the activations in `changed` are that many times as wide as they should be."""
    ranges = calibrated_ranges(graph)
    for name, factor in (changed or {}).items():
        ranges[name] = Range(ranges[name].low * factor, ranges[name].high * factor)
    return quantize_graph(graph, ranges)


def n_clips() -> int:
    return len(MACHINES) * 2 * N_OF_LABEL


def clip_records() -> tuple[ClipRecord, ...]:
    """Of test clips that exist nowhere."""
    return tuple(
        ClipRecord(Path(f"{machine}_{label}_{number}.wav"), machine_type, machine_id, TEST, label, "")
        for machine in MACHINES
        for machine_type, machine_id in [machine.split("/")]
        for label in (NORMAL, ANOMALY)
        for number in range(N_OF_LABEL)
    )


def open_clip(graph: Graph, index: int) -> OpenedClip:
    """Normal noise, scored by the direction of the output."""
    direction = np.random.default_rng(7).standard_normal(6)

    def score(output: FloatArray) -> float:
        return float(output @ direction / np.linalg.norm(output))

    return OpenedClip(f"clip {index}", (random_inputs(graph, index),), score)


def measured(network: MixedNetwork) -> MeasuredDamage:
    """Over all clips."""
    outcomes = run_clips(network, range(n_clips()), lambda index: open_clip(network.float_graph, index))
    return sum_up(clip_records(), outcomes, network.layers, is_embedding=True)


def diagnosed(float_graph: Graph, int8_graph: Graph, steps: tuple[str, ...]) -> dict[str, LayerDiagnosis]:
    """By layer, in execution order."""
    network = MixedNetwork(float_graph, int8_graph)
    return {layer.name: layer for layer in diagnose_layers(network, measured(network), steps)}
