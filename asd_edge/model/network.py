"""The detector: waveform -> log-Mel and Wavegram -> attention -> MobileFaceNet -> embedding, plus the ArcFace head.

`frontend_features` is what a device's front end computes, `embed` what its network does: a pure function of the two
feature tensors, which is what `asd_edge.graph` exports.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.torch_log_mel import LogMel
from asd_edge.model.arcface import ArcFaceHead
from asd_edge.model.attention import build_attention
from asd_edge.model.autoencoder import Autoencoder, build_autoencoder
from asd_edge.model.checkpoint import Checkpoint
from asd_edge.model.config import AUTOENCODER, BOTH, LOG_MEL, REFERENCE, WAVEGRAM, ModelConfig
from asd_edge.model.mobilefacenet import MobileFaceNet
from asd_edge.model.wavegram import FullWavegram, SeparableWavegram

WIDEST, LARGEST_EMBEDDING = 16, 65_536  # far beyond what any of the targets could hold


class AttentionMaps(NamedTuple):
    """What the paper's Figures 2 to 4 draw; each [N, n_features, n_mels, n_frames], log-Mel before Wavegram."""

    features: Tensor  # stacked log-Mel (dB) and Wavegram
    attention: Tensor  # the map, ones where the model has no attention
    product: Tensor  # what the classifier sees


