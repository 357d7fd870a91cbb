"""Which normal clips train and which choose the epoch: whole recordings go to one side, drawn by a seed."""

from collections.abc import Sequence

import numpy as np

from asd_edge.clip.records import NORMAL, TRAIN, ClipRecord
from asd_edge.errors import DatasetError

Records = tuple[ClipRecord, ...]


def split_by_recording(records: Sequence[ClipRecord], validation_share: float, seed: int) -> tuple[Records, Records]:
    """(training, validation) records of all machines; of each machine `validation_share` of its recordings validate.

    Only records with split TRAIN and label NORMAL are used. Every machine has at least one recording on either side.
    Raises DatasetError when there is no normal clip or a machine has a single recording.
    """
    usable = sorted(
        (record for record in records if record.split == TRAIN and record.label == NORMAL),
        key=lambda record: (record.machine, record.recording, str(record.path)),
    )
    if not usable:
        raise DatasetError("no normal training clip (train/normal_*), from which alone a detector learns; add some")
    generator = np.random.default_rng([seed, _SPLIT_STREAM])
    validating: set[tuple[str, str]] = set()
    for machine in sorted({record.machine for record in usable}):
        recordings = sorted({record.recording for record in usable if record.machine == machine})
        if len(recordings) < 2:
            raise DatasetError(
                f"machine {machine} has one normal recording ({recordings[0]}); add another: one trains, one validates"
            )
        n_validating = min(len(recordings) - 1, max(1, round(validation_share * len(recordings))))
        chosen = generator.permutation(len(recordings))[:n_validating]
        validating |= {(machine, recordings[index]) for index in chosen}
    training = tuple(record for record in usable if (record.machine, record.recording) not in validating)
    return training, tuple(record for record in usable if (record.machine, record.recording) in validating)


_SPLIT_STREAM = 1  # keeps this draw apart from the shuffles and mixups of the same seed
