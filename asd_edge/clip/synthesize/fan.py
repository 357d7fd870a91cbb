"""Fans: blade-pass harmonics and flow noise through a casing; faults are imbalance, clogging and a changed speed.

Blade-pass frequency = shaft speed x blades. An imbalance adds shaft orders and lets tones and flow swell once per turn
(and slowly, as the shaft beats with its neighbours); dust in the inlet lowers the flow noise's corner, loads the
blades and detunes the casing; another supply voltage changes the speed. Kinds as in MIMII (Purohit et al., 2019).
"""

from dataclasses import dataclass, replace

from numpy.random import Generator

from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, cos_turns
from asd_edge.clip.synthesize.fault import Fault, toward_sisters
from asd_edge.clip.synthesize.noise import bell, lowpass, spread, white_noise
from asd_edge.clip.synthesize.vibration import (
    Mode,
    Modes,
    drifting_speed,
    falling_amplitudes,
    harmonics,
    phase_of,
    radiate,
    shift_modes,
    steady_phase,
    vary_modes,
)

FAULT_KINDS = ("imbalance", "clogging", "rotating_frequency_change")


@dataclass(frozen=True)
class Fan:
    """One fan as it is in one clip."""

    speed_hz: float
    n_blades: int
    blade_db: float  # blade-pass tones
    blade_tilt_db: float  # fall per harmonic
    shaft_db: float  # orders of the shaft speed: the residual imbalance
    flow_db: float  # broadband flow noise
    flow_corner_hz: float
    swell_hz: float  # slow beat of the flow
    swell_depth: float
    turn_depth: float  # once-per-turn modulation of tones and flow
    casing: Modes


FANS = {
    "id_00": Fan(
        23.4, 7, -2.0, 1.9, -14.0, -1.0, 1350.0, 1.10, 0.16, 0.10,
        (Mode(640.0, 70.0, 6.0), Mode(1480.0, 120.0, 4.0), Mode(3150.0, 220.0, 5.0)),
    ),
    "id_02": Fan(
        24.3, 7, -2.6, 2.3, -12.5, -1.4, 1180.0, 1.45, 0.21, 0.13,
        (Mode(690.0, 85.0, 4.5), Mode(1380.0, 105.0, 5.5), Mode(2960.0, 240.0, 4.0)),
    ),
    "id_04": Fan(
        25.3, 7, -1.6, 2.7, -15.0, -0.6, 1540.0, 0.85, 0.12, 0.08,
        (Mode(605.0, 60.0, 5.0), Mode(1590.0, 135.0, 3.0), Mode(3380.0, 200.0, 6.0)),
    ),
}  # fmt: skip


def _vary(fan: Fan, rng: Generator) -> Fan:
    """The fan of a normal clip: load, temperature and supply differ a little from clip to clip."""
    return replace(
        fan,
        speed_hz=spread(rng, fan.speed_hz, 0.008),
        blade_db=fan.blade_db + 1.0 * bell(rng),
        blade_tilt_db=fan.blade_tilt_db + 0.2 * bell(rng),
        shaft_db=fan.shaft_db + 1.5 * bell(rng),
        flow_db=fan.flow_db + 0.8 * bell(rng),
        flow_corner_hz=spread(rng, fan.flow_corner_hz, 0.06),
        swell_hz=spread(rng, fan.swell_hz, 0.10),
        swell_depth=spread(rng, fan.swell_depth, 0.15),
        casing=vary_modes(rng, fan.casing, 0.010, 0.8),
    )


def _damage(fan: Fan, fault: Fault, rng: Generator) -> Fan:
    """The same fan with a fault."""
    strength = fault.strength
    if fault.kind == "imbalance":
        return replace(
            fan,
            shaft_db=fan.shaft_db + 7.0 * strength,
            turn_depth=min(0.8, fan.turn_depth + 0.22 * strength),
            swell_depth=min(0.7, fan.swell_depth + 0.16 * strength),
            blade_tilt_db=fan.blade_tilt_db - 0.25 * strength,
        )
    if fault.kind == "clogging":
        return replace(
            fan,
            speed_hz=fan.speed_hz * (1.0 - 0.008 * strength),
            flow_db=fan.flow_db - 1.2 * strength,
            flow_corner_hz=fan.flow_corner_hz / (1.0 + 0.14 * strength),
            blade_db=fan.blade_db + 1.2 * strength,
            casing=shift_modes(fan.casing, 1.0 - 0.018 * strength, (1.0 * strength, -0.6 * strength, -1.6 * strength)),
        )
    sign = toward_sisters(rng, fan.speed_hz, tuple(other.speed_hz for other in FANS.values()))
    return replace(fan, speed_hz=fan.speed_hz * (1.0 + sign * 0.028 * strength))


def render_fan(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a fan before the room; effective value about 1.4."""
    fan = _vary(FANS[machine_id], rng)
    if fault is not None:
        fan = _damage(fan, fault, rng)
    shaft = phase_of(rng, drifting_speed(rng, fan.speed_hz, 0.003))
    turn = 1.0 + fan.turn_depth * cos_turns(shaft)
    swell = 1.0 + fan.swell_depth * cos_turns(steady_phase(rng, fan.swell_hz))
    blades = harmonics(shaft * float(fan.n_blades), falling_amplitudes(rng, 14, fan.blade_tilt_db, 0.7))
    orders = harmonics(shaft, falling_amplitudes(rng, 6, 1.5, 0.7))
    flow = lowpass(white_noise(rng), fan.flow_corner_hz)
    excitation = turn * (
        blades * (0.8 * amplitude_of_db(fan.blade_db)) + flow * swell * (2.2 * amplitude_of_db(fan.flow_db))
    )
    excitation += orders * amplitude_of_db(fan.shaft_db)
    return radiate(excitation, fan.casing, -4.0)
