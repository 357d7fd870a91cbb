"""A clip -> what a rung's network reads, by the float or by the fixed-point front end; every rung chooses here.

The fixed-point front end is the firmware's C (`asd_edge.native`), so that an int8 rung scores what a board would hear.
Float rungs get its integers as real values, which shows what the front end alone costs.
"""

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.clip_features import in_network_layout, quantized_features
from asd_edge.backends.rung import Clip
from asd_edge.errors import BackendError
from asd_edge.export.detector import Detector
from asd_edge.frontend.context_vectors import context_vectors
from asd_edge.frontend.fixed_features import DB_SCALE, FixedFeatures, FixedInputs, fixed_features
from asd_edge.frontend.fixed_fir import quantize_fir
from asd_edge.frontend.fixed_quantize import CodeScale, code_scale
from asd_edge.frontend.fixed_tables import DB_UNIT, is_fixed_config

FLOAT, FIXED = "float", "fixed"


def check_frontend(name: str) -> str:
    """The name. Raises BackendError for one that is no front end."""
    if name not in (FLOAT, FIXED):
        raise BackendError(f"{name!r} is no front end; choose {FLOAT} or {FIXED}")
    return name


def default_frontend(detector: Detector) -> str:
    """What an int8 rung hears with: the fixed-point front end where it is made for the detector's settings."""
    return FIXED if is_fixed_config(detector.frontend) else FLOAT


def real_inputs(clip: Clip, detector: Detector, frontend: str) -> dict[str, NDArray[np.float32]]:
    """For a float network: (n_runs, time, mel, channels) float32 by name, in dB and FIR units.

    Raises FrontendError where the fixed-point front end isn't built or the detector's settings aren't its own.
    """
    if frontend == FLOAT:
        return {name: values.astype(np.float32) for name, values in clip.features.items()}
    found = _fixed(clip, detector)
    log_mel = found.log_mel.astype(np.float64) / DB_UNIT
    fir = None if found.fir is None or detector.fir is None else found.fir * quantize_fir(detector.fir).unit
    values = in_network_layout(log_mel, fir, detector)
    return {name: array.astype(np.float32) for name, array in values.items()}


def code_inputs(clip: Clip, detector: Detector, frontend: str) -> dict[str, NDArray[np.int8]]:
    """For an int8 network: the codes of its inputs, (n_runs, time, mel, channels) by name. Raises as `real_inputs`."""
    if frontend == FLOAT:
        return quantized_features(clip.features, detector)
    found = _fixed(clip, detector)
    return in_network_layout(found.log_mel_codes, found.fir_codes, detector)


def fixed_vectors(clip: Clip, detector: Detector) -> NDArray[np.int16]:
    """What a reconstruction is compared with behind the fixed-point front end: (n_vectors, vector_size) 1/256 dB."""
    return context_vectors(_fixed(clip, detector).log_mel)


def _fixed(clip: Clip, detector: Detector) -> FixedFeatures:
    fir = None if detector.fir is None else quantize_fir(detector.fir)
    log_mel_scale = _code_scale(detector, "log_mel", 1.0 / DB_UNIT) or DB_SCALE
    fir_scale = None if fir is None else _code_scale(detector, "wavegram_fir", fir.unit)
    return fixed_features(clip.samples, detector.frontend, FixedInputs(log_mel_scale, fir_scale, fir))


def _code_scale(detector: Detector, name: str, unit: float) -> CodeScale | None:
    """None for an input that the network doesn't have."""
    scale = detector.input_scales.get(name)
    return None if scale is None else code_scale(unit, scale.scale, scale.zero_point)
