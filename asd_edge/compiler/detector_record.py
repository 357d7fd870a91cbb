"""`Detector` -> what the image says of it in integers: front-end constants, labels, head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.image_records import ARCFACE_KIND, RECONSTRUCTION_KIND
from asd_edge.compiler.stream_graph import StreamGraph
from asd_edge.errors import CompilerError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.frontend.fixed_fir import FixedFir, quantize_fir
from asd_edge.frontend.fixed_quantize import CodeScale, code_scale
from asd_edge.frontend.fixed_tables import DB_UNIT, N_MELS, check_fixed_config
from asd_edge.scorer.fixed_head import FixedHead, fixed_head
from asd_edge.scorer.fixed_reconstruction import FixedOutputScale, fixed_output_scale

LOG_MEL, FIR = "log_mel", "wavegram_fir"


@dataclass(frozen=True, eq=False)
class DetectorConstants:
    """asd_image_detector before it has offsets."""

    kind: int
    n_context: int
    clip_samples: int
    labels: tuple[str, ...]
    log_mel_input: int | None  # index into the image's inputs
    fir_input: int | None
    log_mel_scale: CodeScale
    fir_scale: CodeScale | None
    fir: FixedFir | None
    head: FixedHead | None
    output_scale: FixedOutputScale | None


def detector_constants(detector: Detector, graph: StreamGraph, is_endless: bool = False) -> DetectorConstants:
    """Raises FrontendError for settings that the fixed-point front end isn't made for, CheckpointError for a head that
    the integer scorer can't take, CompilerError where the network and the detector don't fit.
    """
    check_fixed_config(detector.frontend)
    unknown = set(graph.inputs) - {LOG_MEL, FIR}
    if unknown or (FIR in graph.inputs and detector.fir is None) or set(graph.inputs) - set(detector.input_scales):
        raise CompilerError(
            f"the network reads {', '.join(graph.inputs)}, the detector gives {', '.join(detector.input_scales)}; "
            "run asd-edge export again"
        )
    fir = quantize_fir(detector.fir) if detector.fir is not None and FIR in graph.inputs else None
    output = graph.tensors[graph.output]
    is_arcface = detector.kind == ARCFACE
    n_context = 1 if is_arcface else N_CONTEXT
    log_mel_values = n_context * N_MELS
    if LOG_MEL in graph.inputs and _values(graph, LOG_MEL) != log_mel_values:
        raise CompilerError(f"{LOG_MEL} has {_values(graph, LOG_MEL)} values a column, the front end {log_mel_values}")
    if not is_arcface and is_endless:
        raise CompilerError("a reconstruction is scored clip by clip, in windows; compile without --sliding")
    _check_window(graph, detector.frontend.n_frames if is_arcface else 1, is_endless)
    if output.n_columns != 1:
        raise CompilerError(f"{output.name} has {output.n_columns} columns a window where a score takes one")
    head, output_scale = None, None
    if is_arcface:
        assert detector.head_rows is not None, "load_detector checks it"
        head = fixed_head(detector.head_rows, detector.head.scale, detector.head.margin, output.zero_point)
    else:
        output_scale = fixed_output_scale(output.scale, output.zero_point)
    log_mel_scale = _scale(detector, LOG_MEL, 1.0 / DB_UNIT) if LOG_MEL in graph.inputs else code_scale(1.0, 4.0, 0)
    return DetectorConstants(
        ARCFACE_KIND if is_arcface else RECONSTRUCTION_KIND,
        n_context,
        detector.frontend.clip_samples,
        detector.labels.machines,
        graph.inputs.index(LOG_MEL) if LOG_MEL in graph.inputs else None,
        graph.inputs.index(FIR) if FIR in graph.inputs else None,
        log_mel_scale,
        None if fir is None else _scale(detector, FIR, fir.unit),
        fir,
        head,
        output_scale,
    )


def _check_window(graph: StreamGraph, n_frames: int, is_endless: bool) -> None:
    if not is_endless and graph.window_columns != n_frames:
        raise CompilerError(
            f"the network's window has {graph.window_columns} columns, the detector's clip {n_frames} frames; "
            "export a network for clips of this length"
        )


def labels_bytes(labels: tuple[str, ...]) -> bytes:
    """Each ended by 0."""
    return b"".join(label.encode() + b"\0" for label in labels)


def code_scale_record(scale: CodeScale | None) -> tuple[int, int, int, int, int]:
    """asd_image_code_scale; zeros where there is none."""
    if scale is None:
        return (0, 0, 0, 0, 0)
    return (scale.limit, scale.multiplier, scale.shift, scale.zero_point, scale.pre_shift)


def arcface_record(head: FixedHead | None) -> NDArray[np.int32]:
    """(5,) from scale_q16 on."""
    if head is None:
        return np.zeros(5, np.int32)
    return np.array([head.scale_q16, head.cos_margin, head.sin_margin, head.threshold, head.shortfall], np.int32)


def reconstruction_record(scale: FixedOutputScale | None) -> NDArray[np.int32]:
    """(3,)."""
    return np.array((0, 0, 0) if scale is None else (scale.multiplier, scale.shift, scale.zero_point), np.int32)


def _values(graph: StreamGraph, name: str) -> int:
    return graph.tensors[name].n_mels * graph.tensors[name].n_channels


def _scale(detector: Detector, name: str, unit: float) -> CodeScale:
    scale = detector.input_scales[name]
    return code_scale(unit, scale.scale, scale.zero_point)
