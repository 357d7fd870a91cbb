"""What a diagnosis finds: the damage of int8 as a whole, of each layer alone and of all but each, and the repairs."""

from collections.abc import Mapping
from dataclasses import dataclass

from asd_edge.diagnose.layer_noise import Evidence
from asd_edge.diagnose.repairs import Repair


@dataclass(frozen=True)
class Damage:
    """A mixture of float and int8 beside all float, over the clips used; AUCs are fractions of 1."""

    cosine_mean: float | None  # of the outputs; None for a reconstruction
    cosine_min: float | None
    relative_error_mean: float  # |output - float output| / |float output|
    relative_error_max: float
    changed_pairs: float  # normal-anomaly pairs of one machine ID whose order changed; a new or lost tie counts 1/2
    auc_difference: float  # mean over types of the mean over IDs, minus float's

    @property
    def error(self) -> float:
        """What layers are ranked by: 1 - cosine of an embedding, whose direction alone makes the score, else the
        relative error.
        """
        return self.relative_error_mean if self.cosine_mean is None else 1 - self.cosine_mean


@dataclass(frozen=True)
class LayerDiagnosis:
    """One layer; dB are None where there is no noise."""

    name: str
    operator: str  # "Conv2D", or "input"
    sqnr_db: float | None  # of the layer alone in int8
    inherited_sqnr_db: float | None  # of the layer in float behind int8: what comes to it from elsewhere
    alone: Damage  # this layer in int8, the others in float
    all_but: Damage  # this layer in float, the others in int8
    evidence: Evidence  # on the normal clips
    clipped_anomalies: float  # share of the values that lie outside the range on the anomalous clips
    repair: Repair


@dataclass(frozen=True)
class Diagnosis:
    """`layers` in execution order; `ranking` names them, the most harmful first."""

    date: str  # ISO 8601, UTC
    asd_edge: str  # version
    score_kind: str
    data: str  # folder
    files: Mapping[str, str]  # file -> SHA-256
    recipe_steps: tuple[str, ...]  # of the export, kept or dropped
    clips_used: int
    clips_available: int
    pairs: int  # normal-anomaly pairs within machine IDs
    int8: Damage
    layers: tuple[LayerDiagnosis, ...]
    ranking: tuple[str, ...]
    advice: str

    def ranked(self) -> tuple[LayerDiagnosis, ...]:
        """The layers in the order of `ranking`."""
        by_name = {layer.name: layer for layer in self.layers}
        return tuple(by_name[name] for name in self.ranking)
