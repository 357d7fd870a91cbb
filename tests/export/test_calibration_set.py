"""load_calibration_set and network_inputs: which clips, which features, which runs."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asd_edge.clip.level import level_in_turn_db
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import ClipError, DatasetError, GraphError, QuantizationError
from asd_edge.export.calibration_set import choose_clips, load_calibration_set, network_inputs, spread_evenly
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.wavegram_fir import FirTaps, wavegram_fir
from asd_edge.graph.graph import Graph, Tensor
from quantization.recipe import CALIBRATION_CLIPS, Observe, Recipe, Step

FRONTEND = FrontendConfig(clip_samples=8_000, n_mels=32)
N_FRAMES = FRONTEND.n_frames


def write(path: Path, samples: NDArray[np.int16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="PCM_16")


def noise(seed: int, level: float = 2000.0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, level, FRONTEND.clip_samples).astype(np.int16)


def recipe(n_clips: int, n_held_back: int, *steps: Step) -> Recipe:
    return Recipe("own", steps, n_clips, n_held_back)


def graph_with_inputs(**shapes: tuple[int, ...]) -> Graph:
    return Graph({name: Tensor(name, shape, "float32") for name, shape in shapes.items()}, (), tuple(shapes), ())


@pytest.mark.parametrize(
    ("n_items", "n_wanted", "expected"),
    [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (10, 4, [0, 2, 5, 7]), (540, 3, [0, 180, 360])],
)
def test_clips_are_spread_evenly(n_items: int, n_wanted: int, expected: list[int]) -> None:
    assert list(spread_evenly(tuple(range(n_items)), n_wanted)) == expected


def test_spread_clips_come_from_every_machine() -> None:
    clips = tuple(f"{machine:02}/{number}" for machine in range(18) for number in range(30))
    chosen = spread_evenly(clips, CALIBRATION_CLIPS)
    counts = [sum(clip.startswith(f"{machine:02}/") for clip in chosen) for machine in range(18)]
    assert (sum(counts), min(counts), max(counts)) == (64, 3, 4)


def test_clips_that_are_held_back_calibrate_nothing_and_are_spread_evenly() -> None:
    chosen, held_back = choose_clips(tuple(range(200)), 64, 16)
    assert (len(chosen), len(held_back)) == (64, 16)
    assert set(chosen).isdisjoint(held_back)
    assert chosen == spread_evenly(tuple(range(200)), 64), "holding some back changes nothing for the others"
    assert all(any(low <= clip < low + 25 for clip in held_back) for low in range(0, 200, 25))


@pytest.mark.parametrize(
    ("n_available", "n_chosen", "n_held_back"),
    [(64, 53, 11), (70, 58, 12), (79, 64, 13), (80, 64, 16), (2, 1, 1), (1, 1, 0)],
)
def test_without_enough_others_every_sixth_clip_is_held_back(n_available: int, n_chosen: int, n_held_back: int) -> None:
    chosen, held_back = choose_clips(tuple(range(n_available)), 64, 16)
    assert (len(chosen), len(held_back)) == (n_chosen, n_held_back)
    assert set(chosen).isdisjoint(held_back)
    assert choose_clips(tuple(range(n_available)), 64, 0) == (spread_evenly(tuple(range(n_available)), 64), ())


def test_features_and_hashes_are_those_of_the_normal_training_clips(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / f"fan/train/normal_id_00_{number:08}.wav", noise(number))
    write(tmp_path / "fan/test/anomaly_id_00_00000000.wav", noise(9))
    fir = FirTaps(np.random.default_rng(0).normal(size=1024) / 32, 0.1)
    progress: list[tuple[int, int]] = []
    found = load_calibration_set(tmp_path, FRONTEND, fir, lambda *counts: progress.append(counts), recipe(2, 1))
    assert found.n_available == 4
    assert progress == [(1, 3), (2, 3), (3, 3)]
    names = ["fan/train/normal_id_00_00000000.wav", "fan/train/normal_id_00_00000002.wav"]
    assert list(found.sha256) == names
    assert list(found.held_back_sha256) == ["fan/train/normal_id_00_00000001.wav"]
    assert len(found.held_back) == 1
    for clip, name in zip(found.clips, names, strict=True):
        samples = read_clip(tmp_path / name, FRONTEND.clip_samples)
        assert found.sha256[name] == hashlib.sha256(samples.tobytes()).hexdigest()
        np.testing.assert_array_equal(clip.log_mel, log_mel(samples, FRONTEND).astype(np.float32))
        assert clip.wavegram_fir is not None
        expected = wavegram_fir(samples, fir.taps, fir.bias, FRONTEND)
        np.testing.assert_array_equal(clip.wavegram_fir, expected.astype(np.float32))


@pytest.mark.parametrize("n_at_levels", [1, 3, 32])
def test_for_ranges_by_the_output_clips_are_heard_at_levels_in_turn(n_at_levels: int, tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path / f"{number}.wav", noise(number))
    fir = FirTaps(np.random.default_rng(0).normal(size=1024) / 32, 0.1)
    plain = load_calibration_set(tmp_path, FRONTEND, fir, recipe=recipe(6, 2))
    by_output = recipe(6, 2, Observe("output", n_clips=n_at_levels, level_change_db=6.0))
    found = load_calibration_set(tmp_path, FRONTEND, fir, recipe=by_output)
    assert (found.sha256, found.held_back_sha256) == (plain.sha256, plain.held_back_sha256)
    assert not plain.at_levels
    for before, after in zip(plain.clips, found.clips, strict=True):
        np.testing.assert_array_equal(before.log_mel, after.log_mel)
    for as_recorded, heard in (
        (spread_evenly(plain.clips, n_at_levels), found.at_levels),
        (plain.held_back, found.held_back),
    ):
        assert len(heard) == len(as_recorded)
        for index, (clip, other) in enumerate(zip(as_recorded, heard, strict=True)):
            change_db = float(np.median(other.log_mel - clip.log_mel))
            assert change_db == pytest.approx(level_in_turn_db(index, 6.0), abs=0.1)
            assert clip.wavegram_fir is not None
            assert other.wavegram_fir is not None
            assert np.array_equal(other.wavegram_fir, clip.wavegram_fir) is (index % 3 == 0)


@pytest.mark.parametrize("level", [0, 300], ids=["zeros", "a constant"])
def test_silence_is_refused(level: int, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.wav", np.full(FRONTEND.clip_samples, level, np.int16))
    with pytest.raises(QuantizationError, match=r"silence: no mel band of the 3 clips changes by more than 0\.00 dB"):
        load_calibration_set(tmp_path, FRONTEND, None)


def test_one_silent_clip_among_others_is_accepted(tmp_path: Path) -> None:
    write(tmp_path / "0.wav", np.zeros(FRONTEND.clip_samples, np.int16))
    write(tmp_path / "1.wav", noise(1))
    assert len(load_calibration_set(tmp_path, FRONTEND, None).clips) == 2


def test_unusable_folders_and_clips_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no normal clip"):
        load_calibration_set(tmp_path, FRONTEND, None)
    write(tmp_path / "0.wav", noise(0)[:-1])
    with pytest.raises(ClipError, match=r"0\.wav: too short"):
        load_calibration_set(tmp_path, FRONTEND, None)
    write(tmp_path / "anomaly_1.wav", noise(0))
    with pytest.raises(DatasetError, match=r"anomaly_1\.wav: named an anomaly"):
        load_calibration_set(tmp_path, FRONTEND, None)


def test_a_clip_is_one_run_of_a_network_of_maps(tmp_path: Path) -> None:
    write(tmp_path / "0.wav", noise(0))
    found = load_calibration_set(tmp_path, FRONTEND, FirTaps(np.ones(1024), 0.5))
    graph = graph_with_inputs(log_mel=(1, N_FRAMES, 32, 1), wavegram_fir=(1, N_FRAMES, 1, 1))
    (run,) = network_inputs(found.clips, graph)
    np.testing.assert_array_equal(run["log_mel"][0, :, :, 0], found.clips[0].log_mel)
    np.testing.assert_array_equal(run["wavegram_fir"][0, :, 0, 0], found.clips[0].wavegram_fir)


@pytest.mark.parametrize("n_stacked", [1, 4])
def test_a_clip_is_a_run_per_vector_of_neighbouring_frames(n_stacked: int, tmp_path: Path) -> None:
    write(tmp_path / "0.wav", noise(0))
    found = load_calibration_set(tmp_path, FRONTEND, None)
    runs = list(network_inputs(found.clips, graph_with_inputs(log_mel=(1, n_stacked, 1, 160))))
    vectors = np.concatenate([run["log_mel"] for run in runs], axis=1)[0, :, 0]
    assert N_FRAMES == 16
    assert vectors.shape == (12, 160)
    np.testing.assert_array_equal(vectors[7], found.clips[0].log_mel[7:12].reshape(-1))


def test_network_for_another_front_end_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "0.wav", noise(0))
    found = load_calibration_set(tmp_path, FRONTEND, None)
    with pytest.raises(GraphError, match=r"input log_mel is \[1, 16, 64, 1\].*\[1, 16, 32, 1\]"):
        list(network_inputs(found.clips, graph_with_inputs(log_mel=(1, N_FRAMES, 64, 1))))
