"""The ArcFace head (Deng et al. 2019) and the three losses that train it: ArcFace, ArcMix, Noisy-ArcMix.

cos = normalize(embedding) . normalize(row); on the class in question cos becomes cos(angle + margin), continued
linearly beyond pi - margin; logits = scale * that. Noisy-ArcMix (Choi & Choi, ICASSP 2024) puts the margin on the
unmixed label y_a only: loss = lambda * CE(logits, y_a) + (1 - lambda) * CE(logits, y_b).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from asd_edge.model.config import HeadConfig

ARCFACE, ARCMIX, NOISY_ARCMIX = "arcface", "arcmix", "noisy-arcmix"
LOSSES = (ARCFACE, ARCMIX, NOISY_ARCMIX)


class ArcFaceHead(nn.Module):
    """One row per machine, `weight` [n_classes, embedding_size]: embedding [N, E] -> cosines [N, n_classes]."""

    def __init__(self, n_classes: int, embedding_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, embedding_size))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, embedding: Tensor) -> Tensor:
        return functional.linear(functional.normalize(embedding.float()), functional.normalize(self.weight.float()))


def arcface_logits(cosines: Tensor, labels: Tensor, head: HeadConfig) -> Tensor:
    """Logits [N, n_classes] with the margin on `labels` [N] int64."""
    true_cosine = cosines.gather(1, labels.unsqueeze(1))  # [N, 1]
    sine = (1.0 - true_cosine.square()).clamp(1e-12, 1.0).sqrt()  # the floor keeps the gradient finite at cos = +-1
    with_margin = torch.where(
        true_cosine > math.cos(math.pi - head.margin),
        true_cosine * math.cos(head.margin) - sine * math.sin(head.margin),
        true_cosine - head.margin * math.sin(math.pi - head.margin),
    )
    return head.scale * cosines.scatter(1, labels.unsqueeze(1), with_margin)


def log_odds(cosines: Tensor, labels: Tensor, head: HeadConfig) -> Tensor:
    """(N,): the anomaly score of clips that claim `labels`, which `asd_edge.scorer` computes in float64."""
    logits = arcface_logits(cosines, labels, head)
    own = labels.unsqueeze(1)
    others = logits.scatter(1, own, -math.inf).logsumexp(dim=1)
    return others - logits.gather(1, own).squeeze(1)


def arcface_loss(cosines: Tensor, labels: Tensor, head: HeadConfig) -> Tensor:
    """Mean cross-entropy of unmixed clips."""
    return functional.cross_entropy(arcface_logits(cosines, labels, head), labels)


def mixed_loss(
    loss: str, cosines: Tensor, labels_a: Tensor, labels_b: Tensor, mixup_lambda: float, head: HeadConfig
) -> Tensor:
    """Loss of clips mixed as lambda * a + (1 - lambda) * b: ARCMIX moves the margin along with the label."""
    logits_a = arcface_logits(cosines, labels_a, head)
    logits_b = arcface_logits(cosines, labels_b, head) if loss == ARCMIX else logits_a
    loss_a = functional.cross_entropy(logits_a, labels_a)
    loss_b = functional.cross_entropy(logits_b, labels_b)
    return mixup_lambda * loss_a + (1.0 - mixup_lambda) * loss_b
