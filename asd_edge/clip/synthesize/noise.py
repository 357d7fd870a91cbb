"""Random draws and noise: raw bits of a PCG64 generator become uniform numbers, bell-shaped spreads and coloured noise.

Only the bit stream is used (NumPy guarantees it for ever; it doesn't guarantee the streams of `normal` and the like).
Recursive filters are run without a recursion: 1/(1 - a z + b z^2) is the endless product of the polynomials
1 + a_k z^(2^k) + b_k z^(2^(k+1)) with a_(k+1) = a_k^2 - 2 b_k and b_(k+1) = b_k^2, so that k vector multiply-adds give
an impulse response of 2^k samples.
"""

import numpy as np
from numpy.random import Generator

from asd_edge.clip.synthesize.config import N_SAMPLES, SAMPLE_RATE_HZ
from asd_edge.clip.synthesize.exact_math import TAU, FloatArray, cos_turn, exponential

_TWO_TO_MINUS_53 = 1.0 / 9007199254740992.0
_SQRT_12 = 3.4641016151377544
_NEGLIGIBLE = 2e-3  # an impulse response is cut where its envelope falls below this


def uniforms(rng: Generator, n: int) -> FloatArray:
    """(n,) numbers in [0, 1) with 53 random bits each."""
    raw = rng.bit_generator.random_raw(n)
    numbers: FloatArray = (raw >> np.uint64(11)).astype(np.float64)
    numbers *= _TWO_TO_MINUS_53
    return numbers


def uniform(rng: Generator, low: float, high: float) -> float:
    """One number in [low, high)."""
    return low + (high - low) * float(uniforms(rng, 1)[0])


def bell(rng: Generator) -> float:
    """One number with mean 0 and deviation 1, bell-shaped within +-3: the sum of three uniforms."""
    three = uniforms(rng, 3)
    return 2.0 * (float(three[0]) + float(three[1]) + float(three[2]) - 1.5)


def spread(rng: Generator, value: float, share: float) -> float:
    """`value`, off by a bell-shaped share of itself (`share` is one deviation)."""
    return value * (1.0 + share * bell(rng))


def white_noise(rng: Generator, n: int = N_SAMPLES) -> FloatArray:
    """(n,) uniform white noise of effective value 1."""
    noise = uniforms(rng, n)
    noise -= 0.5
    noise *= _SQRT_12
    return noise


def wander(rng: Generator, n_segments: int) -> FloatArray:
    """(N_SAMPLES,) slow random curve within +-1: random knots joined by smoothsteps; n_segments divides N_SAMPLES."""
    n_segment = N_SAMPLES // n_segments
    knots = 2.0 * uniforms(rng, n_segments + 1) - 1.0
    ramp = np.arange(n_segment) / float(n_segment)
    smooth = ramp * ramp * (3.0 - 2.0 * ramp)
    curve = knots[:-1, None] + (knots[1:] - knots[:-1])[:, None] * smooth[None, :]
    return curve.reshape(-1)


def lowpass(signal: FloatArray, corner_hz: float) -> FloatArray:
    """One-pole lowpass with gain 1 at 0 Hz (any length)."""
    pole = exponential(-TAU * corner_hz / SAMPLE_RATE_HZ)
    output = signal * (1.0 - pole)
    scratch = np.empty_like(output)
    delay = 1
    while pole > _NEGLIGIBLE and delay < signal.size:
        output[delay:] += np.multiply(output[:-delay], pole, out=scratch[delay:])
        pole *= pole
        delay *= 2
    return output


def resonate(signal: FloatArray, frequency_hz: float, bandwidth_hz: float) -> FloatArray:
    """Two-pole resonance with gain 1 at its peak: what a mode of a machine's body makes of an excitation."""
    radius = exponential(-0.5 * TAU * bandwidth_hz / SAMPLE_RATE_HZ)
    turns = frequency_hz / SAMPLE_RATE_HZ
    # |1 - r e^(-2j theta)|: the distance of the conjugate pole, seen from the peak
    far_pole = float(np.sqrt(1.0 - 2.0 * radius * cos_turn(2.0 * turns) + radius * radius))
    first, second = 2.0 * radius * cos_turn(turns), radius * radius
    output = signal * ((1.0 - radius) * far_pole)
    stage, scratch = np.empty_like(output), np.empty_like(output)  # fresh arrays for each step would cost more than it
    delay = 1
    while second > _NEGLIGIBLE * _NEGLIGIBLE and 2 * delay < signal.size:
        stage[:delay] = output[:delay]
        np.multiply(output[:-delay], first, out=scratch[delay:])
        np.add(output[delay:], scratch[delay:], out=stage[delay:])
        stage[2 * delay :] += np.multiply(output[: -2 * delay], second, out=scratch[2 * delay :])
        first, second = first * first - 2.0 * second, second * second
        output, stage = stage, output
        delay *= 2
    return output
