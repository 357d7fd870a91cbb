"""A checkpoint's two files: what comes back, and what is refused with which words."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray

from asd_edge.errors import CheckpointError, WorkDirectoryError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import (
    SETTINGS_FILE,
    WEIGHTS_FILE,
    Checkpoint,
    load_checkpoint,
    write_checkpoint,
)
from asd_edge.model.config import LOG_MEL, HeadConfig, ModelConfig
from tests.model.networks import random_checkpoint

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return random_checkpoint(ModelConfig(width=0.125))


@pytest.fixture
def folder(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    write_checkpoint(checkpoint, tmp_path)
    return tmp_path


def change_settings(folder: Path, *keys: str, value: object) -> None:
    """Overwrite one entry of checkpoint.json, nested by `keys`."""
    settings = json.loads((folder / SETTINGS_FILE).read_text())
    entry = settings
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    (folder / SETTINGS_FILE).write_text(json.dumps(settings))


def message(path: Path) -> str:
    """What loading says; one line that names a file of this folder."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    said = str(caught.value)
    assert "\n" not in said
    assert str(path if path.is_dir() else path.parent) in said
    return said


def test_full_precision_comes_back_bit_for_bit(checkpoint: Checkpoint, folder: Path) -> None:
    loaded = load_checkpoint(folder)
    assert (loaded.model, loaded.head, loaded.frontend) == (checkpoint.model, checkpoint.head, checkpoint.frontend)
    assert loaded.labels == checkpoint.labels
    assert loaded.split == checkpoint.split
    assert loaded.training == checkpoint.training
    assert set(loaded.weights) == set(checkpoint.weights)
    for name, values in checkpoint.weights.items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.weights[name], values)


def test_settings_other_than_the_defaults_come_back(tmp_path: Path) -> None:
    written = replace(
        random_checkpoint(
            ModelConfig(features=LOG_MEL, attention=False, width=0.125, embedding_size=24),
            FrontendConfig(clip_samples=32_000, n_mels=64, f_min_hz=20.0),
        ),
        head=HeadConfig(scale=30.0, margin=0.5),
    )
    write_checkpoint(written, tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.model, loaded.head, loaded.frontend) == (written.model, written.head, written.frontend)


