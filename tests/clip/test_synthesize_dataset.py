"""Synthetic data sets: the same bytes everywhere, in any subset, after any interruption; what is refused."""

import hashlib
import importlib
import json
import os
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN
from asd_edge.clip.synthesize import dataset
from asd_edge.clip.synthesize.config import GENERATOR_VERSION, MACHINE_IDS, AnomalySeverity, SynthConfig
from asd_edge.clip.synthesize.dataset import (
    MACHINE_MODELS,
    ClipName,
    clip_names,
    synthesize_clip,
    wav_bytes,
    write_synthetic_dataset,
)
from asd_edge.errors import DatasetError, WorkDirectoryError

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "synthesize" / "clips_v1.tsv"
VALVES = SynthConfig(n_train=2, n_test_normal=1, n_test_anomaly=1, machine_types=("valve",))
FAN = ClipName("fan", "id_00", TRAIN, NORMAL, 0)
ANOMALOUS_FAN = ClipName("fan", "id_00", TEST, ANOMALY, 0)

# Prints "path<tab>SHA-256" for the paths given; needs nothing but NumPy and the package.
HASH_CLIPS = """
import hashlib, pathlib, sys
from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import ClipName, synthesize_clip, wav_bytes
for text in sys.argv[1:]:
    machine_type, split, file = pathlib.PurePosixPath(text).parts
    label, machine_id, number = file[:-4].replace("id_", "id-").split("_")
    name = ClipName(machine_type, machine_id.replace("-", "_"), split, label, int(number))
    print(text, hashlib.sha256(wav_bytes(synthesize_clip(name, SynthConfig()))).hexdigest(), sep="\\t")
"""


def golden_hashes() -> dict[str, str]:
    lines = GOLDEN.read_text().splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def hashes_by(python: Path, **environment: str) -> dict[str, str]:
    """The golden clips as another interpreter makes them."""
    command = [str(python), "-c", HASH_CLIPS, *golden_hashes()]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(line.split("\t") for line in done.stdout.splitlines())


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_clips_equal_the_golden_hashes_of_this_generator_version() -> None:
    assert f"generator version {GENERATOR_VERSION}, seed {SynthConfig().seed}," in GOLDEN.read_text()
    assert hashes_by(Path(sys.executable)) == golden_hashes()


def test_golden_hashes_cover_every_fault_kind_of_every_type() -> None:
    anomalies = Counter(path.split("/")[0] for path in golden_hashes() if ANOMALY in path)
    assert anomalies == {name: len(model.fault_kinds) for name, model in MACHINE_MODELS.items()}


def test_clips_are_the_same_without_the_cpu_s_vector_extensions() -> None:
    """NumPy then runs the plainest code it has, as on a CPU of another kind."""
    internals = importlib.import_module("numpy._core._multiarray_umath")
    extensions = [name for name in internals.__cpu_dispatch__ if internals.__cpu_features__[name]]
    if not extensions:
        pytest.skip("this CPU has no extension that NumPy could leave out")
    assert hashes_by(Path(sys.executable), NPY_DISABLE_CPU_FEATURES=" ".join(extensions)) == golden_hashes()


def test_clips_are_the_same_under_numpy_1() -> None:
    python = ROOT / ".venv-tflite-runtime" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-tflite-runtime, which has NumPy 1: `make install` makes it where it can")
    assert hashes_by(python) == golden_hashes()


def test_every_field_of_a_clip_s_name_and_the_seed_change_the_sound() -> None:
    clips = [
        synthesize_clip(FAN, SynthConfig()),
        synthesize_clip(FAN, SynthConfig(seed=2021)),
        synthesize_clip(ClipName("fan", "id_02", TRAIN, NORMAL, 0), SynthConfig()),
        synthesize_clip(ClipName("fan", "id_00", TEST, NORMAL, 0), SynthConfig()),
        synthesize_clip(ClipName("fan", "id_00", TRAIN, NORMAL, 1), SynthConfig()),
        synthesize_clip(ANOMALOUS_FAN, SynthConfig()),
    ]
    assert len({clip.tobytes() for clip in clips}) == len(clips)


