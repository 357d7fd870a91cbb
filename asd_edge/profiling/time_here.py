"""A work directory -> ms per clip of the C engine, measured on this machine, where it is the board in question."""

import statistics
import time
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.native_engine import score_samples
from asd_edge.profiling.count_instructions import profiled_clip
from asd_edge.profiling.profile_record import MEASURED, Figure

DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
_N_RUNS = 5


def is_this_machine(board: Board, model_file: Path = DEVICE_TREE_MODEL) -> bool:
    """Whether the kernel's name of this machine is that of the board; `host` always is."""
    if board.system == "host":
        return True
    if board.device_tree_model is None:
        return False
    try:
        return model_file.read_bytes().decode(errors="replace").startswith(board.device_tree_model)
    except OSError:
        return False


def time_clip(image: bytes, clip_samples: int) -> Figure:
    """ms from the first sample to the score: median, fastest and slowest of some runs on one thread.

    Raises ImageError where the C library refuses the image.
    """
    clip = profiled_clip(clip_samples)
    runs = []
    for _ in range(_N_RUNS + 1):
        started = time.perf_counter()
        score_samples(image, clip, 0)
        runs.append(1000.0 * (time.perf_counter() - started))
    timed = runs[1:]  # the first one fills the caches
    how = f"median, fastest and slowest of {_N_RUNS} clips on one thread of this machine"
    return Figure(statistics.median(timed), MEASURED, how, min(timed), max(timed))