def test_half_precision_rounds_the_matrices_and_keeps_the_vectors(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_checkpoint(checkpoint, tmp_path, half_precision=True)
    loaded = load_checkpoint(tmp_path)
    stored = safetensors.numpy.load_file(tmp_path / WEIGHTS_FILE)
    for name, values in checkpoint.weights.items():
        assert stored[name].dtype == (np.float16 if values.ndim > 1 else np.float32)
        expected = values.astype(np.float16).astype(np.float32) if values.ndim > 1 else values
        np.testing.assert_array_equal(loaded.weights[name], expected)


def test_running_variance_below_float16_survives_half_precision(checkpoint: Checkpoint, tmp_path: Path) -> None:
    name = "wavegram.dwconv_normalization.running_var"
    tiny = replace(checkpoint, weights={**checkpoint.weights, name: np.array([1e-9], np.float32)})
    write_checkpoint(tiny, tmp_path, half_precision=True)
    assert load_checkpoint(tmp_path).weights[name].tolist() == [np.float32(1e-9)]


def test_weight_beyond_float16_is_refused_and_nothing_written(checkpoint: Checkpoint, tmp_path: Path) -> None:
    large = np.full_like(checkpoint.weights["head.weight"], 1e5)
    with pytest.raises(CheckpointError, match=r"head\.weight exceeds float16"):
        write_checkpoint(
            replace(checkpoint, weights={**checkpoint.weights, "head.weight": large}), tmp_path, half_precision=True
        )
    assert list(tmp_path.iterdir()) == []


def test_same_checkpoint_gives_the_same_bytes(checkpoint: Checkpoint, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shuffled = replace(checkpoint, weights=dict(reversed(list(checkpoint.weights.items()))))
    write_checkpoint(shuffled, other)
    for name in (WEIGHTS_FILE, SETTINGS_FILE):
        assert (other / name).read_bytes() == (folder / name).read_bytes()


def test_safetensors_file_loads_with_the_json_beside_it(checkpoint: Checkpoint, folder: Path) -> None:
    (folder / WEIGHTS_FILE).rename(folder / "best.safetensors")
    (folder / SETTINGS_FILE).rename(folder / "best.json")
    assert load_checkpoint(folder / "best.safetensors").labels == checkpoint.labels


def test_checkpoint_holds_no_pickle(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [SETTINGS_FILE, WEIGHTS_FILE]
    header_bytes = int.from_bytes((folder / WEIGHTS_FILE).read_bytes()[:8], "little")
    assert json.loads((folder / WEIGHTS_FILE).read_bytes()[8 : 8 + header_bytes])["head.weight"]["dtype"] == "F32"


@pytest.mark.parametrize("lost", [WEIGHTS_FILE, SETTINGS_FILE])
def test_missing_file_is_named(folder: Path, lost: str) -> None:
    (folder / lost).unlink()
    said = message(folder)
    assert f"{folder / lost}: can't be read (No such file or directory)" in said
    assert f"{WEIGHTS_FILE} and {SETTINGS_FILE}" in said


@pytest.mark.parametrize("name", ["nowhere", "model.onnx", "checkpoint.json", "weights.pt"])
def test_what_is_no_checkpoint_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    if name != "nowhere":
        path.touch()
    with pytest.raises(CheckpointError, match=f"{name}: is no checkpoint; give a directory that holds"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / WEIGHTS_FILE).write_bytes(b""), f"{WEIGHTS_FILE}: is not a safetensors file"),
        (lambda f: (f / WEIGHTS_FILE).write_bytes(b"PK\3\4" * 99), f"{WEIGHTS_FILE}: is not a safetensors file"),
        (
            lambda f: (f / WEIGHTS_FILE).write_bytes((f / WEIGHTS_FILE).read_bytes()[:-100]),
            f"{WEIGHTS_FILE}: is not a safetensors file",
        ),
        (lambda f: (f / SETTINGS_FILE).write_text(""), f"{SETTINGS_FILE}: is not a checkpoint's settings"),
        (lambda f: (f / SETTINGS_FILE).write_text("[]"), f"{SETTINGS_FILE}: is not a checkpoint's settings"),
        (lambda f: (f / SETTINGS_FILE).write_text("{}"), f"{SETTINGS_FILE}: is not a checkpoint's settings"),
        (lambda f: (f / SETTINGS_FILE).write_bytes(b"\xff\xfe"), f"{SETTINGS_FILE}: is not a checkpoint's settings"),
        (
            lambda f: change_settings(f, "format", value="asd-edge checkpoint 9"),
            "checkpoint 9', this version",
        ),
        (lambda f: change_settings(f, "model", "depth", value=3), "depth"),
        (lambda f: change_settings(f, "model", "width", value="wide"), "its settings make no network"),
        (lambda f: change_settings(f, "model", "width", value=float("nan")), "its settings make no network"),
        (lambda f: change_settings(f, "model", "features", value="mfcc"), "features 'mfcc' are unknown"),
        (lambda f: change_settings(f, "model", "architecture", value="x"), "architecture 'x'"),
        (lambda f: change_settings(f, "frontend", "hop_length", value=0), "its settings make no network"),
        (lambda f: change_settings(f, "labels", value="fan"), "labels are no list of machines"),
        (lambda f: change_settings(f, "labels", value=["fan/id_00", "fan/id_00", "b"]), "name a machine twice"),
        (lambda f: change_settings(f, "labels", value=[0, 1, 2]), "labels are no list of machines"),
        (lambda f: change_settings(f, "split", "train", value=[1]), "is not a checkpoint's settings"),
        (lambda f: change_settings(f, "split", "validation", value=None), "is not a checkpoint's settings"),
        (lambda f: change_settings(f, "training", value=None), "is not a checkpoint's settings"),
    ],
)
def test_damage_is_one_line_that_names_the_file(folder: Path, damage: Damage, said: str) -> None:
    damage(folder)
    assert said in message(folder)


