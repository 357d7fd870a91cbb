"""Toy cars: a motor, two gear stages and four wheels; faults are a bent shaft, deformed gears and a bad bearing.

Gear mesh = shaft speed x teeth, with its harmonics, for the motor's pinion and for the wheel stage; the wheels roll. A
bent shaft lets mesh and rolling noise swell with the wheel, deformed teeth strike once per turn and flatten the mesh
harmonics, a bad bearing gives impulses at its pass rate that ring the shell. Shaft and gears are two of the kinds of
ToyADMOS (Koizumi et al., 2019).
"""

from dataclasses import dataclass, replace

from numpy.random import Generator

from asd_edge.clip.synthesize.exact_math import FloatArray, amplitude_of_db, cos_turns
from asd_edge.clip.synthesize.fault import Fault
from asd_edge.clip.synthesize.noise import bell, lowpass, spread, white_noise
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
    vary_modes,
)

FAULT_KINDS = ("bent_shaft", "deformed_gears", "bearing")
_WHEEL_TEETH = 42.0
_GEAR_RATIO = 11.6  # motor turns per wheel turn
_PINION_TEETH = 10.0
_BEARING_RATE = 3.58  # outer-race hits per turn of the wheel shaft (8 balls)


@dataclass(frozen=True)
class ToyCar:
    """One toy car as it is in one clip."""

    wheel_hz: float
    flutter: float  # share by which the speed trembles
    mesh_db: float  # wheel stage
    mesh_tilt_db: float
    pinion_db: float  # motor stage
    rolling_db: float
    rolling_corner_hz: float
    swell_depth: float  # once per wheel turn
    tooth_db: float  # once-per-turn strike; very low with sound gears
    bearing_db: float  # impulses; very low with a sound bearing
    shell: Modes


TOY_CARS = {
    "id_01": ToyCar(
        8.6, 0.010, -3.0, 1.8, -6.0, -3.0, 1500.0, 0.15, -60.0, -60.0,
        (Mode(930.0, 110.0, 5.0), Mode(2200.0, 180.0, 4.0), Mode(4400.0, 320.0, 4.0)),
    ),
    "id_02": ToyCar(
        9.0, 0.014, -4.0, 2.3, -5.0, -2.2, 1300.0, 0.20, -60.0, -60.0,
        (Mode(990.0, 95.0, 4.0), Mode(2080.0, 200.0, 5.0), Mode(4700.0, 290.0, 3.0)),
    ),
    "id_03": ToyCar(
        9.45, 0.008, -2.4, 2.7, -7.0, -3.8, 1730.0, 0.11, -60.0, -60.0,
        (Mode(875.0, 125.0, 6.0), Mode(2320.0, 165.0, 3.0), Mode(4130.0, 350.0, 5.0)),
    ),
}  # fmt: skip


def _vary(car: ToyCar, rng: Generator) -> ToyCar:
    """The car of a normal clip: battery, track and wheels differ a little."""
    return replace(
        car,
        wheel_hz=spread(rng, car.wheel_hz, 0.010),
        flutter=spread(rng, car.flutter, 0.15),
        mesh_db=car.mesh_db + 1.0 * bell(rng),
        mesh_tilt_db=car.mesh_tilt_db + 0.2 * bell(rng),
        pinion_db=car.pinion_db + 1.0 * bell(rng),
        rolling_db=car.rolling_db + 0.8 * bell(rng),
        rolling_corner_hz=spread(rng, car.rolling_corner_hz, 0.06),
        swell_depth=spread(rng, car.swell_depth, 0.12),
        shell=vary_modes(rng, car.shell, 0.010, 0.8),
    )


def _damage(car: ToyCar, fault: Fault) -> ToyCar:
    """The same car with a fault."""
    strength = fault.strength
    if fault.kind == "bent_shaft":
        return replace(
            car,
            swell_depth=min(0.85, car.swell_depth + 0.20 * strength),
            flutter=car.flutter + 0.006 * strength,
            wheel_hz=car.wheel_hz * (1.0 - 0.015 * strength),
            shell=shift_modes(car.shell, 1.0 - 0.010 * strength, (1.0 * strength, 0.0, -0.8 * strength)),
        )
    if fault.kind == "deformed_gears":
        return replace(
            car,
            mesh_tilt_db=car.mesh_tilt_db - 0.5 * strength,
            mesh_db=car.mesh_db + 1.0 * strength,
            tooth_db=-5.0 + 4.0 * strength,
            shell=shift_modes(car.shell, 1.0 + 0.010 * strength, (-0.8 * strength, 0.8 * strength, 0.0)),
        )
    return replace(
        car,
        bearing_db=-10.0 + 4.0 * strength,
        shell=shift_modes(car.shell, 1.0 - 0.014 * strength, (-0.6 * strength, 0.0, 1.0 * strength)),
    )


def render_toy_car(rng: Generator, machine_id: str, fault: Fault | None) -> FloatArray:
    """(N_SAMPLES,) one clip of a toy car before the room; effective value about 1.5."""
    car = _vary(TOY_CARS[machine_id], rng)
    if fault is not None:
        car = _damage(car, fault)
    wheel = phase_of(rng, drifting_speed(rng, car.wheel_hz, 0.006, car.flutter))
    swell = 1.0 + car.swell_depth * cos_turns(wheel)
    mesh = harmonics(wheel * _WHEEL_TEETH, falling_amplitudes(rng, 10, car.mesh_tilt_db, 0.7))
    pinion = harmonics(wheel * (_GEAR_RATIO * _PINION_TEETH), falling_amplitudes(rng, 5, 2.5, 0.7))
    rolling = lowpass(white_noise(rng), car.rolling_corner_hz)
    excitation = mesh * amplitude_of_db(car.mesh_db) + pinion * amplitude_of_db(car.pinion_db)
    excitation += rolling * (2.2 * amplitude_of_db(car.rolling_db))
    excitation *= swell
    sound = radiate(excitation, car.shell, -4.0)
    hit = ring(car.shell, 1200, damping=0.7)
    for phase, level_db in ((wheel, car.tooth_db), (wheel * _BEARING_RATE, car.bearing_db)):
        moments = crossings(phase)
        level = amplitude_of_db(level_db)
        add_impacts(sound, moments, [level * gain for gain in random_gains(rng, len(moments), 2.0)], hit)
    return sound
