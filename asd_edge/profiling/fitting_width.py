"""A detector that a board can't hold -> the greatest width of its network that it can, by compiling untrained ones.

Sizes don't depend on the weights, so that random ones, calibrated on noise, tell them.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from asd_edge.boards import Board
from asd_edge.compiler.check_budget import check_budget
from asd_edge.compiler.compile_network import compile_graph, core_named
from asd_edge.compiler.plan_report import plan_report
from asd_edge.compiler.read_image import read_image
from asd_edge.errors import CheckpointError, CompilerError
from asd_edge.export.detector import ARCFACE, Detector, InputScale
from asd_edge.graph.graph import Graph
from asd_edge.model.checkpoint import load_checkpoint
from asd_edge.model.config import LOG_MEL, ModelConfig
from quantization.calibrate import calibrate
from quantization.observers import ranges_of
from quantization.quantize_graph import quantize_graph

WIDTHS = (0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125)
_SEED = 5


def widest_that_fits(model: ModelConfig, detector: Detector, board: Board) -> float | None:
    """None: no width below the model's own fits, or its network has no width."""
    if detector.kind != ARCFACE:
        return None
    widths = [width for width in WIDTHS if width < model.width]
    fitting = None
    while widths:  # halved each time: a narrower network is smaller in every respect
        middle = widths[len(widths) // 2]
        if _fits(replace(model, width=middle), detector, board):
            fitting, widths = middle, widths[: len(widths) // 2]
        else:
            widths = widths[len(widths) // 2 + 1 :]
    return fitting


def width_advice(work: Path, detector: Detector, board: Board) -> str:
    """What to do about a model of a work directory that is too large for the board, in words."""
    try:
        width = widest_that_fits(load_checkpoint(work).model, detector, board)
    except CheckpointError:  # an ONNX file was exported
        width = None
    if width is None:
        return "no narrower network of this kind fits: choose another board"
    return f"a network of width {width:g} fits: asd-edge train --width {width:g}"


def _fits(model: ModelConfig, detector: Detector, board: Board) -> bool:
    graph = _untrained_int8_graph(model, detector)
    scales = {}
    for name in graph.inputs:
        quantization = graph.tensors[name].quantization
        assert quantization is not None, "a quantized graph's input has a scale"
        scales[name] = InputScale(float(quantization.scale[0]), int(quantization.zero_point[0]))
    compiled = compile_graph(graph, core_named(board.kernels), detector=replace(detector, input_scales=scales))
    try:
        check_budget(plan_report(read_image(compiled.content)), board)
    except CompilerError:
        return False
    return True


def _untrained_int8_graph(model: ModelConfig, detector: Detector) -> Graph:
    import torch

    from asd_edge.graph.export_onnx import export_onnx
    from asd_edge.graph.import_onnx import import_onnx
    from asd_edge.graph.passes import run_float_passes
    from asd_edge.model.network import build_network

    frontend = detector.frontend
    shapes: dict[str, tuple[int, ...]] = {"log_mel": (1, 1, frontend.n_mels, frontend.n_frames)}
    if model.features != LOG_MEL:
        shapes["wavegram_fir"] = (1, 1, 1, frontend.n_frames)
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as name:
        torch.manual_seed(_SEED)
        network = build_network(model, frontend, len(detector.labels.machines))
        export_onnx(network, shapes, "embedding", Path(name) / "untrained.onnx")
        graph = run_float_passes(import_onnx(Path(name) / "untrained.onnx", frontend.n_frames))
    generator = np.random.default_rng(_SEED)
    noise = {tensor: generator.normal(size=graph.tensors[tensor].shape).astype(np.float32) for tensor in graph.inputs}
    return quantize_graph(graph, ranges_of(calibrate(graph, [noise], 1)))