def test_files_of_two_trainings_do_not_go_together(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_checkpoint(random_checkpoint(ModelConfig(width=0.125), seed=2), other)
    (other / WEIGHTS_FILE).replace(folder / WEIGHTS_FILE)
    assert "SHA-256 differs" in message(folder)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("model", "width"), 1.0, "tensor attention.0.pwconv.weight is (8, 2, 1, 1), expected (16, 2, 1, 1)"),
        (("model", "embedding_size"), 64, "tensor classifier.linear1.conv.weight is (128, 64, 1, 1), expected (64,"),
        (("model", "features"), LOG_MEL, "tensor attention.0.dwconv.weight is (2, 1, 3, 3), expected (1, 1, 3, 3)"),
        (("model", "attention"), False, "holds a tensor attention."),
        (("model", "separable_wavegram"), False, "lacks tensor wavegram.conv.weight, expected (128, 1, 1024)"),
        (("frontend", "clip_samples"), 160_000, "tensor classifier.linear7.conv.weight is (64, 1, 8, 2), expected ("),
        (("labels",), ["fan/id_00", "fan/id_02"], "tensor head.weight is (3, 128), expected (2, 128)"),
    ],
)
def test_weights_of_another_shape_are_named_with_both_shapes(
    folder: Path, keys: tuple[str, ...], value: object, said: str
) -> None:
    change_settings(folder, *keys, value=value)
    found = message(folder)
    assert said in found
    assert found.endswith("use the checkpoint.json that was written with these weights")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weight_that_is_not_finite_is_named(checkpoint: Checkpoint, tmp_path: Path, value: float) -> None:
    damaged = checkpoint.weights["classifier.conv1.conv.weight"].copy()
    damaged[3, 1, 0, 2] = value
    weights = {**checkpoint.weights, "classifier.conv1.conv.weight": damaged}
    write_checkpoint(replace(checkpoint, weights=weights), tmp_path)
    assert "tensor classifier.conv1.conv.weight holds values that aren't finite" in message(tmp_path)


def test_tensor_that_is_missing_or_unknown_is_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    without = {name: value for name, value in checkpoint.weights.items() if name != "head.weight"}
    write_checkpoint(replace(checkpoint, weights=without), tmp_path)
    assert "lacks tensor head.weight, expected (3, 128)" in message(tmp_path)
    extra = {**checkpoint.weights, "fc_out.bias": np.zeros(3, np.float32)}
    write_checkpoint(replace(checkpoint, weights=extra), tmp_path)
    assert "holds a tensor fc_out.bias" in message(tmp_path)


@pytest.mark.parametrize("half_precision", [False, True])
def test_centres_come_back(checkpoint: Checkpoint, tmp_path: Path, half_precision: bool) -> None:
    centres = np.eye(3, 128, dtype=np.float32)
    write_checkpoint(replace(checkpoint, centres=centres), tmp_path, half_precision)
    loaded = load_checkpoint(tmp_path)
    assert loaded.centres is not None
    np.testing.assert_array_equal(loaded.centres, centres)
    assert set(loaded.weights) == set(checkpoint.weights)
    write_checkpoint(checkpoint, tmp_path, half_precision)
    assert load_checkpoint(tmp_path).centres is None


@pytest.mark.parametrize("centres", [np.zeros((2, 128)), np.zeros((3, 64)), np.full((3, 128), np.nan)])
def test_centres_of_other_machines_are_refused(
    checkpoint: Checkpoint, tmp_path: Path, centres: NDArray[np.float64]
) -> None:
    write_checkpoint(replace(checkpoint, centres=centres.astype(np.float32)), tmp_path)
    assert f"tensor centres is {centres.shape}, expected finite values, (3, 128); train it again" in message(tmp_path)


def test_folder_that_is_a_file_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        write_checkpoint(checkpoint, tmp_path / "work")
