"""Solenoid valves: opening and closing clicks in a rhythm, each with a puff; faults are contaminations, missed clicks.

A click rings the body's modes; the puff is noise that dies away. Grit damps and detunes the click, gum lets the valve
close late and unevenly, a worn seat lets it hiss between the clicks, a weak coil misses clicks. MIMII names "more than
two kinds of contamination".
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from asd_edge.clip.synthesize.config import N_SAMPLES, SAMPLE_RATE_HZ
from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, decay_curve, exponential
from asd_edge.clip.synthesize.fault import Fault
from asd_edge.clip.synthesize.noise import bell, lowpass, spread, uniform, white_noise
from asd_edge.clip.synthesize.vibration import (
    Mode,
    Modes,
    add_impacts,
    falling_amplitudes,
    harmonics,
    random_gains,
    ring,
    shift_modes,
    steady_phase,
    vary_modes,
)

FAULT_KINDS = ("grit", "gum", "worn_seat", "missed_click")
_PUFF_SAMPLES = 4800
_CLICK_SAMPLES = 2400


@dataclass(frozen=True)
class Valve:
    """One valve as it is in one clip."""

    period_s: float
    open_s: float  # from the opening to the closing click
    jitter_s: float
    click_db: float
    close_db: float  # closing click against the opening one
    damping: float
    puff_db: float
    puff_s: float  # time in which the puff falls to 1/e
    leak_db: float  # hiss while closed; very low where the seat is tight
    miss_share: float  # clicks that fail
    hum_db: float
    body: Modes


VALVES = {
    "id_00": Valve(
        1.08, 0.26, 0.010, 12.0, -3.0, 1.00, -1.0, 0.045, -26.0, 0.0, -16.0,
        (Mode(1750.0, 45.0, 0.0), Mode(3500.0, 70.0, 2.0), Mode(5700.0, 90.0, 3.0)),
    ),
    "id_02": Valve(
        0.96, 0.32, 0.010, 11.0, -5.0, 1.20, 0.0, 0.036, -27.0, 0.0, -15.0,
        (Mode(1860.0, 55.0, 1.0), Mode(3300.0, 60.0, 3.0), Mode(5450.0, 100.0, 1.0)),
    ),
    "id_04": Valve(
        1.21, 0.21, 0.010, 12.5, -1.5, 0.85, -2.0, 0.055, -25.0, 0.0, -17.0,
        (Mode(1650.0, 40.0, 2.0), Mode(3700.0, 80.0, 1.0), Mode(6000.0, 85.0, 2.0)),
    ),
}  # fmt: skip


def _vary(valve: Valve, rng: Generator) -> Valve:
    """The valve of a normal clip."""
    return replace(
        valve,
        period_s=spread(rng, valve.period_s, 0.025),
        open_s=spread(rng, valve.open_s, 0.05),
        click_db=valve.click_db + 1.0 * bell(rng),
        close_db=valve.close_db + 0.8 * bell(rng),
        damping=spread(rng, valve.damping, 0.08),
        puff_db=valve.puff_db + 0.8 * bell(rng),
        puff_s=spread(rng, valve.puff_s, 0.08),
        leak_db=valve.leak_db + 1.5 * bell(rng),
        body=vary_modes(rng, valve.body, 0.010, 0.8),
    )


def _damage(valve: Valve, fault: Fault) -> Valve:
    """The same valve with a fault."""
    strength = fault.strength
    if fault.kind == "grit":
        return replace(
            valve,
            damping=valve.damping * (1.0 + 0.45 * strength),
            click_db=valve.click_db - 0.8 * strength,
            body=shift_modes(valve.body, 1.0 - 0.020 * strength, (0.0, -0.8 * strength, -1.6 * strength)),
        )
    if fault.kind == "gum":
        return replace(
            valve,
            open_s=valve.open_s + 0.035 * strength,
            jitter_s=valve.jitter_s + 0.018 * strength,
            close_db=valve.close_db - 2.0 * strength,
            body=shift_modes(valve.body, 1.0 - 0.008 * strength, (0.0, 0.0, 0.0)),
        )
    if fault.kind == "worn_seat":
        return replace(
            valve,
            leak_db=valve.leak_db + 5.0 * strength,
            puff_s=valve.puff_s * (1.0 + 0.25 * strength),
            puff_db=valve.puff_db + 0.8 * strength,
            body=shift_modes(valve.body, 1.0 + 0.008 * strength, (0.0, 0.0, 0.0)),
        )
    return replace(
        valve,
        miss_share=min(0.9, 0.22 * strength),
        click_db=valve.click_db - 0.8 * strength,
        body=shift_modes(valve.body, 1.0, (0.8 * strength, 0.0, -0.8 * strength)),
    )


def render_valve(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a valve before the room; effective value about 0.2, most of it in the clicks."""
    valve = _vary(VALVES[machine_id], rng)
    if fault is not None:
        valve = _damage(valve, fault)
    white = white_noise(rng)
    bright = white - lowpass(white, 1800.0)
    sound = bright * amplitude_of_db(valve.leak_db)
    hum = harmonics(steady_phase(rng, 100.0), falling_amplitudes(rng, 5, 3.0, 0.5))
    sound += hum * amplitude_of_db(valve.hum_db)

    click = ring(valve.body, _CLICK_SAMPLES, valve.damping)
    puff_curve = decay_curve(_PUFF_SAMPLES, exponential(-1.0 / (valve.puff_s * SAMPLE_RATE_HZ)))
    attack = np.minimum(np.arange(_PUFF_SAMPLES) * (1.0 / 80.0), 1.0)
    puff_envelope = puff_curve * attack
    beat = uniform(rng, -valve.period_s, 0.0)
    while beat < 10.0:
        moments = (beat + valve.jitter_s * bell(rng), beat + valve.open_s + valve.jitter_s * bell(rng))
        for moment, extra_db in zip(moments, (0.0, valve.close_db), strict=True):
            gain = amplitude_of_db(extra_db) * random_gains(rng, 1, 0.8)[0]
            missed = uniform(rng, 0.0, 1.0) < valve.miss_share
            start = int(moment * SAMPLE_RATE_HZ)
            puff_from = int(uniform(rng, 0.0, float(N_SAMPLES - _PUFF_SAMPLES)))
            if missed:
                continue
            add_impacts(sound, (start,), (gain * amplitude_of_db(valve.click_db - 8.0),), click)
            puff = bright[puff_from : puff_from + _PUFF_SAMPLES] * puff_envelope
            add_impacts(sound, (start,), (gain * amplitude_of_db(valve.puff_db),), puff)
        beat += valve.period_s
    return sound
