"""The last steps of every export: float Graph, clips -> model.tflite, detector.safetensors, export.json."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from asd_edge.clip.progress import ProgressFn
from asd_edge.errors import GraphError
from asd_edge.export.calibration_set import CalibrationSet, Inputs, network_inputs, spread_evenly
from asd_edge.export.check_outputs import Difference, Outputs
from asd_edge.export.detector import Detector, InputScale, detector_bytes
from asd_edge.export.export_record import ExportRecord, FileRecord, make_record, record_file, record_text
from asd_edge.export.quantize_network import quantize_network
from asd_edge.export.targets.lowering import check_lowering
from asd_edge.export.targets.report import report_text
from asd_edge.export.targets.report_target import report_target
from asd_edge.export.targets.target import MCU, Target, lower_for_target
from asd_edge.export.work_files import DETECTOR_FILE, EXPORTED_FILES, RECORD_FILE, TARGET_FILE, TFLITE_FILE
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.graph import Graph
from asd_edge.graph.interpret_float import run_float
from quantization.recipe import Recipe

N_CHECKED_CLIPS = 4
_RUNS_PER_CLIP = 16  # of an autoencoder, which runs once per vector


def runs_to_check(calibration: CalibrationSet, graph: Graph) -> list[Inputs]:
    """The inputs on which two float forms of a network are compared: some calibration clips."""
    runs: list[Inputs] = []
    for clip in spread_evenly(calibration.clips, N_CHECKED_CLIPS):
        runs += spread_evenly(tuple(network_inputs([clip], graph)), _RUNS_PER_CLIP)
    return runs


def graph_outputs(graph: Graph, runs: Iterable[Inputs]) -> Outputs:
    """What the float Graph gives for these inputs."""
    (output,) = graph.outputs
    return [run_float(graph, inputs)[output].reshape(-1) for inputs in runs]


def write_work(
    staging: Path,
    graph: Graph,
    detector: Detector | None,
    inputs: Mapping[str, FileRecord],
    calibration_folder: Path,
    calibration: CalibrationSet,
    recipe: Recipe,
    checks: Mapping[str, Difference],
    target: Target,
    on_progress: ProgressFn,
) -> ExportRecord:
    """Quantize and write into `staging`, which already holds model.onnx; `detector` gets the input scales here.

    Raises GraphError for an output that doesn't fit the detector, QuantizationError where calibration fails.
    """
    if detector is not None:
        _check_output(graph, detector)
    runs = runs_to_check(calibration, graph)
    lowering = check_lowering(graph, target, lambda lowered: graph_outputs(lowered, runs))
    network = quantize_network(lower_for_target(graph, target), calibration, recipe, on_progress, graph)
    (staging / TFLITE_FILE).write_bytes(tflite_bytes(network.int8_graph))
    if target != MCU:
        report = report_target(target, staging / TFLITE_FILE, network.int8_graph, graph)
        (staging / TARGET_FILE).write_text(report_text(report), encoding="utf-8")
    scales = {name: _input_scale(network.int8_graph, name) for name in graph.inputs}
    if detector is not None:
        (staging / DETECTOR_FILE).write_bytes(detector_bytes(replace(detector, input_scales=scales)))
    written = [staging / name for name in EXPORTED_FILES if (staging / name).exists()]
    files = {path.name: record_file(path) for path in written}
    kind = None if detector is None else detector.kind
    record = make_record(
        kind, inputs, calibration_folder, calibration, recipe, checks, target, lowering, network, scales, files
    )
    (staging / RECORD_FILE).write_text(record_text(record), encoding="utf-8")
    return record


def _input_scale(graph: Graph, name: str) -> InputScale:
    quantization = graph.tensors[name].quantization
    assert quantization is not None, "a quantized graph's input has a scale"
    return InputScale(float(quantization.scale[0]), int(quantization.zero_point[0]))


def _check_output(graph: Graph, detector: Detector) -> None:
    """The head's rows, or the vector reconstructed, have as many values as the network's output."""
    found = int(np.prod(graph.tensors[graph.outputs[0]].shape))
    rows = detector.head_rows
    expected = int(np.prod(graph.tensors["log_mel"].shape)) if rows is None else rows.shape[1]
    if found != expected:
        raise GraphError(
            f"output {graph.outputs[0]} has {found} values, the detector wants {expected}; "
            "give the detector.safetensors that was made for this network"
        )
    if (detector.fir is None) != ("wavegram_fir" not in graph.inputs):
        raise GraphError(
            f"the network's inputs are {' and '.join(graph.inputs)}, but the detector "
            f"{'has no' if detector.fir is None else 'has a'} Wavegram FIR; give the detector made for this network"
        )
