"""Toy conveyors: a motor, gears, rollers and a belt whose joint thumps; faults are tension, slip, a damaged pulley.

The belt rubs (coloured noise through the frame's modes) and the rollers knock softly at their rate. Too much tension
stiffens the frame, slows the motor and rubs harder; a slipping belt slows down for moments and chirps; a damaged
pulley knocks once per turn. Tension is one of the kinds of ToyADMOS.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from asd_edge.clip.synthesize.config import N_SAMPLES
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

FAULT_KINDS = ("excessive_tension", "belt_slip", "damaged_pulley")
_GEAR_TEETH = 12.0
_MOTOR_TURNS_PER_ROLLER_TURN = 14.0
_ROLLER_TURNS_PER_BELT_TURN = 9.0
_SLIP_SAMPLES = 8000


@dataclass(frozen=True)
class ToyConveyor:
    """One conveyor as it is in one clip."""

    motor_hz: float
    mesh_db: float
    mesh_tilt_db: float
    friction_db: float
    friction_corner_hz: float
    roller_depth: float  # friction swells with the rollers
    roller_db: float  # soft knock per roller turn
    joint_db: float  # thump per belt turn
    slips: int  # events in the clip
    slip_depth: float  # share by which the speed falls
    chirp_db: float
    frame: Modes


TOY_CONVEYORS = {
    "id_01": ToyConveyor(
        76.0, -4.0, 2.0, -2.5, 1400.0, 0.22, -12.0, 3.0, 0, 0.0, -60.0,
        (Mode(560.0, 70.0, 5.0), Mode(1650.0, 130.0, 4.0), Mode(3600.0, 260.0, 4.0)),
    ),
    "id_02": ToyConveyor(
        79.0, -5.0, 2.5, -1.8, 1220.0, 0.29, -10.0, 1.5, 0, 0.0, -60.0,
        (Mode(600.0, 60.0, 4.0), Mode(1540.0, 150.0, 5.0), Mode(3850.0, 230.0, 2.5)),
    ),
    "id_03": ToyConveyor(
        82.5, -3.2, 2.9, -3.2, 1620.0, 0.17, -14.0, 4.0, 0, 0.0, -60.0,
        (Mode(525.0, 80.0, 6.0), Mode(1760.0, 115.0, 3.0), Mode(3370.0, 290.0, 5.0)),
    ),
}  # fmt: skip


def _vary(conveyor: ToyConveyor, rng: Generator) -> ToyConveyor:
    """The conveyor of a normal clip."""
    return replace(
        conveyor,
        motor_hz=spread(rng, conveyor.motor_hz, 0.009),
        mesh_db=conveyor.mesh_db + 1.0 * bell(rng),
        mesh_tilt_db=conveyor.mesh_tilt_db + 0.2 * bell(rng),
        friction_db=conveyor.friction_db + 0.8 * bell(rng),
        friction_corner_hz=spread(rng, conveyor.friction_corner_hz, 0.06),
        roller_depth=spread(rng, conveyor.roller_depth, 0.12),
        roller_db=conveyor.roller_db + 1.0 * bell(rng),
        joint_db=conveyor.joint_db + 1.0 * bell(rng),
        frame=vary_modes(rng, conveyor.frame, 0.010, 0.8),
    )


def _damage(conveyor: ToyConveyor, fault: Fault, rng: Generator) -> ToyConveyor:
    """The same conveyor with a fault."""
    strength = fault.strength
    if fault.kind == "excessive_tension":
        return replace(
            conveyor,
            motor_hz=conveyor.motor_hz * (1.0 - 0.015 * strength),
            friction_db=conveyor.friction_db + 1.0 * strength,
            joint_db=conveyor.joint_db - 1.0 * strength,
            frame=shift_modes(conveyor.frame, 1.0 + 0.020 * strength, (-1.0 * strength, 0.0, 1.0 * strength)),
        )
    if fault.kind == "belt_slip":
        return replace(
            conveyor,
            slips=2 + int(uniform(rng, 0.0, 4.0)),
            slip_depth=min(0.5, 0.07 * strength),
            chirp_db=-14.0 + 5.0 * strength,
            friction_corner_hz=conveyor.friction_corner_hz * (1.0 + 0.12 * strength),
            frame=shift_modes(conveyor.frame, 1.0 - 0.008 * strength, (0.0, 0.8 * strength, 0.0)),
        )
    return replace(
        conveyor,
        roller_db=conveyor.roller_db + 5.0 * strength,
        roller_depth=min(0.8, conveyor.roller_depth + 0.10 * strength),
        frame=shift_modes(conveyor.frame, 1.0 - 0.014 * strength, (0.8 * strength, -0.8 * strength, 0.0)),
    )


def _slip_curve(rng: Generator, n_slips: int) -> FloatArray:
    """(N_SAMPLES,) 0 while the belt grips, up to 1 in the middle of each slip."""
    curve = np.zeros(N_SAMPLES)
    rise = np.arange(_SLIP_SAMPLES) * (1.0 / _SLIP_SAMPLES)
    bump = 4.0 * rise * (1.0 - rise)
    for _ in range(n_slips):
        start = int(uniform(rng, 0.0, float(N_SAMPLES - _SLIP_SAMPLES)))
        part = curve[start : start + _SLIP_SAMPLES]
        part[:] = np.maximum(part, bump)
    return curve


def render_toy_conveyor(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a toy conveyor before the room; effective value about 1.2."""
    conveyor = _vary(TOY_CONVEYORS[machine_id], rng)
    if fault is not None:
        conveyor = _damage(conveyor, fault, rng)
    speed = drifting_speed(rng, conveyor.motor_hz, 0.004)
    slip = _slip_curve(rng, conveyor.slips)
    if conveyor.slips > 0:
        speed = speed * (1.0 - conveyor.slip_depth * slip)
    motor = phase_of(rng, speed)
    roller = motor * (1.0 / _MOTOR_TURNS_PER_ROLLER_TURN)
    belt = roller * (1.0 / _ROLLER_TURNS_PER_BELT_TURN)
    mesh = harmonics(motor * _GEAR_TEETH, falling_amplitudes(rng, 6, conveyor.mesh_tilt_db, 0.7))
    turns = harmonics(motor, falling_amplitudes(rng, 8, 2.5, 0.7))
    friction = lowpass(white_noise(rng), conveyor.friction_corner_hz)
    friction *= 1.0 + conveyor.roller_depth * cos_turns(roller)
    excitation = (mesh + 0.6 * turns) * amplitude_of_db(conveyor.mesh_db)
    excitation += friction * (2.2 * amplitude_of_db(conveyor.friction_db))
    if conveyor.slips > 0:
        chirp_hz = 0.97 * conveyor.frame[1].frequency_hz
        chirp = cos_turns(steady_phase(rng, chirp_hz) + 0.3 * cos_turns(steady_phase(rng, 37.0)))
        excitation += chirp * slip * amplitude_of_db(conveyor.chirp_db)
    sound = radiate(excitation, conveyor.frame, -4.0)
    thump = ring((Mode(140.0, 25.0, 0.0), *conveyor.frame), 3200, damping=1.5)
    knock = ring(conveyor.frame, 1600)
    for phase, level_db, response in ((belt, conveyor.joint_db - 8.0, thump), (roller, conveyor.roller_db, knock)):
        moments = crossings(phase)
        level = amplitude_of_db(level_db)
        add_impacts(sound, moments, [level * gain for gain in random_gains(rng, len(moments), 1.5)], response)
    return sound
