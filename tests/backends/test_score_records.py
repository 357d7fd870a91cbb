"""The records of score_clips as bytes."""

import struct

import numpy as np
import pytest

from asd_edge.backends.score_records import Block, ClipToRun, Part, read_run, write_clips
from asd_edge.errors import BackendError

START = struct.pack("<12I", 0, 1600, 3200, 262_144, 13_000, 9_000, 4_000, 128, 100_000, 200_000, 8192, 0)
CLIP = b"".join(
    (
        struct.pack("<HHIq", 1, 1, 64, 1600),
        struct.pack("<HHIq2b", 2, 2, 0, 0, -3, 4),
        struct.pack("<HHIq", 3, 0, 0, -65536),
        struct.pack("<HHIq", 4, 0, 2, 1700),
        struct.pack("<HHIq", 5, 0, 1, 1500),
    )
)


def test_a_run_is_read_back() -> None:
    run = read_run(START + CLIP + CLIP)
    first = run.clips[0]
    assert first.scores_q16 == (-65536,)
    assert first.statuses == (0,)
    assert first.blocks == (Block(64, 1, 1000.0),)
    assert first.parts == (Part(2, (1700 - 2 * 3200 / 64) / 1.6),)
    assert first.n_windows_dropped == 1
    np.testing.assert_array_equal(first.outputs, [[-3, 4]])
    assert len(run.clips) == 2
    assert run.memory.stack_used == 1500
    assert run.memory.total == 13_000 - 128 + 100_000 + 8192


@pytest.mark.parametrize("content", [b"", START[:-1], START + CLIP[:-1], START + b"\xff" * 16])
def test_output_that_was_cut_off_is_an_error(content: bytes) -> None:
    with pytest.raises(BackendError, match="cut off"):
        read_run(content)


def test_clips_are_written_with_their_samples_behind_them() -> None:
    clip = ClipToRun(np.array([1, -2], np.int16), 3, is_continued=True, is_last=False)
    assert write_clips([clip, clip]) == 2 * struct.pack("<4I2h", 3, 2, 1, 0, 1, -2)
