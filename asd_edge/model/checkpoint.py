"""A trained model as two files, checkpoint.safetensors (weights) and checkpoint.json (everything else)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.label_table import LabelTable
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import HeadConfig, ModelConfig


@dataclass(frozen=True)
class Split:
    """The exact clips that trained and chose the model: SHA-256 of each clip's int16 samples -> path in the data set."""

    train: Mapping[str, str]
    validation: Mapping[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """`weights` uses the names of the network's state_dict; the head's rows are "head.weight" (n_classes, embedding)."""

    model: ModelConfig
    head: HeadConfig
    frontend: FrontendConfig
    labels: LabelTable
    split: Split
    weights: Mapping[str, NDArray[np.float32]]
    training: Mapping[str, str | int | float]  # how it was made: loss, epochs, seed, data set, versions
