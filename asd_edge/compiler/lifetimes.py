"""How many columns of each tensor must stay, and which live within one pass only, from the moments of a timeline."""

from dataclasses import dataclass

import numpy as np

from asd_edge.compiler.simulate import Firings, Indices, Timeline
from asd_edge.compiler.stream_graph import StreamGraph


@dataclass(frozen=True)
class Lifetime:
    """Of a tensor's columns."""

    depth: int  # columns of its ring, if each is written there at once
    depth_apart: int  # if the newest one lies apart until the last of its readers has had its turn in that pass
    is_within_pass: bool  # no column is read after the pass that gives it


def lifetime(graph: StreamGraph, timeline: Timeline, name: str) -> Lifetime:
    """Of one tensor; holds for all windows to come where the timeline is steady."""
    written = timeline.produced[name]
    depth = depth_apart = 1
    is_within_pass = True
    for index in graph.readers(name):
        fired = timeline.firings[index]
        depth = max(depth, _depth(written, fired, "left"))
        depth_apart = max(depth_apart, _depth(written, fired, "right"))
        reads = fired.first_read <= fired.last_read
        newest = written[np.maximum(fired.last_read, 0)] if len(written) else fired.moments
        is_at_once = reads & (newest == fired.moments)
        is_within_pass &= bool((~reads | (is_at_once & (fired.first_read == fired.last_read))).all())
    return Lifetime(depth, depth_apart, is_within_pass)


def _depth(written: Indices, fired: Firings, side: str) -> int:
    """Columns from the oldest that is still to be read to the one that is being written, at the worst moment.

    A firing in the moment of the write comes after it ("left"), or before the column is stored ("right").
    """
    upcoming = np.searchsorted(fired.moments, written, "left" if side == "left" else "right")
    is_known = upcoming < len(fired.moments)
    if not is_known.any():
        return len(written)
    columns = np.flatnonzero(is_known)
    return int((columns - fired.first_read[upcoming[is_known]] + 1).max())
