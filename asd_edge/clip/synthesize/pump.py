"""Pumps: vane-pass tones, mains hum, pulsating flow and cavitation; faults are leak, contamination and clogging.

Vane-pass frequency = shaft speed x vanes. The flow pulsates with the stroke, and small bubbles collapse against the
casing (Poisson-like rings). A leak hisses and takes pressure (pulsation, vane tones) away; grit in the water hits the
casing and wears the vanes; a clogged inlet slows stroke and shaft and cavitates. Kinds as in MIMII.
"""

from dataclasses import dataclass, replace

from numpy.random import Generator

from asd_edge.clip.synthesize.config import N_SAMPLES
from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, cos_turns
from asd_edge.clip.synthesize.fault import Fault
from asd_edge.clip.synthesize.noise import bell, lowpass, spread, white_noise
from asd_edge.clip.synthesize.vibration import (
    Mode,
    Modes,
    add_impacts,
    drifting_speed,
    falling_amplitudes,
    harmonics,
    phase_of,
    radiate,
    random_gains,
    random_positions,
    ring,
    shift_modes,
    steady_phase,
    vary_modes,
)

FAULT_KINDS = ("leak", "contamination", "clogging")
_MAINS_HZ = 50.0
_CLIP_S = 10.0


@dataclass(frozen=True)
class Pump:
    """One pump as it is in one clip."""

    speed_hz: float
    n_vanes: int
    vane_db: float
    vane_tilt_db: float
    hum_db: float  # magnetic hum at twice the mains frequency
    flow_db: float
    flow_corner_hz: float
    hiss_db: float  # flow noise above 2.5 kHz
    pulse_hz: float  # stroke of the flow
    pulse_depth: float
    bubbles_per_s: float
    bubble_db: float
    grit_db: float  # hits of particles; very low in a healthy pump
    casing: Modes


PUMPS = {
    "id_00": Pump(
        47.4, 6, -3.0, 2.0, -8.0, -3.0, 900.0, -15.0, 2.05, 0.45, 9.0, 0.0, -40.0,
        (Mode(820.0, 90.0, 5.0), Mode(1850.0, 140.0, 4.0), Mode(3450.0, 260.0, 3.0)),
    ),
    "id_02": Pump(
        48.5, 6, -4.0, 2.5, -7.0, -2.4, 1040.0, -14.0, 2.40, 0.55, 11.0, -1.0, -40.0,
        (Mode(880.0, 80.0, 4.0), Mode(1730.0, 150.0, 5.0), Mode(3700.0, 230.0, 4.0)),
    ),
    "id_04": Pump(
        49.3, 6, -2.2, 2.8, -9.5, -3.6, 790.0, -16.0, 2.80, 0.38, 7.0, 1.0, -40.0,
        (Mode(770.0, 100.0, 4.5), Mode(1970.0, 125.0, 3.5), Mode(3250.0, 290.0, 2.0)),
    ),
}  # fmt: skip


def _vary(pump: Pump, rng: Generator) -> Pump:
    """The pump of a normal clip."""
    return replace(
        pump,
        speed_hz=spread(rng, pump.speed_hz, 0.004),
        vane_db=pump.vane_db + 1.0 * bell(rng),
        vane_tilt_db=pump.vane_tilt_db + 0.2 * bell(rng),
        hum_db=pump.hum_db + 1.0 * bell(rng),
        flow_db=pump.flow_db + 0.8 * bell(rng),
        flow_corner_hz=spread(rng, pump.flow_corner_hz, 0.06),
        hiss_db=pump.hiss_db + 1.0 * bell(rng),
        pulse_hz=spread(rng, pump.pulse_hz, 0.05),
        pulse_depth=spread(rng, pump.pulse_depth, 0.10),
        bubbles_per_s=spread(rng, pump.bubbles_per_s, 0.15),
        casing=vary_modes(rng, pump.casing, 0.010, 0.8),
    )


def _damage(pump: Pump, fault: Fault) -> Pump:
    """The same pump with a fault."""
    strength = fault.strength
    if fault.kind == "leak":
        return replace(
            pump,
            hiss_db=pump.hiss_db + 3.0 * strength,
            vane_db=pump.vane_db - 1.2 * strength,
            pulse_depth=pump.pulse_depth / (1.0 + 0.25 * strength),
            casing=shift_modes(pump.casing, 1.0 + 0.012 * strength, (0.0, 0.0, 1.0 * strength)),
        )
    if fault.kind == "contamination":
        return replace(
            pump,
            grit_db=-6.0 + 4.0 * strength,
            vane_tilt_db=pump.vane_tilt_db - 0.3 * strength,
            casing=shift_modes(pump.casing, 1.0 - 0.015 * strength, (-0.8 * strength, 0.8 * strength, 0.8 * strength)),
        )
    return replace(
        pump,
        speed_hz=pump.speed_hz * (1.0 - 0.008 * strength),
        pulse_hz=pump.pulse_hz / (1.0 + 0.09 * strength),
        flow_corner_hz=pump.flow_corner_hz / (1.0 + 0.10 * strength),
        bubbles_per_s=pump.bubbles_per_s * (1.0 + 0.6 * strength),
        bubble_db=pump.bubble_db + 1.0 * strength,
        casing=shift_modes(pump.casing, 1.0 - 0.010 * strength, (0.8 * strength, -0.8 * strength, 0.0)),
    )


def render_pump(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a pump before the room; effective value about 1.3."""
    pump = _vary(PUMPS[machine_id], rng)
    if fault is not None:
        pump = _damage(pump, fault)
    shaft = phase_of(rng, drifting_speed(rng, pump.speed_hz, 0.002))
    vanes = harmonics(shaft * float(pump.n_vanes), falling_amplitudes(rng, 10, pump.vane_tilt_db, 0.7))
    hum = harmonics(steady_phase(rng, 2.0 * _MAINS_HZ), falling_amplitudes(rng, 4, 4.0, 0.5))
    stroke = 0.5 + 0.5 * cos_turns(phase_of(rng, drifting_speed(rng, pump.pulse_hz, 0.02)))
    pulsation = 1.0 + pump.pulse_depth * (2.0 * stroke * stroke - 0.75)
    white = white_noise(rng)
    excitation = vanes * amplitude_of_db(pump.vane_db)
    excitation += lowpass(white, pump.flow_corner_hz) * (2.5 * amplitude_of_db(pump.flow_db))
    excitation += (white - lowpass(white, 2500.0)) * amplitude_of_db(pump.hiss_db)
    excitation *= pulsation
    excitation += hum * amplitude_of_db(pump.hum_db)
    sound = radiate(excitation, pump.casing, -4.0)
    hit = ring(pump.casing, 1200, damping=0.8)
    for rate_per_s, level_db in ((pump.bubbles_per_s, pump.bubble_db - 9.0), (6.0, pump.grit_db)):
        n_hits = int(rate_per_s * _CLIP_S)
        level = amplitude_of_db(level_db)
        gains = [level * gain for gain in random_gains(rng, n_hits, 4.0)]
        add_impacts(sound, random_positions(rng, n_hits), gains, hit)
    assert sound.shape == (N_SAMPLES,)
    return sound
