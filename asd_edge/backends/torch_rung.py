"""Rung torch: the checkpoint itself in PyTorch, waveform in, float32: what every other rung is compared with."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from asd_edge.backends.network_inputs import FLOAT
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.frontend.context_vectors import context_vectors
from asd_edge.frontend.torch_log_mel import LogMel
from asd_edge.model.checkpoint import Checkpoint
from asd_edge.model.config import AUTOENCODER
from asd_edge.model.network import autoencoder_from_checkpoint, network_from_checkpoint
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.cross_entropy import cross_entropy
from asd_edge.scorer.reconstruction_score import reconstruction_score


class TorchRung:
    """See `Rung`; it scores what export refuses too, such as a full-convolution Wavegram."""

    name = "torch"
    takes_features = False
    frontend = FLOAT
    tolerance_lsb = None

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._is_autoencoder = checkpoint.model.architecture == AUTOENCODER
        if self._is_autoencoder:
            self._log_mel = LogMel(checkpoint.frontend)
            self._autoencoder = autoencoder_from_checkpoint(checkpoint)
        else:
            self._network = network_from_checkpoint(checkpoint)
            rows = checkpoint.weights["head.weight"].astype(np.float64)
            self._head_rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)  # (n_classes, embedding_size)
        self.runtime = f"torch {torch.__version__.split('+')[0]}"

    def score(self, clip: Clip) -> ClipScore:
        with torch.inference_mode(), _one_thread():
            return self._score(clip)

    def _score(self, clip: Clip) -> ClipScore:
        waveform = torch.from_numpy(clip.samples.astype(np.float32) / 32768.0)[None]  # [1, S]
        if self._is_autoencoder:
            vectors = context_vectors(self._log_mel(waveform)[0, 0].numpy().T)  # (n_vectors, vector_size) float32
            reconstruction = self._autoencoder(torch.tensor(vectors)).numpy().astype(np.float64)
            score = reconstruction_score(vectors, reconstruction)
            return ClipScore(score, None, reconstruction.reshape(-1), None)
        embedding = self._network(waveform)[0].numpy().astype(np.float64)
        class_index = self._checkpoint.labels.index(clip.machine)
        head = self._checkpoint.head
        log_odds = arcface_log_odds(embedding, self._head_rows, class_index, head.scale, head.margin)
        return ClipScore(log_odds, cross_entropy(log_odds), embedding, None)


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch on one thread, as the other rungs: the same sums each time, and no waiting for a busy core."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
