"""Old machines while the network learns new ones beside them: they hold it where it was, and bound how far it goes.

An AUC changes where scores change their order, so that what counts is by how much a machine's scores move against each
other, in what they are apart:

    drift = sd(z - z0) / sd(z0)         over the normal clips of one machine

z is the anomaly score (the log-odds), z0 what it was before the fine-tuning. An old machine's clip adds to the loss

    HOLD_SCORE ((z - z0) / sd(z0))^2 + HOLD_DIRECTION (1 - cos(e, e0))

The second term holds the embedding e as a whole, for what normal clips don't show: anomalies lean towards other rows.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from asd_edge.clip.progress import ProgressFn
from asd_edge.model.arcface import log_odds
from asd_edge.model.checkpoint import Checkpoint, Weights
from asd_edge.model.network import network_from_checkpoint
from asd_edge.train.embedded import embed_clips
from asd_edge.train.load_clips import LoadedClips

HOLD_SCORE, HOLD_DIRECTION = 1.0, 300.0
MOST_DRIFT = 0.1  # that training adds to what the new rows make, of any old machine; what that costs: DESIGN.md
_LEAST_SPREAD = 0.1  # of z, where a machine's clips are all alike
_LEAST_SHARE = 0.01


class OldMachines:
    """The machines of the checkpoint `before`, and normal clips of each as it embeds them."""

    def __init__(self, before: Checkpoint, clips: LoadedClips, embeddings: Tensor) -> None:
        self.n_old = len(before.labels.machines)
        self.head = before.head
        self.network = network_from_checkpoint(before)
        self.clips = clips
        self.embeddings = embeddings  # (n_clips, E)
        self.scores = self._scores(embeddings, self.network.head.weight.detach())  # (n_clips,)
        self.spreads = self._deviations(self.scores).clamp(min=_LEAST_SPREAD)  # (n_old,)

    def penalties(self, waveform: Tensor, embeddings: Tensor, cosines: Tensor, labels: Tensor) -> Tensor:
        """(N,): what old machines' clips or mixes [N, S], mostly of `labels`, add to the loss for what they became."""
        with torch.no_grad():
            embeddings_before = self.network.to(waveform.device)(waveform)
            scores_before = log_odds(self.network.head(embeddings_before), labels, self.head)
        moved = (log_odds(cosines, labels, self.head) - scores_before) / self.spreads.to(labels.device)[labels]
        turned = 1.0 - functional.cosine_similarity(embeddings.float(), embeddings_before.float())
        return HOLD_SCORE * moved.square() + HOLD_DIRECTION * turned

    def allowed_step(self, start: Checkpoint, tuned: Weights, on_progress: ProgressFn) -> tuple[float, Weights]:
        """(share, weights): how far from `start` towards `tuned` the scores let the network go; tried from 1 downwards.

        `start` is the checkpoint before with new rows, which `tuned` has as well.
        """
        rows = torch.from_numpy(start.weights["head.weight"])
        by_rows = self._drifts(self.embeddings, rows)
        share = 1.0
        while share >= _LEAST_SHARE:
            weights = {name: value + np.float32(share) * (tuned[name] - value) for name, value in start.weights.items()}
            network = network_from_checkpoint(replace(start, weights=weights))
            drifts = self._drifts(embed_clips(network, self.clips, on_progress).embeddings, rows)
            added = float((drifts.square() - by_rows.square()).max().clamp(min=0).sqrt())
            if added <= MOST_DRIFT:
                return share, weights
            share *= min(0.95, max(0.5, MOST_DRIFT / added))  # near the start scores move about as far as weights
        return 0.0, start.weights

    def _drifts(self, embeddings: Tensor, rows: Tensor) -> Tensor:
        return self._deviations(self._scores(embeddings, rows) - self.scores) / self.spreads

    def _scores(self, embeddings: Tensor, rows: Tensor) -> Tensor:
        cosines = functional.linear(functional.normalize(embeddings), functional.normalize(rows))
        return log_odds(cosines, self.clips.labels, self.head)

    def _deviations(self, values: Tensor) -> Tensor:
        """(n_old,): the standard deviation over each machine's clips."""
        each = [values[self.clips.labels == machine].std(correction=0) for machine in range(self.n_old)]
        return torch.stack(each)
