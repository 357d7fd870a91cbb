"""Rotation, impacts, bodies: a speed becomes a phase, a phase harmonics, a hit a ring, an excitation radiated sound."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from asd_edge.clip.synthesize.config import N_SAMPLES, SAMPLE_RATE_HZ
from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, cos_turns, decay_curve, exponential
from asd_edge.clip.synthesize.noise import bell, resonate, spread, uniform, uniforms, wander


@dataclass(frozen=True)
class Mode:
    """One resonance of a body."""

    frequency_hz: float
    bandwidth_hz: float
    gain_db: float


Modes = tuple[Mode, ...]


def vary_modes(rng: Generator, modes: Modes, frequency_share: float, gain_db: float) -> Modes:
    """The modes as one clip finds them (temperature, load, mounting): each frequency and gain off by a bell curve."""
    return tuple(
        replace(
            mode,
            frequency_hz=spread(rng, mode.frequency_hz, frequency_share),
            gain_db=mode.gain_db + gain_db * bell(rng),
        )
        for mode in modes
    )


def shift_modes(modes: Modes, frequency_factor: float, gains_db: Sequence[float]) -> Modes:
    """All modes moved by one factor (stiffness or mass changed), each gain by its own dB."""
    return tuple(
        replace(mode, frequency_hz=mode.frequency_hz * frequency_factor, gain_db=mode.gain_db + gain)
        for mode, gain in zip(modes, gains_db, strict=True)
    )


def radiate(excitation: FloatArray, modes: Modes, direct_db: float) -> FloatArray:
    """What a body with these modes radiates: the excitation itself at `direct_db` plus each mode's answer."""
    sound = excitation * amplitude_of_db(direct_db)
    for mode in modes:
        sound += resonate(excitation, mode.frequency_hz, mode.bandwidth_hz) * amplitude_of_db(mode.gain_db)
    return sound


def drifting_speed(rng: Generator, speed_hz: float, slow_share: float, fast_share: float = 0.0) -> FloatArray:
    """(N_SAMPLES,) Hz: a speed with a drift over seconds and, if wanted, a flutter of about 10 Hz."""
    drift = 1.0 + slow_share * wander(rng, 5)
    if fast_share > 0.0:
        drift += fast_share * wander(rng, 100)
    return speed_hz * drift


def phase_of(rng: Generator, speed_hz: FloatArray) -> FloatArray:
    """(N_SAMPLES,) turns: the running integral of a speed from a random start."""
    return uniform(rng, 0.0, 1.0) + np.cumsum(speed_hz * (1.0 / SAMPLE_RATE_HZ), dtype=np.float64)


def steady_phase(rng: Generator, speed_hz: float) -> FloatArray:
    """(N_SAMPLES,) turns of a constant speed from a random start."""
    return uniform(rng, 0.0, 1.0) + np.arange(N_SAMPLES, dtype=np.float64) * (speed_hz / SAMPLE_RATE_HZ)


def harmonics(phase: FloatArray, amplitudes: Sequence[float]) -> FloatArray:
    """Sum of amplitudes[k] * cos(2 pi (k + 1) phase), by cos((n+1)x) = 2 cos(x) cos(nx) - cos((n-1)x)."""
    current = cos_turns(phase)
    twice = 2.0 * current
    previous = np.ones_like(current)
    total = current * amplitudes[0]
    for amplitude in amplitudes[1:]:
        following = twice * current
        following -= previous
        previous, current = current, following
        total += current * amplitude
    return total


def falling_amplitudes(rng: Generator, n_harmonics: int, tilt_db: float, jitter_db: float) -> tuple[float, ...]:
    """Harmonic amplitudes that fall by `tilt_db` each, with random signs and jitter, scaled to effective value 1."""
    amplitudes = []
    power = 0.0
    for index in range(n_harmonics):
        amplitude = amplitude_of_db(-tilt_db * index + jitter_db * bell(rng))
        power += 0.5 * amplitude * amplitude
        amplitudes.append(amplitude if uniform(rng, 0.0, 1.0) < 0.5 else -amplitude)
    scale = 1.0 / float(np.sqrt(power))
    return tuple(amplitude * scale for amplitude in amplitudes)


def ring(modes: Modes, n_samples: int, damping: float = 1.0) -> FloatArray:
    """(n_samples,) the sound of one hit: every mode as a decaying sine; `damping` above 1 shortens it."""
    times = np.arange(n_samples, dtype=np.float64)
    sound = np.zeros(n_samples)
    for mode in modes:
        ratio = exponential(-3.141592653589793 * mode.bandwidth_hz * damping / SAMPLE_RATE_HZ)
        sine = cos_turns(times * (mode.frequency_hz / SAMPLE_RATE_HZ) - 0.25)
        sound += sine * decay_curve(n_samples, ratio) * amplitude_of_db(mode.gain_db)
    return sound


def add_impacts(signal: FloatArray, positions: Sequence[int], gains: Sequence[float], response: FloatArray) -> None:
    """Add `response` times a gain at each position of `signal`, in place; positions outside are left out."""
    for position, gain in zip(positions, gains, strict=True):
        if 0 <= position < signal.size:
            n = min(response.size, signal.size - position)
            signal[position : position + n] += response[:n] * gain


def crossings(phase: FloatArray) -> list[int]:
    """The samples at which a rising phase (turns) passes a whole turn: the moments of a once-per-turn event."""
    turns = np.floor(phase)
    return [int(index) + 1 for index in np.flatnonzero(turns[1:] > turns[:-1])]


def random_positions(rng: Generator, n: int) -> list[int]:
    """n moments anywhere in the clip, in order."""
    return sorted(int(share * N_SAMPLES) for share in uniforms(rng, n))


def random_gains(rng: Generator, n: int, jitter_db: float) -> list[float]:
    """n gains about 1, each off by a bell-shaped number of dB."""
    return [amplitude_of_db(jitter_db * bell(rng)) for _ in range(n)]
