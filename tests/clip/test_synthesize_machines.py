"""What the synthetic machines sound like: lines, rhythms and levels where physics puts them, and what each fault moves.

Machines are measured before room and factory noise, with one PCG64 seed for the sound and the damaged one: the
differences are the fault's.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from asd_edge.clip.synthesize.config import MACHINE_IDS, N_SAMPLES
from asd_edge.clip.synthesize.dataset import MACHINE_MODELS
from asd_edge.clip.synthesize.fan import FANS
from asd_edge.clip.synthesize.fault import Fault, draw_fault, toward_sisters
from asd_edge.clip.synthesize.noise import white_noise
from asd_edge.clip.synthesize.pump import PUMPS
from asd_edge.clip.synthesize.room import Recording, factory_noise, record
from asd_edge.clip.synthesize.slider import SLIDERS
from asd_edge.clip.synthesize.toy_car import TOY_CARS
from asd_edge.clip.synthesize.toy_conveyor import TOY_CONVEYORS
from asd_edge.clip.synthesize.valve import VALVES
from asd_edge.clip.synthesize.vibration import Mode, crossings, harmonics, radiate, ring
from tests.clip.measure_sound import (
    Sound,
    band_db,
    envelope,
    kurtosis,
    line_hz,
    modulation,
    power_spectrum,
    prominence_db,
    rhythm_hz,
)

Measure = Callable[[Sound], float]


def rng(seed: int) -> Generator:
    return Generator(PCG64(seed))


def sound_of(machine_type: str, machine_id: str, seed: int, fault: Fault | None = None) -> Sound:
    return MACHINE_MODELS[machine_type].render(rng(seed), machine_id, fault)


# The strongest line near the frequency that speed and teeth (blades, vanes) give; its share off and its height.
LINES = {
    "blade pass": ("fan", {name: fan.n_blades * fan.speed_hz for name, fan in FANS.items()}),
    "vane pass": ("pump", {name: pump.n_vanes * pump.speed_hz for name, pump in PUMPS.items()}),
    "magnetic hum": ("pump", dict.fromkeys(PUMPS, 100.0)),
    "drive whine": ("slider", {name: slider.whine_hz for name, slider in SLIDERS.items()}),
    "wheel mesh": ("ToyCar", {name: 42 * car.wheel_hz for name, car in TOY_CARS.items()}),
    "pinion mesh": ("ToyCar", {name: 116 * car.wheel_hz for name, car in TOY_CARS.items()}),
    "motor": ("ToyConveyor", {name: conveyor.motor_hz for name, conveyor in TOY_CONVEYORS.items()}),
    "gear mesh": ("ToyConveyor", {name: 12 * conveyor.motor_hz for name, conveyor in TOY_CONVEYORS.items()}),
}


@pytest.mark.parametrize("line", LINES)
def test_tone_stands_where_speed_and_teeth_put_it(line: str) -> None:
    machine_type, expected_hz = LINES[line]
    for seed, (machine_id, hz) in enumerate(expected_hz.items()):
        sound = sound_of(machine_type, machine_id, seed)
        assert line_hz(sound, 0.93 * hz, 1.07 * hz) == pytest.approx(hz, rel=0.03)
        assert prominence_db(sound, hz) > 10.0


RHYTHMS = {
    "strokes of a pump": ("pump", {name: pump.pulse_hz for name, pump in PUMPS.items()}),
    "half cycles of a slide rail": ("slider", {name: 2 * slider.cycle_hz for name, slider in SLIDERS.items()}),
    "clicks of a valve": ("valve", {name: 1 / valve.period_s for name, valve in VALVES.items()}),
    "turns of a toy car's wheels": ("ToyCar", {name: car.wheel_hz for name, car in TOY_CARS.items()}),
}


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_envelope_repeats_at_the_machine_s_rhythm(rhythm: str) -> None:
    machine_type, expected_hz = RHYTHMS[rhythm]
    for seed, (machine_id, hz) in enumerate(expected_hz.items()):
        found_hz = rhythm_hz(envelope(sound_of(machine_type, machine_id, seed)), 0.7 * hz, 1.5 * hz)
        assert found_hz == pytest.approx(hz, rel=0.1)  # clips differ (2 to 5 % deviation), lags are steps of 5 ms


@pytest.mark.parametrize("machine_type", MACHINE_IDS)
def test_machines_have_the_level_that_their_noise_is_measured_against(machine_type: str) -> None:
    low, high = (0.15, 0.4) if machine_type == "valve" else (0.8, 1.9)  # a valve is silent between its clicks
    for seed, machine_id in enumerate(MACHINE_IDS[machine_type]):
        sound = sound_of(machine_type, machine_id, seed)
        assert sound.shape == (N_SAMPLES,)
        assert low < np.sqrt(np.mean(sound**2)) < high


def test_valve_is_impulsive_and_the_others_are_not() -> None:
    for machine_type, (machine_id, *_) in MACHINE_IDS.items():
        assert (kurtosis(sound_of(machine_type, machine_id, 1)) > 20.0) == (machine_type == "valve")


@pytest.mark.parametrize("machine_type", MACHINE_IDS)
def test_ids_of_a_type_differ_more_than_clips_of_an_id(machine_type: str) -> None:
    """Mean spectra in 40 bands, dB, over six clips: otherwise no classifier of IDs could learn anything."""
    spectra = np.array(
        [
            [
                10
                * np.log10(power_spectrum(sound_of(machine_type, name, seed), 512)[1:241].reshape(40, 6).mean(axis=1))
                for seed in range(6)
            ]
            for name in MACHINE_IDS[machine_type]
        ]
    )  # (ids, clips, bands)
    between = np.mean(np.var(spectra.mean(axis=1), axis=0))
    within_means = np.mean(np.var(spectra, axis=1)) / 6
    assert between > 2 * within_means


def _level_step(above: tuple[float, float], below: tuple[float, float]) -> Measure:
    return lambda sound: band_db(sound, *above) - band_db(sound, *below)


def _depth(rate_hz: float, low_hz: float = 0.0, high_hz: float = 8_000.0) -> Measure:
    return lambda sound: modulation(envelope(sound, low_hz, high_hz), rate_hz)


def _line(hz: float) -> Measure:
    return lambda sound: line_hz(sound, 0.9 * hz, 1.1 * hz) / hz


def _rhythm(low_hz: float, high_hz: float) -> Measure:
    return lambda sound: rhythm_hz(envelope(sound), low_hz, high_hz)


def _opening_s(sound: Sound) -> float:
    """Seconds from a valve's opening to its closing click: a second peak of the envelope's autocorrelation."""
    return 1 / rhythm_hz(envelope(sound, 1_000.0), 2.0, 6.5)


def _ring_ms(sound: Sound) -> float:
    """Time in which 90 % of the loudest click's energy has come."""
    loudest = int(np.argmax(np.abs(sound)))
    energy = np.cumsum(sound[loudest : loudest + 1_600] ** 2)
    return float(np.argmax(energy > 0.9 * energy[-1])) / 16


