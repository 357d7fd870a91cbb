"""Normal sound through the firmware's own C -> the score and the int8 embedding of each window, as on a device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import samples_sha256
from asd_edge.errors import ClipError, DatasetError, ImageError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.native_engine import load_model, score_samples
from asd_edge.provision.normal_sound import Recording, each_window

_Q16 = 65536.0


@dataclass(frozen=True)
class HeardWindows:
    """Row or entry i is window i, in the order of the recordings."""

    recordings: NDArray[np.int64]  # (n_windows,): which one it was cut from
    scores: NDArray[np.float64]  # (n_windows,) against the class that was asked for
    codes: NDArray[np.int8]  # (n_windows, embedding_size); of a reconstruction its last vector, of no use
    zero_point: int  # of the codes
    sha256: tuple[str, ...]  # of the samples


def hear_windows(
    image: bytes,
    class_index: int,
    recordings: Sequence[Recording],
    config: FrontendConfig,
    on_progress: ProgressFn = ignore_progress,
) -> HeardWindows:
    """`image`: of windows, not sliding.

    Raises ClipError for a recording that can't be read or scored, DatasetError for a window that is there twice.
    """
    total = sum(recording.n_windows for recording in recordings)
    seen: dict[str, int] = {}
    owners: list[int] = []
    scores: list[float] = []
    codes: list[NDArray[np.int8]] = []
    for owner, window in each_window(tuple(recordings), config):
        path = recordings[owner].path
        first = seen.setdefault(samples_sha256(window), owner)
        if len(seen) == len(owners):
            raise DatasetError(f"{path}: holds the same sound as {recordings[first].path}; keep one of the two")
        try:
            found, outputs = score_samples(image, window, class_index)
        except ImageError as error:  # an embedding of zeros, too
            raise ClipError(f"{path}: {error}") from error
        if len(found) != 1:
            raise ClipError(f"{path}: a window gives {len(found)} scores, not one; compile the model again")
        owners.append(owner)
        scores.append(found[0] / _Q16)
        codes.append(outputs[-1])
        on_progress(len(owners), total)
    model = load_model(image)
    zero_point = model.tensors[model.output].zero_point
    return HeardWindows(np.array(owners), np.array(scores), np.stack(codes), zero_point, tuple(seen))
