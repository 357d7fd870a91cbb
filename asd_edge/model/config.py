"""Settings of a network: the reference model of Neri & Carli (2024), the paper's ablations, and the autoencoder."""

from dataclasses import dataclass

REFERENCE, AUTOENCODER = "reference", "autoencoder"
BOTH, LOG_MEL, WAVEGRAM = "both", "log_mel", "wavegram"


@dataclass(frozen=True)
class ModelConfig:
    """What `build_network` needs; the defaults are the reference model.

    It has 879,087 parameters for 41 machines; with fc_out, which the authors' checkpoint carries and nothing uses,
    884,376.

    `features` is BOTH, LOG_MEL or WAVEGRAM. The separable flags choose between the paper's separable blocks and
    plain convolutions. `width` scales the channel counts of attention and classifier (rounded to a multiple of 8).
    """

    architecture: str = REFERENCE
    features: str = BOTH
    attention: bool = True
    separable_attention: bool = True
    separable_wavegram: bool = True
    width: float = 1.0
    embedding_size: int = 128


@dataclass(frozen=True)
class HeadConfig:
    """ArcFace: logits = scale * cos, with the angular margin on the class in question. Unused by the autoencoder."""

    scale: float = 40.0
    margin: float = 0.7
