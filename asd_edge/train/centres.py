"""The mean direction of each machine's normal training clips, which a checkpoint keeps for later fine-tunings."""

import dataclasses

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.model.checkpoint import Checkpoint
from asd_edge.model.network import network_from_checkpoint
from asd_edge.train.embedded import embed_clips
from asd_edge.train.head_rows import centre_rows
from asd_edge.train.load_clips import LoadedClips


def with_centres(
    checkpoint: Checkpoint, training: LoadedClips, on_progress: ProgressFn = ignore_progress
) -> Checkpoint:
    """The detector with the centres of all its machines, each of which has some of the `training` clips."""
    embedded = embed_clips(network_from_checkpoint(checkpoint), training, on_progress)
    centres = centre_rows(embedded, range(len(checkpoint.labels.machines)))
    return dataclasses.replace(checkpoint, centres=centres.numpy())