class DetectorNetwork(nn.Module):
    """The reference model of Neri & Carli (2024) and its ablations; `head` is used in training and by the scorer."""

    def __init__(self, config: ModelConfig, frontend: FrontendConfig, n_classes: int) -> None:
        super().__init__()
        self.config = config
        n_features = 2 if config.features == BOTH else 1
        self.log_mel = LogMel(frontend)
        self.wavegram: SeparableWavegram | FullWavegram | None = None
        if config.features != LOG_MEL:
            self.wavegram = SeparableWavegram(frontend) if config.separable_wavegram else FullWavegram(frontend)
        self.attention = build_attention(config, n_features) if config.attention else None
        self.classifier = MobileFaceNet(config, frontend, n_features)
        self.head = ArcFaceHead(n_classes, config.embedding_size)

    def frontend_features(self, waveform: Tensor) -> tuple[Tensor, Tensor | None]:
        """Waveform [N, S] in [-1, 1) -> log-Mel [N, 1, n_mels, n_frames] in dB, Wavegram frames [N, 1, 1, n_frames].

        The frames are those after the depthwise convolution, its BatchNorm and ReLU; None without a Wavegram.
        Raises CheckpointError for a full-convolution Wavegram, which has no such frames.
        """
        check_exportable(self.config)
        frames = self.wavegram.frames(waveform) if isinstance(self.wavegram, SeparableWavegram) else None
        return self.log_mel(waveform), frames

    def embed(self, log_mel: Tensor, wavegram_frames: Tensor | None = None) -> Tensor:
        """The embedding [N, embedding_size] of what `frontend_features` gives; log-Mel alone needs no frames."""
        if self.wavegram is None:
            return self._classify(log_mel)
        if wavegram_frames is None or isinstance(self.wavegram, FullWavegram):
            raise ValueError("a Wavegram embeds its frames, and only the separable one has any")
        return self._classify(self._stack(log_mel, self.wavegram.maps(wavegram_frames)))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform [N, S] in [-1, 1) -> embedding [N, embedding_size]; works for every configuration."""
        return self._classify(self._features(waveform))

    def attention_inputs(self, waveform: Tensor) -> AttentionMaps:
        """Features, attention map and their product, for `asd-edge explain`."""
        features = self._features(waveform)
        attention = torch.ones_like(features) if self.attention is None else self.attention(features)
        return AttentionMaps(features, attention, features * attention)

    def _features(self, waveform: Tensor) -> Tensor:
        log_mel: Tensor = self.log_mel(waveform)
        return log_mel if self.wavegram is None else self._stack(log_mel, self.wavegram(waveform))

    def _stack(self, log_mel: Tensor, wavegram: Tensor) -> Tensor:
        return wavegram if self.config.features == WAVEGRAM else torch.cat((log_mel, wavegram), dim=1)

    def _classify(self, features: Tensor) -> Tensor:
        attended = features if self.attention is None else features * self.attention(features)
        embedding: Tensor = self.classifier(attended)
        return embedding


def build_network(config: ModelConfig, frontend: FrontendConfig, n_classes: int) -> DetectorNetwork:
    """A freshly initialized detector (torch's global generator); raises CheckpointError for impossible settings."""
    if config.architecture != REFERENCE:
        raise CheckpointError(f"architecture {config.architecture!r} is not {REFERENCE!r}: it has no embedding network")
    if config.features not in (BOTH, LOG_MEL, WAVEGRAM):
        raise CheckpointError(f"features {config.features!r} are unknown; choose {BOTH}, {LOG_MEL} or {WAVEGRAM}")
    fits = 0 < config.width <= WIDEST and 1 <= config.embedding_size <= LARGEST_EMBEDDING
    if not fits or n_classes < 2:
        raise CheckpointError(
            f"width {config.width}, embedding size {config.embedding_size} and {n_classes} machines make no detector; "
            f"give a width up to {WIDEST}, a size of 1 to {LARGEST_EMBEDDING}, and at least two machines to tell apart"
        )
    return DetectorNetwork(config, frontend, n_classes)


def check_exportable(config: ModelConfig) -> None:
    """Raise CheckpointError for a model that no device can run."""
    if config.architecture == REFERENCE and config.features != LOG_MEL and not config.separable_wavegram:
        raise CheckpointError(
            "a full-convolution Wavegram is for training and float evaluation only; "
            "train with the separable one (separable_wavegram) to export"
        )


def network_from_checkpoint(checkpoint: Checkpoint) -> DetectorNetwork:
    """The checkpoint's detector in eval mode, float32. Raises CheckpointError where weights don't fit the settings."""
    network = build_network(checkpoint.model, checkpoint.frontend, len(checkpoint.labels.machines))
    _load_weights(network, checkpoint)
    return network.eval()


def autoencoder_from_checkpoint(checkpoint: Checkpoint) -> Autoencoder:
    """The checkpoint's autoencoder in eval mode, float32. Raises CheckpointError where weights don't fit."""
    if checkpoint.model.architecture != AUTOENCODER:
        raise CheckpointError(f"architecture {checkpoint.model.architecture!r} is not {AUTOENCODER!r}")
    network = build_autoencoder(checkpoint.frontend)
    _load_weights(network, checkpoint)
    return network.eval()


def check_weights(checkpoint: Checkpoint, path: Path | None = None) -> None:
    """Raise CheckpointError naming the first tensor that is missing, unknown, not finite or of another shape.

    Settings that no network can be built from are named as well.
    """
    where = "checkpoint" if path is None else str(path)
    todo = "use the checkpoint.json that was written with these weights"
    try:
        expected = expected_shapes(checkpoint.model, checkpoint.frontend, len(checkpoint.labels.machines))
    except (CheckpointError, ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        raise CheckpointError(f"{where}: its settings make no network ({error}); {todo}") from error
    for name, shape in expected.items():
        if name not in checkpoint.weights:
            raise CheckpointError(f"{where}: lacks tensor {name}, expected {shape}; {todo}")
        found = checkpoint.weights[name].shape
        if found != shape:
            raise CheckpointError(f"{where}: tensor {name} is {found}, expected {shape}; {todo}")
        if not np.isfinite(checkpoint.weights[name]).all():
            raise CheckpointError(f"{where}: tensor {name} holds values that aren't finite; train again")
    for name in checkpoint.weights:
        if name not in expected:
            raise CheckpointError(f"{where}: holds a tensor {name} that its settings don't know; {todo}")


def expected_shapes(model: ModelConfig, frontend: FrontendConfig, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that a checkpoint with these settings holds."""
    network: nn.Module
    # torch's meta device would do without the values, but its initializers import the compiler, which takes seconds
    with torch.random.fork_rng(devices=[]):
        if model.architecture == AUTOENCODER:
            network = build_autoencoder(frontend)
        else:
            network = build_network(model, frontend, n_classes)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if not _is_counter(name)}


def _load_weights(network: nn.Module, checkpoint: Checkpoint) -> None:
    check_weights(checkpoint)
    state = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in checkpoint.weights.items()}
    counters = {name: tensor for name, tensor in network.state_dict().items() if _is_counter(name)}
    network.load_state_dict({**counters, **state})


def _is_counter(name: str) -> bool:
    """BatchNorm counts its batches; no stage reads the count, and checkpoints don't hold it."""
    return name.endswith(".num_batches_tracked")
