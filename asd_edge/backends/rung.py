"""What every rung of the parity ladder offers: a clip in, its anomaly score and the network's output out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """One clip as the rungs take it.

    `features` are the front end's, NHWC with one row per run of the network (`clip_features`); empty where no rung of
    the ladder takes them.
    """

    samples: NDArray[np.int16]  # (clip_samples,)
    machine: str  # the machine that it claims to be: "fan/id_00"
    features: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ClipScore:
    """`score` is the log-odds against the claimed machine, or the reconstruction error in dB^2."""

    score: float
    cross_entropy: float | None  # the reference's own score; None for a reconstruction error
    output: NDArray[np.float64]  # (n_outputs,): the embedding, or the reconstruction of all vectors in dB
    codes: NDArray[np.int8] | None  # the same as the network's int8 codes; None on a float rung


class Rung(Protocol):
    """A runtime with a model loaded into it."""

    @property
    def name(self) -> str:
        """Its place in the ladder: one of `open_rungs.LADDER`."""

    @property
    def runtime(self) -> str:
        """What computes, with its version: "ai-edge-litert 2.3.0"."""

    @property
    def frontend(self) -> str:
        """Which front end it hears with: `network_inputs.FLOAT` or FIXED."""

    @property
    def takes_features(self) -> bool:
        """Whether `score` reads `Clip.features`; else it reads the samples alone."""

    @property
    def tolerance_lsb(self) -> int | None:
        """By how much its int8 output may differ from the reference rung's; None where it has no int8 output."""

    def score(self, clip: Clip) -> ClipScore:
        """Raises ClipError for a clip without a score, DatasetError for a machine outside the label table."""
