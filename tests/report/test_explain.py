"""`asd-edge explain`: which files it writes, that their numbers are the network's, and what it refuses."""

import csv
import io
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asd_edge.cli import run
from asd_edge.cli.console import BAD_INPUT
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import CheckpointError, ClipError, DatasetError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.mel import band_centres_hz
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.checkpoint import Checkpoint, load_checkpoint, write_checkpoint
from asd_edge.model.config import AUTOENCODER, LOG_MEL, WAVEGRAM, ModelConfig
from asd_edge.model.network import network_from_checkpoint
from asd_edge.report.attention_maps import attention_statistics, clip_maps
from asd_edge.report.explain import clips_to_explain, explain
from tests.model.networks import random_checkpoint, weights_of

NARROW = ModelConfig(width=0.125)
CLIP = "fan/test/anomaly_id_00_00000000.wav"
MODELS = {
    "both features": NARROW,
    "log-Mel only": replace(NARROW, features=LOG_MEL),
    "Wavegram only": replace(NARROW, features=WAVEGRAM),
    "no attention": replace(NARROW, attention=False),
    "full Wavegram": replace(NARROW, separable_wavegram=False),
    "plain log-Mel": replace(NARROW, features=LOG_MEL, attention=False),
}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A work directory per model, each with a checkpoint of random weights."""
    root = tmp_path_factory.mktemp("works")
    folders = {name: root / name.replace(" ", "_") for name in MODELS}
    for name, folder in folders.items():
        write_checkpoint(with_lively_attention(random_checkpoint(MODELS[name], FrontendConfig())), folder)
    return folders


def with_lively_attention(checkpoint: Checkpoint) -> Checkpoint:
    """As after a training, BatchNorm knows what it sees; else random weights give every clip the same map."""
    network = network_from_checkpoint(checkpoint)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the statistics of the one batch below
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        network.train().attention_inputs(0.1 * torch.randn(2, checkpoint.frontend.clip_samples, generator=generator))
    weights = {name: tensor.numpy().copy() for name, tensor in weights_of(network).items()}
    return replace(checkpoint, weights=weights)


@pytest.fixture(scope="module")
def autoencoder_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("autoencoder")
    weights = {name: tensor.numpy() for name, tensor in weights_of(build_autoencoder(FrontendConfig())).items()}
    model = ModelConfig(architecture=AUTOENCODER)
    write_checkpoint(replace(random_checkpoint(NARROW, FrontendConfig()), model=model, weights=weights), folder)
    return folder


def png_size(path: Path) -> tuple[int, int]:
    """(width, height) from the header of a whole PNG."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content[12:16] == b"IHDR"
    assert content.endswith(b"IEND\xaeB\x60\x82")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def attention_of(work: Path, path: Path) -> NDArray[np.float32]:
    """(n_features, n_mels, n_frames), by the checkpoint's network itself."""
    network = network_from_checkpoint(load_checkpoint(work))
    waveform = torch.from_numpy(read_clip(path).astype(np.float32) / 32768.0)[None]
    with torch.inference_mode():
        return np.asarray(network.attention_inputs(waveform).attention[0].numpy(), np.float32)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says on stderr, one line, having refused."""
    assert run(["explain", *map(str, arguments)]) == BAD_INPUT
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("name", "n_columns", "n_rows"),
    [("both features", 2, 3), ("log-Mel only", 1, 3), ("Wavegram only", 1, 3), ("no attention", 2, 1)],
)
def test_clip_gives_one_png_with_what_the_model_has(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path, name: str, n_columns: int, n_rows: int
) -> None:
    paths = explain(tiny_synthetic / CLIP, works[name], tmp_path)
    assert paths == (tmp_path / "explain-fan-test-anomaly_id_00_00000000.png",)
    assert list(tmp_path.iterdir()) == list(paths)
    assert png_size(paths[0]) == (round(120 * (5.6 * n_columns + 0.4)), round(120 * (2.7 * n_rows + 0.5)))


def test_full_wavegram_can_be_explained(works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path) -> None:
    (path,) = explain(tiny_synthetic / CLIP, works["full Wavegram"], tmp_path)
    assert png_size(path)[0] > 1000


def test_maps_of_a_clip_are_the_networks(works: dict[str, Path], tiny_synthetic: Path) -> None:
    checkpoint = load_checkpoint(works["both features"])
    maps = clip_maps(network_from_checkpoint(checkpoint), checkpoint.frontend, tiny_synthetic / CLIP)
    assert maps.names == ("log-Mel", "Wavegram")
    assert maps.attention is not None
    np.testing.assert_array_equal(maps.attention, attention_of(works["both features"], tiny_synthetic / CLIP))
    np.testing.assert_array_equal(maps.product, maps.features * maps.attention)
    assert maps.features.shape == (2, 128, 313)


def test_statistics_are_mean_and_standard_deviation_of_the_networks_maps(
    works: dict[str, Path], tiny_synthetic: Path
) -> None:
    work, paths = works["both features"], sorted((tiny_synthetic / "fan" / "test").iterdir())[:4]
    checkpoint = load_checkpoint(work)
    done: list[tuple[int, int]] = []
    found = attention_statistics(
        network_from_checkpoint(checkpoint), checkpoint.frontend, paths, lambda *counts: done.append(counts)
    )
    maps = np.stack([attention_of(work, path) for path in paths]).astype(np.float64)  # (4, 2, 128, 313)
    np.testing.assert_allclose(found.mean, maps.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, maps.std(axis=0), atol=1e-7)
    np.testing.assert_allclose(found.band_mean, maps.mean(axis=(0, 3)), rtol=1e-12)
    np.testing.assert_allclose(found.band_deviation, maps.std(axis=(0, 3)), atol=1e-9)
    assert found.band_deviation.max() > 1e-3
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("both features", ["log_mel_mean", "log_mel_deviation", "wavegram_mean", "wavegram_deviation"]),
        ("log-Mel only", ["log_mel_mean", "log_mel_deviation"]),
        ("Wavegram only", ["wavegram_mean", "wavegram_deviation"]),
    ],
)
def test_folder_gives_two_png_and_the_numbers_per_band(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path, name: str, columns: list[str]
) -> None:
    folder = tiny_synthetic / "fan" / "test"
    maps_path, bands_path, table_path = explain(folder, works[name], tmp_path)
    assert maps_path.name == "explain-fan-test-maps.png"
    assert bands_path.name == "explain-fan-test-bands.png"
    assert table_path.name == "explain-fan-test-bands.csv"
    assert sorted(tmp_path.iterdir()) == sorted((maps_path, bands_path, table_path))
    assert png_size(maps_path)[1] == 708
    assert png_size(bands_path)[0] == 960

    rows = list(csv.DictReader(io.StringIO(table_path.read_text())))
    assert list(rows[0]) == ["band", "centre_hz", *columns]
    assert [int(row["band"]) for row in rows] == list(range(128))
    centres_hz = band_centres_hz(FrontendConfig())
    np.testing.assert_allclose([float(row["centre_hz"]) for row in rows], centres_hz, atol=0.051)
    maps = np.stack([attention_of(works[name], path) for path in sorted(folder.iterdir())]).astype(np.float64)
    expected = {column: maps.mean(axis=(0, 3))[i // 2] for i, column in enumerate(columns) if i % 2 == 0}
    expected |= {column: maps.std(axis=(0, 3))[i // 2] for i, column in enumerate(columns) if i % 2 == 1}
    for column, values in expected.items():
        np.testing.assert_allclose([float(row[column]) for row in rows], values, atol=1e-6)


def test_data_set_stands_for_its_test_clips_and_a_flat_folder_for_all(tiny_synthetic: Path) -> None:
    whole, of_fan = clips_to_explain(tiny_synthetic), clips_to_explain(tiny_synthetic / "fan")
    assert len(whole) == 24
    assert len(of_fan) == 12
    assert {path.parent.name for path in (*whole, *of_fan)} == {"test"}
    flat = clips_to_explain(tiny_synthetic / "fan" / "train")
    assert flat == tuple(sorted((tiny_synthetic / "fan" / "train").iterdir()))


def test_same_clip_gives_the_same_bytes(works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path) -> None:
    (first,) = explain(tiny_synthetic / CLIP, works["plain log-Mel"], tmp_path / "a")
    (second,) = explain(tiny_synthetic / CLIP, works["plain log-Mel"], tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("fan/test/normal_id_00_00000000.wav", "explain-fan-test-normal_id_00_00000000.png"),
        ("fan/train/normal_id_00_00000000.wav", "explain-fan-train-normal_id_00_00000000.png"),
        ("-6_dB_pump/id_02/abnormal/00000007.wav", "explain-pump-id_02-abnormal-00000007.png"),
        ("inbox/monday.wav", "explain-monday.png"),
        ("fan/test/monday.wav", "explain-monday.png"),
    ],
)
def test_picture_is_named_for_machine_and_clip(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path, place: str, name: str
) -> None:
    clip = tmp_path / place
    clip.parent.mkdir(parents=True)
    shutil.copy(tiny_synthetic / CLIP, clip)
    (path,) = explain(clip, works["plain log-Mel"], tmp_path / "out")
    assert path.name == name


def test_command_writes_into_the_work_directory_and_prints_the_paths(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    shutil.copytree(works["log-Mel only"], work)
    assert run(["explain", str(tiny_synthetic / CLIP), "--work", str(work)]) == 0
    written = work / "explain-fan-test-anomaly_id_00_00000000.png"
    assert capsys.readouterr().out == f"{written}\n"
    assert png_size(written)[0] > 0

    out = tmp_path / "new" / "figures"
    assert run(["explain", str(tiny_synthetic / "fan" / "test"), "--work", str(work), "-o", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(out / f"explain-fan-test-{rest}") for rest in ("maps.png", "bands.png", "bands.csv")
    ]


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--help"]) == 0
    assert "asd-edge explain data/synthetic/fan --work work/mine" in capsys.readouterr().out


def test_clip_that_is_not_there_is_refused(
    works: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, out = tmp_path / "none.wav", tmp_path / "out"
    said = refusal(capsys, clip, "--work", works["both features"], "-o", out)
    assert f"{clip}: can't be read (No such file or directory)" in said
    assert not out.exists()


def test_clip_that_is_no_sound_is_refused(works: dict[str, Path], tmp_path: Path) -> None:
    clip = tmp_path / "a.wav"
    clip.write_bytes(b"RIFF")
    with pytest.raises(ClipError, match=str(clip)):
        explain(clip, works["both features"], tmp_path)


def test_work_directory_without_a_checkpoint_is_refused(
    tiny_synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, tiny_synthetic / CLIP, "--work", tmp_path)
    assert f"{tmp_path / 'checkpoint.safetensors'}: can't be read" in said
    said = refusal(capsys, tiny_synthetic / CLIP, "--work", tmp_path / "nowhere")
    assert f"{tmp_path / 'nowhere'}: is no checkpoint" in said


def test_autoencoder_is_refused(
    autoencoder_work: Path, tiny_synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, tiny_synthetic / CLIP, "--work", autoencoder_work)
    assert f"{autoencoder_work}: holds an autoencoder, which has no attention" in said


def test_folder_is_refused_where_there_is_no_attention_to_average(works: dict[str, Path], tiny_synthetic: Path) -> None:
    with pytest.raises(CheckpointError, match="without attention has none to average"):
        explain(tiny_synthetic, works["no attention"], works["no attention"])


def test_folder_without_clips_is_refused(works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no clip found"):
        explain(tmp_path, works["both features"], tmp_path)
    shutil.copytree(tiny_synthetic / "fan" / "train", tmp_path / "fan" / "train")
    with pytest.raises(DatasetError, match="no test clip"):
        explain(tmp_path, works["both features"], tmp_path)


def test_unreadable_clip_of_a_folder_leaves_no_picture(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(tiny_synthetic / "fan" / "test", folder)
    (folder / "zzz.wav").write_bytes(b"RIFF")
    with pytest.raises(ClipError, match=r"zzz\.wav"):
        explain(folder, works["both features"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_output_that_can_not_be_written_is_refused(
    works: dict[str, Path], tiny_synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").touch()
    said = refusal(capsys, tiny_synthetic / CLIP, "--work", works["both features"], "-o", tmp_path / "out")
    assert "can't be written" in said
