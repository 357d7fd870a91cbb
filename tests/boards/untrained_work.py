"""A work directory of an untrained network, as a rule with the default front end: enough to hold bits against bits."""

from pathlib import Path

import torch

from asd_edge.clip.label_table import build_label_table
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.clip.records import TRAIN
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.autoencoder import build_autoencoder
from asd_edge.model.checkpoint import Checkpoint, Split, write_checkpoint
from asd_edge.model.config import AUTOENCODER, HeadConfig, ModelConfig
from asd_edge.model.network import build_network
from tests.backends.tiny_detector import weights_of

DEFAULT = FrontendConfig()


def write_untrained_work(work: Path, data: Path, model: ModelConfig, frontend: FrontendConfig = DEFAULT) -> Path:
    """Checkpoint and export in `work`, calibrated on the training clips of `data`; `work`."""
    records = [record for record in find_clips(data) if record.split == TRAIN]
    labels = build_label_table(records)
    torch.manual_seed(11)
    if model.architecture == AUTOENCODER:
        network: torch.nn.Module = build_autoencoder(frontend)
    else:
        network = build_network(model, frontend, len(labels.machines))
    train = {
        samples_sha256(read_clip(record.path, frontend.clip_samples)): record.path.relative_to(data).as_posix()
        for record in records
    }
    write_checkpoint(Checkpoint(model, HeadConfig(), frontend, labels, Split(train, {}), weights_of(network), {}), work)
    export_checkpoint(work, data, work)
    return work
