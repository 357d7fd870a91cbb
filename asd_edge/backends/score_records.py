"""Clips as bytes for the firmware's score_clips, and what it writes -> scores, outputs, memory and instructions.

The records are those of firmware/apps/score/score_record.h, little-endian.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import BackendError

_CLIP, _START, _RECORD = struct.Struct("<4I"), struct.Struct("<12I"), struct.Struct("<HHIq")
_BLOCK, _OUTPUT, _FOUND, _PART, _CLIP_END = range(1, 6)
N_MARKS_TIMED = 64
Q16 = 65536


@dataclass(frozen=True)
class ClipToRun:
    """`is_continued`: right behind the clip before it, as in a stream; else from a new detector."""

    samples: NDArray[np.int16]  # (n_samples,)
    class_index: int
    is_continued: bool = False
    is_last: bool = True  # of the stream: what is still under way is computed


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of RAM; 0: not known."""

    ram: int  # of the part
    static: int  # all variables
    detector: int  # of them front end, scorer, engine
    audio: int  # of them the audio buffer
    counting: int  # of them what only this program needs
    arena: int
    free: int  # for the arena
    stack: int  # set aside
    stack_used: int  # of it, at most

    @property
    def total(self) -> int:
        """What a product needs: all of it, with the whole stack that is set aside."""
        return self.static - self.counting + self.arena + self.stack


@dataclass(frozen=True)
class Block:
    """Samples that came in at once, the columns that they gave the network, and the instructions of all that."""

    n_samples: int
    n_columns: int
    instructions: float


@dataclass(frozen=True)
class Part:
    """Front end, scheduler, scorer, then each step: how often it ran and its instructions, since the start."""

    count: int
    instructions: float


@dataclass(frozen=True)
class ClipRun:
    """What came out between one clip's first sample and the next one's."""

    scores_q16: tuple[int, ...]
    statuses: tuple[int, ...]  # of each score; 0: it is one
    outputs: NDArray[np.int8]  # (n_outputs, n_codes): embeddings, or reconstructions of vectors
    blocks: tuple[Block, ...]
    parts: tuple[Part, ...]  # empty without marks
    n_windows_dropped: int

    @property
    def instructions(self) -> float:
        return sum(block.instructions for block in self.blocks)


@dataclass(frozen=True)
class ScoreRun:
    """A run of score_clips."""

    status: int  # of the model: asd_status
    memory: MemoryUse
    clips: tuple[ClipRun, ...]


def write_clips(clips: Sequence[ClipToRun]) -> bytes:
    """The program's input."""
    parts = []
    for clip in clips:
        parts.append(_CLIP.pack(clip.class_index, clip.samples.size, clip.is_continued, clip.is_last))
        parts.append(clip.samples.astype("<i2").tobytes())
    return b"".join(parts)


def read_run(content: bytes) -> ScoreRun:
    """The program's output. Raises BackendError for one that was cut off."""
    try:
        start = _START.unpack_from(content)
        clips, stack_used = _read_clips(content[_START.size :], start[1] / 1000.0, start[2] / N_MARKS_TIMED)
    except (struct.error, IndexError, ValueError) as error:
        raise BackendError(f"the firmware's output was cut off after {len(content)} bytes; run it again") from error
    status, _, _, ram, static, detector, audio, counting, arena, free, stack, _ = start
    return ScoreRun(
        status, MemoryUse(ram, static, detector, audio, counting, arena, free, stack, stack_used), tuple(clips)
    )


def _read_clips(content: bytes, ticks_per_instruction: float, mark_ticks: float) -> tuple[list[ClipRun], int]:
    clips: list[ClipRun] = []
    scores: list[tuple[int, int]] = []
    outputs: list[NDArray[np.int8]] = []
    blocks: list[Block] = []
    parts: list[Part] = []
    position = stack_used = 0
    while position < len(content):
        kind, size, status, value = _RECORD.unpack_from(content, position)
        position += _RECORD.size
        if kind == _BLOCK:
            blocks.append(Block(status, size, value / ticks_per_instruction))
        elif kind == _OUTPUT:
            outputs.append(np.frombuffer(content, np.int8, size, position))
            position += size
        elif kind == _FOUND:
            scores.append((status, value))
        elif kind == _PART:
            parts.append(Part(status, (value - status * mark_ticks) / ticks_per_instruction))
        elif kind == _CLIP_END:
            found = np.stack(outputs) if outputs else np.empty((0, 0), np.int8)
            scores_q16, statuses = tuple(score for _, score in scores), tuple(code for code, _ in scores)
            clips.append(ClipRun(scores_q16, statuses, found, tuple(blocks), tuple(parts), status))
            stack_used = max(stack_used, value)
            scores, outputs, blocks, parts = [], [], [], []
        else:
            raise ValueError(f"record of kind {kind}")
    return clips, stack_used
