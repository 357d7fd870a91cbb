"""From a machine to a recording: early echoes of the room, a factory around it at a chosen SNR, a microphone's gain."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from asd_edge.clip.synthesize.config import N_SAMPLES
from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, root_mean_square
from asd_edge.clip.synthesize.noise import bell, lowpass, uniform, wander, white_noise
from asd_edge.clip.synthesize.vibration import Mode, add_impacts, random_gains, random_positions, ring

_N_ECHOES = 5
_RECORDED_RMS = 0.014  # of full scale, machine at nominal level; the MIMII sample's clips have 0.010 to 0.014
_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Recording:
    """How a type is recorded: noise in dB below effective value 1, about a machine's level; middle and deviation."""

    snr_db: float
    snr_spread_db: float = 1.5


def add_echoes(rng: Generator, sound: FloatArray) -> FloatArray:
    """The sound with a few reflections (2 to 40 ms, -8 to -20 dB, either sign): another comb in every clip."""
    heard = sound.copy()
    for _ in range(_N_ECHOES):
        delay = int(uniform(rng, 32.0, 640.0))
        gain = amplitude_of_db(uniform(rng, -20.0, -8.0))
        heard[delay:] += sound[:-delay] * (gain if uniform(rng, 0.0, 1.0) < 0.5 else -gain)
    return heard


def factory_noise(rng: Generator) -> FloatArray:
    """(N_SAMPLES,) effective value 1: noise that falls with frequency at a random tilt and swells, a few far hits."""
    white = white_noise(rng)
    noise = lowpass(white, 130.0) * amplitude_of_db(16.0 + 1.5 * bell(rng))
    noise += lowpass(white, 1100.0) * amplitude_of_db(5.0 + 1.5 * bell(rng))
    noise += white * amplitude_of_db(-12.0 + 1.5 * bell(rng))
    noise *= 1.0 + 0.15 * wander(rng, 10)
    noise *= 1.0 / root_mean_square(noise)
    for _ in range(int(uniform(rng, 0.0, 4.0))):
        hit = ring((Mode(uniform(rng, 400.0, 5000.0), uniform(rng, 10.0, 60.0), 0.0),), 4000)
        n_hits = 1 + int(uniform(rng, 0.0, 2.0))
        level = amplitude_of_db(uniform(rng, -14.0, 0.0))
        gains = [level * gain for gain in random_gains(rng, n_hits, 3.0)]
        add_impacts(noise, random_positions(rng, n_hits), gains, hit)
    return noise


def record(rng: Generator, sound: FloatArray, recording: Recording) -> NDArray[np.int16]:
    """(N_SAMPLES,) int16: what a microphone in a factory records of the machine; beyond full scale it clips."""
    assert sound.shape == (N_SAMPLES,)
    heard = add_echoes(rng, sound)
    heard += factory_noise(rng) * amplitude_of_db(-(recording.snr_db + recording.snr_spread_db * bell(rng)))
    heard *= _RECORDED_RMS * _FULL_SCALE * amplitude_of_db(1.5 * bell(rng))
    return np.clip(np.round(heard), -32768.0, 32767.0).astype(np.int16)
