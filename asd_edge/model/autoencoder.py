"""The DCASE 2020 Task 2 baseline, also MLPerf Tiny's anomaly detector: five log-Mel frames -> the same, reconstructed.

640-128-128-128-128-8-128-128-128-128-640, BatchNorm and ReLU after every layer but the last (264,192 MACs a vector).
"""

from torch import Tensor, nn

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.context_vectors import N_CONTEXT

LAYER_SIZES = (128, 128, 128, 128, 8, 128, 128, 128, 128)


class Autoencoder(nn.Module):
    """Vectors [N, N_CONTEXT * n_mels] in dB -> reconstruction, same shape; it takes no waveform and has no head."""

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        vector_size = N_CONTEXT * n_mels
        layers: list[nn.Module] = []
        n_in = vector_size
        for n_out in LAYER_SIZES:
            layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
            n_in = n_out
        layers.append(nn.Linear(n_in, vector_size))
        self.layers = nn.Sequential(*layers)

    def embed(self, vectors: Tensor) -> Tensor:
        """The reconstruction, in dB."""
        reconstruction: Tensor = self.layers(vectors)
        return reconstruction

    def forward(self, vectors: Tensor) -> Tensor:
        return self.embed(vectors)


def build_autoencoder(frontend: FrontendConfig) -> Autoencoder:
    """The autoencoder for vectors of this front end's log-Mel, freshly initialized."""
    return Autoencoder(frontend.n_mels)