def test_smaller_set_is_the_first_clips_of_the_larger_byte_for_byte(tmp_path: Path, tiny_synthetic: Path) -> None:
    write_synthetic_dataset(tmp_path, VALVES)
    smaller, larger = files_of(tmp_path), files_of(tiny_synthetic)
    smaller.pop("synthetic.json")
    assert len(smaller) == 12
    assert smaller == {name: larger[name] for name in smaller}


def test_layout_counts_and_labels_are_those_of_dcase(tiny_synthetic: Path) -> None:
    clips = find_clips(tiny_synthetic)
    counted = Counter((clip.machine, clip.split, clip.label) for clip in clips)
    assert counted == {
        (f"{machine_type}/{machine_id}", split, label): count
        for machine_type in ("fan", "valve")
        for machine_id in ("id_00", "id_02", "id_04")
        for split, label, count in ((TRAIN, NORMAL, 3), (TEST, NORMAL, 2), (TEST, ANOMALY, 2))
    }
    assert len({clip.recording for clip in clips}) == len(clips)


def test_default_set_has_the_six_types_with_three_ids_and_at_least_20_50_50_clips_each() -> None:
    names = clip_names(SynthConfig())
    counted = Counter((name.machine_type, name.machine_id, name.split, name.label) for name in names)
    assert {key[0] for key in counted} == {"fan", "pump", "slider", "valve", "ToyCar", "ToyConveyor"}
    assert all(len(ids) == 3 for ids in MACHINE_IDS.values())
    assert len(counted) == 6 * 3 * 3
    least = {(TRAIN, NORMAL): 20, (TEST, NORMAL): 50, (TEST, ANOMALY): 50}
    assert all(count >= least[key[2:]] for key, count in counted.items())


def test_files_are_10_s_of_16_bit_mono_at_16_khz(tiny_synthetic: Path) -> None:
    path = tiny_synthetic / FAN.path
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 160_000)
    np.testing.assert_array_equal(read_clip(path), synthesize_clip(FAN, SynthConfig()))


def test_no_clip_is_lost_to_clipping_or_silence(tiny_synthetic: Path) -> None:
    for clip in find_clips(tiny_synthetic):
        samples = read_clip(clip.path).astype(np.int64)
        assert np.mean(np.abs(samples) >= 32767) < 1e-3, clip.path
        assert 0.004 < np.sqrt(np.mean(samples**2.0)) / 32768 < 0.06, clip.path


def test_loudest_clip_of_the_default_set_is_clipped_for_less_than_a_thousandth() -> None:
    loudest = ClipName("ToyConveyor", "id_02", TEST, ANOMALY, 43)  # a slipping belt
    share = np.mean(np.abs(synthesize_clip(loudest, SynthConfig()).astype(np.int64)) >= 32767)
    assert 0 < share < 1e-3


def test_manifest_names_generator_version_and_settings(tiny_synthetic: Path) -> None:
    manifest = json.loads((tiny_synthetic / "synthetic.json").read_text())
    assert manifest == {
        "generator_version": 1,
        "seed": 2020,
        "n_train": 3,
        "n_test_normal": 2,
        "n_test_anomaly": 2,
        "machine_types": ["fan", "valve"],
        "severity": {"fan": 2.0, "pump": 1.8, "slider": 2.2, "valve": 4.0, "toy_car": 3.0, "toy_conveyor": 4.0},
    }


def test_severity_changes_anomalies_of_its_type_and_nothing_else() -> None:
    harsh = SynthConfig(severity=AnomalySeverity(fan=3.0))
    for name in (FAN, ClipName("fan", "id_00", TEST, NORMAL, 1000), ClipName("valve", "id_00", TEST, ANOMALY, 0)):
        np.testing.assert_array_equal(synthesize_clip(name, harsh), synthesize_clip(name, SynthConfig()))
    assert (synthesize_clip(ANOMALOUS_FAN, harsh) != synthesize_clip(ANOMALOUS_FAN, SynthConfig())).any()


