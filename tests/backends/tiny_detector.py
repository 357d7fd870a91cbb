"""A tiny data set and a tiny detector for it, made in seconds: two-second clips, a network trained for twenty steps."""

from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from asd_edge.clip.label_table import LabelTable, build_label_table
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.arcface import arcface_loss
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.checkpoint import Checkpoint, Split, write_checkpoint
from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
from asd_edge.model.network import build_network
from quantization.recipe import Observe, Recipe

FRONTEND = FrontendConfig(clip_samples=32_000, n_mels=32)
TINY = ModelConfig(width=0.125, embedding_size=16)
N_STEPS = 20
TINY_AUTOENCODER = ModelConfig(architecture=AUTOENCODER)
MACHINES = ("fan/id_00", "fan/id_02", "pump/id_00", "pump/id_02")


def write_clips(
    root: Path,
    machines: tuple[str, ...] = MACHINES,
    n_train: int = 4,
    n_test: int = 3,
    are_faults_audible: bool = True,
) -> Path:
    """A DCASE layout with `n_train` training and 2 * `n_test` test clips per machine; `root`."""
    for index, machine in enumerate(machines):
        machine_type, machine_id = machine.split("/")
        counts = ((TRAIN, NORMAL, n_train), (TEST, NORMAL, n_test), (TEST, ANOMALY, n_test))
        for part, (split, label, n_clips) in enumerate(counts):
            folder = root / machine_type / split
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(n_clips):
                is_faulty = label == ANOMALY and are_faults_audible
                samples = machine_sound(index, is_faulty, seed=1000 * index + 100 * part + number)
                soundfile.write(folder / f"{label}_{machine_id}_{number:08d}.wav", samples, 16_000, subtype="PCM_16")
    return root


def machine_sound(machine_index: int, is_faulty: bool, seed: int) -> NDArray[np.int16]:
    """(clip_samples,): three harmonics in noise; a faulty machine sounds like the next one."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(FRONTEND.clip_samples) / FRONTEND.sample_rate_hz
    lowest_hz = 300.0 + 500.0 * ((machine_index + is_faulty) % len(MACHINES))
    pitches_hz = lowest_hz * generator.normal(1.0, 0.01) * np.array([1.0, 2.0, 3.0])
    phases = generator.uniform(0.0, 2 * np.pi, 3)
    tones = np.array([1000.0, 700.0, 500.0]) @ np.sin(2 * np.pi * pitches_hz[:, None] * time_s + phases[:, None])
    return np.rint(tones + generator.normal(0.0, 300.0, len(time_s))).astype(np.int16)


def tiny_checkpoint(root: Path, model: ModelConfig = TINY, n_validation: int = 1) -> Checkpoint:
    """A detector that tells the machines of the data set apart, or an untrained autoencoder.

    Of each machine the last `n_validation` training clips stand in the split as validation.
    """
    records = [record for record in find_clips(root) if record.split == TRAIN]
    labels = build_label_table(records)
    if model.architecture == AUTOENCODER:
        torch.manual_seed(7)
        weights = weights_of(build_autoencoder(FRONTEND))
    else:
        weights = _trained(model, labels)
    paths = [record.path.relative_to(root).as_posix() for record in records]
    sha256 = {path: samples_sha256(read_clip(root / path, FRONTEND.clip_samples)) for path in paths}
    validation: set[str] = set()
    for machine in labels.machines:
        of_machine = [path for path, record in zip(paths, records, strict=True) if record.machine == machine]
        validation |= set(of_machine[len(of_machine) - n_validation :])
    split = Split(
        {sha256[path]: path for path in paths if path not in validation},
        {sha256[path]: path for path in paths if path in validation},
    )
    return Checkpoint(model, HeadConfig(), FRONTEND, labels, split, weights, {})


def _trained(model: ModelConfig, labels: LabelTable) -> dict[str, NDArray[np.float32]]:
    """The weights after N_STEPS batches of new clips and as many more for BatchNorm's statistics to settle."""
    torch.manual_seed(7)
    network = build_network(model, FRONTEND, len(labels.machines))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    classes = torch.arange(len(labels.machines)).repeat(4)
    for step in range(2 * N_STEPS):
        sounds = [
            machine_sound(MACHINES.index(labels.machines[index]), False, seed=10_000 + 100 * step + position)
            for position, index in enumerate(classes.tolist())
        ]
        cosines = network.head(network(torch.from_numpy(np.stack(sounds).astype(np.float32) / 32768.0)))
        if step < N_STEPS:
            optimizer.zero_grad()
            arcface_loss(cosines, classes, HeadConfig()).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return weights_of(network)


def write_tiny_work(work: Path, root: Path, model: ModelConfig) -> Path:
    """Checkpoint and export of `tiny_checkpoint` in `work`; `work`."""
    write_checkpoint(tiny_checkpoint(root, model), work)
    export_checkpoint(work, root, work)
    return work


def export_coarsely(work: Path, root: Path) -> None:
    """The int8 files of `work` anew, with ranges that hold a fifth of all values: int8 that hears little."""
    export_checkpoint(work, root, work, recipe=Recipe("coarse", (Observe("percentile", 60.0),), held_back_clips=0))


def weights_of(network: torch.nn.Module) -> dict[str, NDArray[np.float32]]:
    state = network.state_dict()
    return {name: value.numpy().copy() for name, value in state.items() if not name.endswith("num_batches_tracked")}
