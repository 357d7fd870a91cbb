"""Slide rails: a carriage that runs to and fro; faults are rail damage, a loose belt and missing grease.

The drive's whine follows the carriage's speed (trapezoid: accelerate, run, brake, rest), the rail's rolling noise too;
every stop ends in a thunk. A damaged rail knocks at its place on each stroke, a loose belt wobbles, lags and slaps, a
dry rail is louder, stiffer and squeals. Kinds as in MIMII.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from asd_edge.clip.synthesize.config import SAMPLE_RATE_HZ
from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, cos_turns
from asd_edge.clip.synthesize.fault import Fault
from asd_edge.clip.synthesize.noise import bell, lowpass, spread, uniform, white_noise
from asd_edge.clip.synthesize.vibration import (
    Mode,
    Modes,
    add_impacts,
    crossings,
    drifting_speed,
    falling_amplitudes,
    harmonics,
    phase_of,
    radiate,
    random_gains,
    ring,
    shift_modes,
    steady_phase,
    vary_modes,
)

FAULT_KINDS = ("rail_damage", "loose_belt", "no_grease")
_RAMP_SHARE = 0.06  # of a cycle: acceleration and braking


@dataclass(frozen=True)
class Slider:
    """One slide rail as it is in one clip."""

    cycle_hz: float  # to and fro
    run_share: float  # part of each half cycle in motion
    whine_hz: float  # the drive's tone at full speed
    whine_db: float
    whine_tilt_db: float
    rolling_db: float
    rolling_corner_hz: float
    thunk_db: float
    knock_db: float  # damage on the rail; very low on a healthy one
    squeal_db: float  # friction tone near the second mode; very low on a greased rail
    wobble_hz: float  # belt
    wobble_depth: float
    rail: Modes


SLIDERS = {
    "id_00": Slider(
        0.46, 0.70, 505.0, -3.0, 2.0, -3.0, 2300.0, 6.0, -60.0, -60.0, 11.0, 0.004,
        (Mode(950.0, 70.0, 5.0), Mode(2150.0, 120.0, 5.0), Mode(4300.0, 260.0, 3.0)),
    ),
    "id_02": Slider(
        0.52, 0.76, 530.0, -4.0, 2.5, -2.2, 2000.0, 4.5, -60.0, -60.0, 10.0, 0.006,
        (Mode(1010.0, 85.0, 4.0), Mode(2030.0, 110.0, 6.0), Mode(4600.0, 240.0, 2.0)),
    ),
    "id_04": Slider(
        0.41, 0.65, 482.0, -2.4, 2.8, -3.8, 2650.0, 7.0, -60.0, -60.0, 12.0, 0.005,
        (Mode(900.0, 60.0, 6.0), Mode(2270.0, 135.0, 4.0), Mode(4050.0, 290.0, 4.0)),
    ),
}  # fmt: skip


def _vary(slider: Slider, rng: Generator) -> Slider:
    """The slide rail of a normal clip."""
    return replace(
        slider,
        cycle_hz=spread(rng, slider.cycle_hz, 0.02),
        run_share=spread(rng, slider.run_share, 0.02),
        whine_hz=spread(rng, slider.whine_hz, 0.010),
        whine_db=slider.whine_db + 1.0 * bell(rng),
        whine_tilt_db=slider.whine_tilt_db + 0.2 * bell(rng),
        rolling_db=slider.rolling_db + 0.8 * bell(rng),
        rolling_corner_hz=spread(rng, slider.rolling_corner_hz, 0.06),
        thunk_db=slider.thunk_db + 1.0 * bell(rng),
        rail=vary_modes(rng, slider.rail, 0.010, 0.8),
    )


def _damage(slider: Slider, fault: Fault, rng: Generator) -> Slider:
    """The same slide rail with a fault."""
    strength = fault.strength
    if fault.kind == "rail_damage":
        return replace(
            slider,
            knock_db=1.0 + 5.0 * strength,
            rail=shift_modes(slider.rail, 1.0 - 0.012 * strength, (-0.8 * strength, 0.6 * strength, 1.0 * strength)),
        )
    if fault.kind == "loose_belt":
        return replace(
            slider,
            cycle_hz=slider.cycle_hz / (1.0 + 0.05 * strength),
            run_share=min(0.85, slider.run_share * (1.0 + 0.05 * strength)),
            whine_hz=slider.whine_hz * (1.0 - 0.020 * strength),
            wobble_depth=slider.wobble_depth + 0.012 * strength,
            thunk_db=slider.thunk_db - 1.5 * strength,
        )
    return replace(
        slider,
        rolling_db=slider.rolling_db + 1.5 * strength,
        whine_db=slider.whine_db - 0.8 * strength,
        squeal_db=-16.0 + 5.0 * strength,
        rail=shift_modes(slider.rail, 1.0 + 0.016 * strength, (0.0, 1.0 * strength, -1.0 * strength)),
    )


def _speed_share(half_cycle: FloatArray, run_share: float) -> FloatArray:
    """The carriage's speed, 0 to 1, by the position in its half cycle (0 to 1)."""
    rise = half_cycle * (1.0 / _RAMP_SHARE)
    fall = (run_share - half_cycle) * (1.0 / _RAMP_SHARE)
    return np.clip(np.minimum(rise, fall), 0.0, 1.0)


def render_slider(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a slide rail before the room; effective value about 1."""
    slider = _vary(SLIDERS[machine_id], rng)
    if fault is not None:
        slider = _damage(slider, fault, rng)
    half_cycles = phase_of(rng, drifting_speed(rng, 2.0 * slider.cycle_hz, 0.01))
    position = half_cycles - np.floor(half_cycles)
    speed = _speed_share(position, slider.run_share)
    wobble = 1.0 + slider.wobble_depth * cos_turns(steady_phase(rng, slider.wobble_hz))
    whine_phase = phase_of(rng, slider.whine_hz * (0.25 + 0.75 * speed) * wobble)
    whine = harmonics(whine_phase, falling_amplitudes(rng, 8, slider.whine_tilt_db, 0.7))
    white = white_noise(rng)
    rolling = lowpass(white, slider.rolling_corner_hz)
    squeal = cos_turns(steady_phase(rng, 1.03 * slider.rail[1].frequency_hz)) * amplitude_of_db(slider.squeal_db)
    excitation = whine * amplitude_of_db(slider.whine_db) + rolling * (2.2 * amplitude_of_db(slider.rolling_db))
    excitation += squeal
    excitation *= speed
    sound = radiate(excitation, slider.rail, -3.0)

    stops = crossings(half_cycles - slider.run_share)
    thunk = ring((Mode(180.0, 30.0, 0.0), *slider.rail), 3200)
    level = amplitude_of_db(slider.thunk_db - 8.0)
    add_impacts(sound, stops, [level * gain for gain in random_gains(rng, len(stops), 1.5)], thunk)
    if fault is not None and fault.kind == "rail_damage":
        place = uniform(rng, 0.15, slider.run_share - 0.15)
        forth = crossings(half_cycles - place)
        knock = ring(slider.rail, 1600)
        knock_level = amplitude_of_db(slider.knock_db - 8.0)
        for lag_ms in (0.0, 35.0):
            lag = int(lag_ms * SAMPLE_RATE_HZ / 1000.0)
            hits = [moment + lag for moment in forth]
            add_impacts(sound, hits, [knock_level * gain for gain in random_gains(rng, len(hits), 2.0)], knock)
    return sound