def _floor_db(sound: Sound) -> float:
    """Level between a valve's clicks against that of the clicks."""
    steps = np.sort(envelope(sound, 2_000.0))
    return float(20 * np.log10(np.median(steps) / steps[-20:].mean()))


def _n_clicks(sound: Sound) -> float:
    steps = envelope(sound, 1_000.0)
    inner = steps[1:-1]
    return float(np.sum((inner > steps[:-2]) & (inner >= steps[2:]) & (inner > 0.25 * np.sort(steps)[-5])))


# What a fault of strength 1 changes on a type's first ID: the measure, and by how much at least, mean of four clips.
EFFECTS: dict[tuple[str, str], tuple[Measure, float]] = {
    ("fan", "imbalance"): (_depth(23.4), 0.08),
    ("fan", "clogging"): (_level_step((2_500, 5_000), (300, 900)), -1.5),
    ("fan", "rotating_frequency_change"): (lambda sound: abs(_line(163.8)(sound) - 0.999), 0.012),
    ("pump", "leak"): (_level_step((5_000, 8_000), (270, 300)), 0.9),
    ("pump", "contamination"): (_level_step((1_200, 4_000), (250, 320)), 0.7),
    ("pump", "clogging"): (_rhythm(1.4, 2.6), -0.09),
    ("slider", "rail_damage"): (_level_step((3_900, 4_700), (600, 1_200)), 0.6),
    ("slider", "loose_belt"): (_line(505.0), -0.01),
    ("slider", "no_grease"): (lambda sound: prominence_db(sound, 1.03 * 2_150.0), 6.0),
    ("valve", "grit"): (_ring_ms, 6.0),
    ("valve", "gum"): (_opening_s, 0.015),
    ("valve", "worn_seat"): (_floor_db, 2.5),
    ("valve", "missed_click"): (_n_clicks, -2.0),
    ("ToyCar", "bent_shaft"): (_depth(8.6), 0.10),
    ("ToyCar", "deformed_gears"): (_level_step((2_000, 4_000), (340, 380)), 0.6),
    ("ToyCar", "bearing"): (_depth(3.58 * 8.6, 2_500, 6_000), 0.008),
    ("ToyConveyor", "excessive_tension"): (_line(912.0), -0.007),
    ("ToyConveyor", "belt_slip"): (lambda sound: prominence_db(sound, 0.97 * 1_650.0), 3.0),
    ("ToyConveyor", "damaged_pulley"): (_depth(76.0 / 14, 2_500, 6_000), 0.02),
}


