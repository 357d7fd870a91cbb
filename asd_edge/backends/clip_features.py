"""Samples -> the inputs of a detector's network by the float front end, in the Graph's layout, computed once per clip.

Axis 0 counts runs of the network: one for an embedding, one per vector for a reconstruction. So `features[name][i:i+1]`
is what run i reads.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.blas_threads import one_blas_thread
from asd_edge.export.detector import RECONSTRUCTION, Detector
from asd_edge.frontend.context_vectors import context_vectors
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.quantize_input import quantize_input
from asd_edge.frontend.wavegram_fir import wavegram_fir

_T = TypeVar("_T", bound=np.generic)


def clip_features(samples: NDArray[np.int16], detector: Detector) -> dict[str, NDArray[np.float64]]:
    """The detector's inputs by name, (n_runs, time, mel, channels) float64, of `samples` (clip_samples,).

    `log_mel` (1, n_frames, n_mels, 1) in dB and `wavegram_fir` (1, n_frames, 1, 1), those of them that the network
    reads; for a reconstruction `log_mel` (n_vectors, 1, 1, vector_size), each vector some neighbouring frames.
    """
    config = detector.frontend
    with one_blas_thread():
        fir = None
        if detector.fir is not None:
            fir = wavegram_fir(samples, detector.fir.taps, detector.fir.bias, config)
        return in_network_layout(log_mel(samples, config), fir, detector)


def in_network_layout(
    log_mel_frames: NDArray[_T], fir_frames: NDArray[_T] | None, detector: Detector
) -> dict[str, NDArray[_T]]:
    """(n_frames, n_mels) and (n_frames,) values or codes -> the detector's inputs, those of them that it reads."""
    inputs: dict[str, NDArray[_T]] = {}
    if "log_mel" in detector.input_scales:
        is_vector = detector.kind == RECONSTRUCTION
        inputs["log_mel"] = (
            context_vectors(log_mel_frames)[:, None, None] if is_vector else log_mel_frames[None, :, :, None]
        )
    if fir_frames is not None:
        inputs["wavegram_fir"] = fir_frames[None, :, None, None]
    return inputs


def quantized_features(features: Mapping[str, NDArray[np.float64]], detector: Detector) -> dict[str, NDArray[np.int8]]:
    """The int8 codes that the network's inputs take, same shapes."""
    return {
        name: quantize_input(features[name], scale.scale, scale.zero_point)
        for name, scale in detector.input_scales.items()
    }


def network_runs(inputs: Mapping[str, NDArray[_T]]) -> Iterator[dict[str, NDArray[_T]]]:
    """The inputs of each run of the network, batch 1."""
    n_runs = len(next(iter(inputs.values())))
    return ({name: values[run : run + 1] for name, values in inputs.items()} for run in range(n_runs))
