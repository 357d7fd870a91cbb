"""Seed -> a clip that Python and the device make alike, and what a model makes of it; twin of asd_self_test.c."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.native_engine import score_samples

_BURST_PERIOD, _BURST_SAMPLES = 8000, 400
_SLIDE = 3 * 64  # of the tone's step, per sample
_UINT32 = 0xFFFFFFFF


@dataclass(frozen=True)
class SelfTest:
    """What a bundle says of its self-test; the hash is of the network's int8 outputs in order."""

    seed: int
    n_samples: int
    score_q16: int
    output_sha256: bytes


def self_test_samples(seed: int, n_samples: int) -> NDArray[np.int16]:
    """(n_samples,): noise through a low-pass, a tone that slides, a burst each half second; within +-26,624."""
    state, rumble, phase = seed & _UINT32 or 1, 0, 0
    samples = np.empty(n_samples, np.int16)
    for index in range(n_samples):
        state ^= (state << 13) & _UINT32
        state ^= state >> 17
        state ^= (state << 5) & _UINT32
        noise = (state >> 16) - 32768
        rumble += _toward_zero(noise - rumble, 8)
        phase = (phase + (1 << 26) + index * _SLIDE) & _UINT32
        triangle = abs((phase >> 16) - 32768) - 16384
        burst = _toward_zero(noise, 4) if index % _BURST_PERIOD < _BURST_SAMPLES else 0
        samples[index] = _toward_zero(rumble, 2) + _toward_zero(triangle, 8) + burst
    return samples


def run_self_test(image: bytes, clip_samples: int, class_index: int, seed: int) -> SelfTest:
    """What the firmware's C gives here for the clip of this seed. Raises ImageError for an image that it refuses."""
    scores, outputs = score_samples(image, self_test_samples(seed, clip_samples), class_index)
    return SelfTest(seed, clip_samples, scores[0], hashlib.sha256(outputs.tobytes()).digest())


def _toward_zero(value: int, divisor: int) -> int:
    """As C divides."""
    return value // divisor if value >= 0 else -(-value // divisor)