def test_every_fault_kind_has_an_effect_to_look_for() -> None:
    assert list(EFFECTS) == [(name, kind) for name, model in MACHINE_MODELS.items() for kind in model.fault_kinds]


@pytest.mark.parametrize(("machine_type", "kind"), EFFECTS)
def test_fault_moves_what_physics_says(machine_type: str, kind: str) -> None:
    measure, at_least = EFFECTS[machine_type, kind]
    machine_id = MACHINE_IDS[machine_type][0]
    changes = [
        measure(sound_of(machine_type, machine_id, seed, Fault(kind, 1.0)))
        - measure(sound_of(machine_type, machine_id, seed))
        for seed in range(4)
    ]
    assert np.mean(changes) / at_least > 1.0


@pytest.mark.parametrize("machine_type", MACHINE_IDS)
def test_fault_kinds_take_turns_with_strengths_around_the_severity(machine_type: str) -> None:
    kinds = MACHINE_MODELS[machine_type].fault_kinds
    generator = rng(0)
    faults = [draw_fault(generator, kinds, number, 2.0) for number in range(30 * len(kinds))]
    assert [fault.kind for fault in faults] == [*kinds] * 30
    strengths = np.array([fault.strength for fault in faults])
    assert strengths.min() >= 0.4
    assert strengths.max() < 3.6
    assert abs(strengths.mean() - 2.0) < 0.3
    assert draw_fault(rng(0), kinds, 0, 0.0).strength == 0.0


def test_shift_without_a_sign_goes_to_where_the_sisters_are() -> None:
    family = (1.0, 2.0, 3.0)
    assert toward_sisters(rng(0), 1.0, family) == 1.0
    assert toward_sisters(rng(0), 3.0, family) == -1.0
    assert {toward_sisters(rng(seed), 2.0, family) for seed in range(20)} == {1.0, -1.0}


def test_recorded_signal_to_noise_ratio_is_the_chosen_one() -> None:
    """One seed with and without the machine: the difference is the machine alone.

    Its five echoes, -8 to -20 dB, add 10 log10(1 + 5 * 0.0537) = 1.03 dB on average.
    """
    ratios_db = []
    for seed in range(20):
        sound = white_noise(rng(1_000 + seed)) * 8.0  # 18 dB up, so that rounding to int16 doesn't count
        noise = record(rng(seed), np.zeros(N_SAMPLES), Recording(3.0, 0.0)).astype(np.float64)
        both = record(rng(seed), sound, Recording(3.0, 0.0)).astype(np.float64)
        assert np.abs(both).max() < 32767
        ratios_db.append(10 * np.log10(np.mean((both - noise) ** 2) / np.mean(noise**2)) - 20 * np.log10(8.0))
    assert np.mean(ratios_db) == pytest.approx(3.0 + 1.03, abs=0.3)
    assert np.std(ratios_db) < 0.6


def test_recording_beyond_full_scale_clips_instead_of_wrapping() -> None:
    recorded = record(rng(0), np.full(N_SAMPLES, 1e4), Recording(3.0))
    assert recorded.max() == 32767
    assert recorded.dtype == np.int16
    assert recorded[1_000:].min() == 32767


def test_factory_noise_falls_with_frequency() -> None:
    for seed in range(3):
        noise = factory_noise(rng(seed))
        levels = [band_db(noise, low, 2 * low) for low in (60.0, 500.0, 1_500.0, 3_500.0)]
        assert all(first > second + 3.0 for first, second in itertools.pairwise(levels))


def test_harmonics_are_cosines_of_the_multiples_of_the_phase() -> None:
    phase = np.linspace(0.0, 3.0, 5_000)
    expected = 0.5 * np.cos(2 * np.pi * phase) - 0.25 * np.cos(4 * np.pi * phase) + 2.0 * np.cos(6 * np.pi * phase)
    np.testing.assert_allclose(harmonics(phase, (0.5, -0.25, 2.0)), expected, atol=1e-9)


def test_body_rings_and_radiates_at_its_modes() -> None:
    modes = (Mode(1_000.0, 40.0, 0.0), Mode(3_000.0, 60.0, -6.0))
    answers = (ring(modes, 16_384), radiate(white_noise(rng(0)), modes, -40.0))
    for answer in answers:
        assert line_hz(answer, 800.0, 1_200.0) == pytest.approx(1_000.0, abs=25.0)
        assert line_hz(answer, 2_700.0, 3_300.0) == pytest.approx(3_000.0, abs=35.0)
        assert band_db(answer, 990.0, 1_010.0) > band_db(answer, 2_990.0, 3_010.0) + 3.0


def test_crossings_are_the_first_samples_of_new_turns() -> None:
    assert crossings(np.array([0.2, 0.7, 1.0, 1.4, 1.9, 2.4])) == [2, 5]
