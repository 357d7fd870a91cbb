"""Times one epoch of 384 ten-second clips at full width; how long the shipped checkpoint took, its own record says."""

import tempfile
import time
from pathlib import Path

from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.checkpoint import load_checkpoint, shipped_checkpoint
from asd_edge.model.config import HeadConfig, ModelConfig
from asd_edge.train.config import TrainConfig
from asd_edge.train.train_model import train_model
from tests.bench.write_result import ClipsUsed, data_sha256, write_result

MACHINE_TYPES = ("fan", "pump", "slider", "valve")  # three machines each
N_TRAIN, N_VALIDATE = 32, 2  # recordings of each machine: 384 clips train


def main() -> None:
    """Write tests/bench_results/train.json."""
    with tempfile.TemporaryDirectory() as folder:
        machines, work = Path(folder) / "machines", Path(folder) / "work"
        counts = SynthConfig(
            n_train=N_TRAIN + N_VALIDATE, n_test_normal=0, n_test_anomaly=0, machine_types=MACHINE_TYPES
        )
        n_clips = len(write_synthetic_dataset(machines, counts))
        loaded: list[float] = []
        config = TrainConfig(epochs=1, validation_share=N_VALIDATE / (N_TRAIN + N_VALIDATE))
        trained = train_model(
            machines,
            work,
            ModelConfig(),
            HeadConfig(),
            FrontendConfig(),
            config,
            on_loading=lambda done, total: loaded.append(time.monotonic()),
        )
        seconds = time.monotonic() - loaded[-1]
        clips = ClipsUsed(len(trained.split.train), n_clips, data_sha256(machines))
    values = {
        "epoch_seconds": round(seconds, 1),
        "epoch_clips": len(trained.split.train),
        "seed_minutes": round(float(load_checkpoint(shipped_checkpoint()).training["seconds"]) / 60, 1),
    }
    print(write_result("train", values, clips), values)


if __name__ == "__main__":
    main()
