"""Images packed for other cores, on this machine: the scores of the plain one, and refused where a record is wrong."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asd_edge.clip.read_clip import read_clip
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.compiler.image_records import STEP
from asd_edge.compiler.read_image import ModelImage, read_image
from asd_edge.compiler.stream_graph import Layout, StepOp
from asd_edge.model.config import ModelConfig
from asd_edge.native_engine import image_status, score_samples
from tests.boards.untrained_work import write_untrained_work

REFUSED = (7, 8, 9, 10, 11, 12, 13, 14, 6)  # asd_status
CORES = {"dsp": Layout.DSP, "mve": Layout.MVE}
CONVOLUTIONS = (StepOp.CONV2D, StepOp.POINTWISE, StepOp.DEPTHWISE)


@pytest.fixture(scope="module")
def images(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelImage]:
    work = write_untrained_work(tmp_path_factory.mktemp("packed") / "work", tiny_synthetic, ModelConfig(width=0.125))
    return {core: read_image(compile_work(work, core_named(core)).content) for core in ("generic", *CORES)}


@pytest.mark.parametrize("core", CORES)
def test_packed_weights_give_the_scores_of_plain_ones(
    core: str, images: dict[str, ModelImage], tiny_synthetic: Path
) -> None:
    assert {Layout(int(step["layout"])) for step in images[core].steps} >= {CORES[core]}
    for path in sorted((tiny_synthetic / "valve/test").glob("*.wav"))[:2]:
        samples = read_clip(path)
        scores, embeddings = score_samples(images[core].content, samples, 2)
        expected, expected_embeddings = score_samples(images["generic"].content, samples, 2)
        assert scores == expected
        np.testing.assert_array_equal(embeddings, expected_embeddings)


def _changed(image: ModelImage, index: int, field: str, value: int) -> bytes:
    """The image with one field of one step's record changed, its checksum made right again."""
    content = bytearray(image.content)
    offset = int(image.header["steps_offset"]) + index * STEP.itemsize
    steps = image.steps[index : index + 1].copy()
    steps[field] = value
    content[offset : offset + STEP.itemsize] = steps.tobytes()
    content[12:16] = struct.pack("<I", zlib.crc32(content[16:], zlib.crc32(content[:12])))
    return bytes(content)


CHANGES: dict[str, tuple[str, Callable[[int], int]]] = {
    "a scratch too small": ("scratch_bytes", lambda n: n - 4),
    "weights too short": ("weights_bytes", lambda n: n - 1),
    "weights too long": ("weights_bytes", lambda n: n + 4),
    "weights beyond the end": ("weights_offset", lambda _: 2**31),
    "an unknown layout": ("layout", lambda _: 3),
    "an unknown rounding": ("rounding", lambda _: 2),
    "a longer kernel": ("kernel_time", lambda n: n + 8),
    "a kernel without end": ("kernel_mel", lambda _: 65535),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("core", CORES)
def test_a_packed_step_that_would_read_or_write_elsewhere_is_refused(
    core: str, change: str, images: dict[str, ModelImage]
) -> None:
    field, value = CHANGES[change]
    image, n_changed = images[core], 0
    assert image_status(image.content) == 0
    for index, step in enumerate(image.steps):
        is_packed = step["op"] in CONVOLUTIONS and step["layout"] == CORES[core]
        if not is_packed or (field == "scratch_bytes" and step[field] == 0):
            continue
        assert image_status(_changed(image, index, field, value(int(step[field])))) in REFUSED, (index, step)
        n_changed += 1
    assert n_changed >= 5
