"""Settings of the acoustic front end: the one definition that the float, fixed-point and C versions share.

Defaults are the reference model's (Neri & Carli 2024): 16 kHz, 1024-point periodic Hann, hop 512, 128 HTK mel bands
from 0 to 8000 Hz with Slaney area normalization, 10*log10(mel power + 1e-8).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrontendConfig:
    """A clip of `clip_samples` int16 samples becomes `n_frames` frames of `n_mels` bands in dB."""

    sample_rate_hz: int = 16_000
    clip_samples: int = 160_000
    n_fft: int = 1024
    hop_length: int = 512
    n_mels: int = 128
    f_min_hz: float = 0.0
    f_max_hz: float = 8000.0
    log_offset: float = 1e-8

    @property
    def n_frames(self) -> int:
        """Frames of one clip: frame t is centred on sample t * hop_length, both ends included."""
        return 1 + self.clip_samples // self.hop_length