def test_severity_belongs_to_the_type_it_names() -> None:
    severity = AnomalySeverity(fan=1.5, pump=2.5, slider=3.5, valve=4.5, toy_car=5.5, toy_conveyor=6.5)
    assert [severity.of(name) for name in MACHINE_IDS] == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_interrupted_run_is_continued_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    def stop_at_five(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic_dataset(tmp_path / "interrupted", VALVES, stop_at_five)
    written = sorted((tmp_path / "interrupted").rglob("*.wav"))
    assert len(written) == 5
    written[0].write_bytes(written[0].read_bytes()[:1000])  # cut by something else
    modified_ns = {path: path.stat().st_mtime_ns for path in written[1:]}

    write_synthetic_dataset(tmp_path / "interrupted", VALVES)
    assert {path: path.stat().st_mtime_ns for path in written[1:]} == modified_ns
    write_synthetic_dataset(tmp_path / "whole", VALVES)
    assert files_of(tmp_path / "interrupted") == files_of(tmp_path / "whole")


def test_second_call_makes_no_clip_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_synthetic_dataset(tmp_path, VALVES)
    monkeypatch.setattr(dataset, "synthesize_clip", None)
    assert write_synthetic_dataset(tmp_path, VALVES) == paths == tuple(tmp_path / n.path for n in clip_names(VALVES))


def test_progress_counts_every_clip_up_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_synthetic_dataset(tmp_path, VALVES, lambda done, total: seen.append((done, total)))
    assert seen == [(done, 12) for done in range(13)]


@pytest.mark.parametrize("other", [SynthConfig(seed=1), SynthConfig(severity=AnomalySeverity(fan=0.5)), SynthConfig()])
def test_folder_of_other_settings_is_refused_and_left_alone(tmp_path: Path, other: SynthConfig) -> None:
    write_synthetic_dataset(tmp_path, VALVES)
    before = files_of(tmp_path)
    with pytest.raises(DatasetError, match=r"synthetic\.json: the folder holds synthetic clips of other settings"):
        write_synthetic_dataset(tmp_path, other)
    assert files_of(tmp_path) == before


def test_folder_of_other_clips_is_refused_and_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "pump" / "train" / "normal_id_00_00000000.wav"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"a recording")
    with pytest.raises(DatasetError, match=r"pump: holds files but .* so they aren't synthetic"):
        write_synthetic_dataset(tmp_path, VALVES)
    assert files_of(tmp_path) == {"pump/train/normal_id_00_00000000.wav": b"a recording"}


def test_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "synthetic.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="other settings"):
        write_synthetic_dataset(tmp_path, VALVES)


def test_output_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        write_synthetic_dataset(tmp_path / "file", VALVES)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: SynthConfig(n_train=-1), "-1 training clips: give 0 to 1000"),
        (lambda: SynthConfig(n_train=1001), "1001 training clips: give 0 to 1000"),
        (lambda: SynthConfig(n_test_normal=-2), "-2 normal"),
        (lambda: SynthConfig(n_test_anomaly=-3), "-3 anomalous"),
        (lambda: SynthConfig(seed=-4), "seed -4"),
        (lambda: SynthConfig(machine_types=("fan", "gearbox")), "gearbox: not synthesized; choose from fan, pump"),
    ],
)
def test_settings_out_of_range_are_refused(make: type[SynthConfig], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        make()


def test_wav_header_is_the_canonical_44_bytes() -> None:
    content = wav_bytes(np.array([1, -2], dtype=np.int16))
    assert len(content) == 48
    assert content[:4] == b"RIFF"
    assert content[36:] == b"data\x04\x00\x00\x00\x01\x00\xfe\xff"
    assert hashlib.sha256(content[44:]).digest() == hashlib.sha256(b"\x01\x00\xfe\xff").digest()
