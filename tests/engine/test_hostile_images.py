"""Damaged and hostile images: refused with the reason, or run without a step outside of image and arena."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asd_edge.errors import ImageError
from asd_edge.native_engine import HEADER, STATUS, TENSOR, image_status, load_model
from tests.engine import image_writer as w
from tests.engine.engine_programs import SANITIZERS, compile_program, replay_record
from tests.engine.image_writer import CODE_SCALE, DETECTOR, STEP, with_checksum, with_field
from tests.engine.small_images import IMAGES
from tests.frontend.frontend_programs import missing, missing_runtime, run_program

NOT_AN_IMAGE, VERSION, CORE, TRUNCATED, CHECKSUM, BOUNDS, TENSOR_RECORD, OPERATOR, STEP_RECORD = range(4, 13)
OVERFLOW, OVERLAP, DETECTOR_RECORD = range(13, 16)
VALUES = (0, 1, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC)
ADDED_VALUES = (-1, 1, 4)  # to what the field holds
N_FLIPS = 2000


def header(image: bytes) -> Any:
    return np.frombuffer(image, HEADER, 1)[0]


def records(image: bytes) -> Iterator[tuple[np.dtype, int]]:
    """Every record of an image: its type and offset."""
    head = header(image)
    yield HEADER, 0
    for index in range(head["n_tensors"]):
        yield TENSOR, int(head["tensors_offset"]) + index * TENSOR.itemsize
    for index in range(head["n_steps"]):
        yield STEP, int(head["steps_offset"]) + index * STEP.itemsize
    if head["detector_offset"]:
        yield DETECTOR, int(head["detector_offset"])


def fields(record: np.dtype, offset: int) -> Iterator[tuple[np.dtype, int, str, int]]:
    """(record, its offset, field, entry of it) of every number."""
    for name in record.names or ():
        assert record.fields is not None
        kind, at = record.fields[name][:2]
        if kind.base == CODE_SCALE:
            yield from fields(CODE_SCALE, offset + at)
        elif name != "source_sha256":
            yield from ((record, offset, name, entry) for entry in range(int(np.prod(kind.shape, dtype=int))))


def changed(image: bytes) -> Iterator[bytes]:
    """Each field of each record at each value, one at a time."""
    for record, start in records(image):
        for kind, offset, name, entry in fields(record, start):
            held = int(np.frombuffer(image, kind, 1, offset)[name].reshape(-1)[entry].view())
            for value in (*VALUES, *(held + added for added in ADDED_VALUES)):
                yield with_field(image, kind, offset, name, value, entry)


def flipped(image: bytes, rng: np.random.Generator, n: int) -> Iterator[bytes]:
    for position in rng.integers(0, 8 * len(image), n):
        octets = bytearray(image)
        octets[position // 8] ^= 1 << (position % 8)
        yield bytes(octets)


@pytest.mark.parametrize("name", IMAGES)
def test_a_whole_image_is_accepted(name: str) -> None:
    assert image_status(IMAGES[name]()) == 0


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_cut_anywhere_is_refused(name: str) -> None:
    image = IMAGES[name]()
    for n_bytes in (*range(200), *range(200, len(image), 13), len(image) - 1):
        assert image_status(image[:n_bytes]) == (TRUNCATED if n_bytes >= HEADER.itemsize else NOT_AN_IMAGE)


@pytest.mark.parametrize("name", IMAGES)
def test_any_flipped_bit_is_refused(name: str) -> None:
    image = IMAGES[name]()
    for bit in range(8 * HEADER.itemsize):
        octets = bytearray(image)
        octets[bit // 8] ^= 1 << (bit % 8)
        assert image_status(bytes(octets)) in (NOT_AN_IMAGE, VERSION, CORE, TRUNCATED, CHECKSUM)
    for damaged in flipped(image, np.random.default_rng(1), 200):
        assert image_status(damaged) != 0


def test_bytes_behind_an_image_are_ignored() -> None:
    assert image_status(IMAGES["every_step"]() + b"\xff" * 100) == 0


HOSTILE = (  # image, record, its index, field, entry, value, status
    ("every_step", "header", 0, "magic", 0, 0, NOT_AN_IMAGE),
    ("every_step", "header", 0, "version", 0, 2, VERSION),
    ("every_step", "header", 0, "core", 0, 3, CORE),
    ("every_step", "header", 0, "core", 0, 0xFFFF, CORE),
    ("every_step", "header", 0, "n_bytes", 0, 8, TRUNCATED),
    ("every_step", "header", 0, "n_bytes", 0, 0xFFFFFFFF, TRUNCATED),
    ("every_step", "header", 0, "arena_bytes", 0, 16, BOUNDS),
    ("every_step", "header", 0, "n_tensors", 0, 0, BOUNDS),
    ("every_step", "header", 0, "n_tensors", 0, 0xFFFF, BOUNDS),
    ("every_step", "header", 0, "n_steps", 0, 1000, BOUNDS),
    ("every_step", "header", 0, "tensors_offset", 0, 0xFFFFFFF0, BOUNDS),
    ("every_step", "header", 0, "steps_offset", 0, 100, BOUNDS),
    ("every_step", "header", 0, "names_bytes", 0, 10, BOUNDS),
    ("every_step", "header", 0, "n_inputs", 0, 3, BOUNDS),
    ("detector", "header", 0, "inputs", 1, 0, BOUNDS),
    ("every_step", "header", 0, "output", 0, 0, STEP_RECORD),
    ("every_step", "header", 0, "is_endless", 0, 1, TENSOR_RECORD),
    ("every_step", "header", 0, "tensor_states_offset", 0, 0xFFFFFFFC, BOUNDS),
    ("every_step", "header", 0, "step_states_offset", 0, 0, OVERLAP),
    ("every_step", "tensor", 2, "depth", 0, 0, TENSOR_RECORD),
    ("every_step", "tensor", 2, "depth", 0, 0xFFFF, BOUNDS),
    ("every_step", "tensor", 2, "n_columns", 0, 0, TENSOR_RECORD),
    ("every_step", "tensor", 2, "n_mels", 0, 0, TENSOR_RECORD),
    ("every_step", "tensor", 2, "ring_offset", 0, 2, BOUNDS),
    ("every_step", "tensor", 2, "ring_offset", 0, 0, OVERLAP),
    ("every_step", "tensor", 1, "newest_offset", 0, 0xFFFFFFFC, BOUNDS),
    ("every_step", "tensor", 2, "is_apart", 0, 2, TENSOR_RECORD),
    ("every_step", "step", 0, "op", 0, 0, OPERATOR),
    ("every_step", "step", 0, "op", 0, 20, OPERATOR),
    ("every_step", "step", 0, "n_inputs", 0, 0, STEP_RECORD),
    ("every_step", "step", 5, "n_inputs", 0, 5, STEP_RECORD),
    ("every_step", "step", 0, "inputs", 0, 99, STEP_RECORD),
    ("every_step", "step", 0, "inputs", 0, 3, STEP_RECORD),
    ("every_step", "step", 1, "output", 0, 0, STEP_RECORD),
    ("every_step", "step", 0, "kernel_time", 0, 0, STEP_RECORD),
    ("every_step", "step", 0, "kernel_time", 0, 65, STEP_RECORD),
    ("every_step", "step", 0, "stride_time", 0, 0, STEP_RECORD),
    ("every_step", "step", 0, "stride_mel", 0, 2, STEP_RECORD),
    ("every_step", "step", 0, "pad_time", 0, 3, STEP_RECORD),
    ("every_step", "step", 0, "pad_mel", 0, 0xFFFF, STEP_RECORD),
    ("every_step", "step", 0, "delay", 0, 1025, STEP_RECORD),
    ("every_step", "step", 0, "layout", 0, 3, CORE),
    ("every_step", "step", 0, "activation", 0, 4, STEP_RECORD),
    ("every_step", "step", 0, "weights_offset", 0, 0xFFFFFFFC, BOUNDS),
    ("every_step", "step", 0, "weights_offset", 0, 97, BOUNDS),
    ("every_step", "step", 0, "weights_offset", 0, 98, BOUNDS),
    ("every_step", "step", 0, "weights_bytes", 0, 143, STEP_RECORD),
    ("every_step", "step", 0, "bias_offset", 0, 0xFFFFFFFC, BOUNDS),
    ("every_step", "step", 0, "table_bytes", 0, 256, STEP_RECORD),
    ("every_step", "step", 0, "scratch_bytes", 0, 4, STEP_RECORD),
    ("every_step", "step", 0, "scratch_offset", 0, 0xFFFFFFFC, BOUNDS),
    ("every_step", "step", 3, "factors", 0, 0x80000000, OVERFLOW),
    ("every_step", "step", 3, "factor_shifts", 1, 31, OVERFLOW),
    ("every_step", "step", 6, "pad_time", 0, 3, STEP_RECORD),
    ("every_step", "step", 12, "n_accumulators", 0, 0, STEP_RECORD),
    ("every_step", "step", 12, "accumulators_offset", 0, 0, OVERLAP),
    ("every_step", "step", 12, "kernel_time", 0, 9, STEP_RECORD),
    ("endless", "step", 2, "n_accumulators", 0, 2, STEP_RECORD),
    ("endless", "step", 0, "stride_time", 0, 2000, STEP_RECORD),
    ("detector", "detector", 0, "kind", 0, 3, DETECTOR_RECORD),
    ("detector", "detector", 0, "clip_samples", 0, 4096, DETECTOR_RECORD),
    ("detector", "detector", 0, "n_context", 0, 5, DETECTOR_RECORD),
    ("detector", "detector", 0, "fir_input", 0, 0, DETECTOR_RECORD),
    ("detector", "detector", 0, "labels_bytes", 0, 29, DETECTOR_RECORD),
    ("detector", "detector", 0, "rows_offset", 0, 0xFFFFFFFC, DETECTOR_RECORD),
    ("detector", "detector", 0, "n_classes", 0, 65535, DETECTOR_RECORD),
    ("detector", "detector", 0, "embedding_size", 0, 5, DETECTOR_RECORD),
    ("detector", "detector", 0, "fir_bias", 0, 1 << 61, DETECTOR_RECORD),
    ("reconstruction", "detector", 0, "log_mel_input", 0, 0xFFFF, DETECTOR_RECORD),
)  # fmt: skip
PLACES = {"tensor": "tensors_offset", "step": "steps_offset", "detector": "detector_offset"}
RECORDS = {"header": HEADER, "tensor": TENSOR, "step": STEP, "detector": DETECTOR}


@pytest.mark.parametrize(("name", "record", "index", "field", "entry", "value", "status"), HOSTILE)
def test_a_hostile_field_is_refused_for_what_it_is(
    name: str, record: str, index: int, field: str, entry: int, value: int, status: int
) -> None:
    image = IMAGES[name]()
    start = int(header(image)[PLACES[record]]) if record in PLACES else 0
    offset = start + index * RECORDS[record].itemsize
    assert image_status(with_field(image, RECORDS[record], offset, field, value, entry)) == status


UNUSED = (  # image, record, its index, field, entry: what FORMAT.md calls written, not read
    ("every_step", "header", 0, "reserved", 0),
    ("every_step", "header", 0, "inputs", 1),
    ("every_step", "tensor", 2, "newest_offset", 0),
    ("every_step", "step", 0, "inputs", 1),
    ("every_step", "step", 0, "reserved2", 0),
    ("every_step", "step", 0, "reserved3", 0),
    ("every_step", "step", 3, "weights_bytes", 0),
    ("late_detector", "detector", 0, "reconstruction", 0),
    ("late_detector", "detector", 0, "fir_low_offset", 0),
    ("reconstruction", "detector", 0, "embedding_size", 0),
    ("reconstruction", "detector", 0, "rows_offset", 0),
    ("reconstruction", "detector", 0, "arcface", 0),
)


@pytest.mark.parametrize(("name", "record", "index", "field", "entry"), UNUSED)
def test_what_a_record_does_not_use_is_not_read(name: str, record: str, index: int, field: str, entry: int) -> None:
    image = IMAGES[name]()
    start = int(header(image)[PLACES[record]]) if record in PLACES else 0
    offset = start + index * RECORDS[record].itemsize
    for value in (1, 20, 0xFFFFFFFF):
        assert image_status(with_field(image, RECORDS[record], offset, field, value, entry)) == 0


def test_every_refusal_has_its_message() -> None:
    with pytest.raises(ImageError, match="damaged: its checksum is wrong; compile it again"):
        load_model(IMAGES["endless"]()[:-1] + b"\x55")
    assert {status for *_, status in HOSTILE} <= set(STATUS)


def test_sums_that_could_overflow_are_refused() -> None:
    image = IMAGES["every_step"]()
    bias_offset = int(np.frombuffer(image, STEP, 1, int(header(image)["steps_offset"]))["bias_offset"][0])
    limit = 2**31 - 9 * input_channels(image) * 255 * 128
    for bias, status in ((limit - 1, 0), (limit, OVERFLOW), (-limit, OVERFLOW), (-limit + 1, 0), (-(2**31), OVERFLOW)):
        octets = image[:bias_offset] + bias.to_bytes(4, "little", signed=True) + image[bias_offset + 4 :]
        assert image_status(with_checksum(octets)) == status


def input_channels(image: bytes) -> int:
    return int(np.frombuffer(image, TENSOR, 1, int(header(image)["tensors_offset"]))["n_channels"][0])


def test_no_field_at_any_value_leads_out_of_bounds(tmp_path: Path) -> None:
    if reason := missing("gcc") or missing_runtime("gcc", SANITIZERS):
        pytest.skip(reason)
    program = compile_program("replay", "gcc", SANITIZERS, tmp_path)
    rng = np.random.default_rng(7)
    for make in IMAGES.values():
        image = make()
        cut = (image[:n_bytes] for n_bytes in range(0, len(image), 7))
        for hostile in (changed(image), flipped(image, rng, N_FLIPS // len(IMAGES)), cut):
            given = list(hostile)
            n_run = int.from_bytes(run_program([program], replay_record(given)), "little")
            assert n_run == len(given), "a sanitizer or the program itself ended the run"


def test_the_writer_and_the_firmware_agree_on_sizes() -> None:
    assert (HEADER.itemsize, TENSOR.itemsize, STEP.itemsize, DETECTOR.itemsize) == (96, 24, 92, 128)
    assert w.STORE == 19


def test_scratch_over_what_a_step_reads_is_refused() -> None:
    image = IMAGES["every_step"]()
    tensors, steps = int(header(image)["tensors_offset"]), int(header(image)["steps_offset"])
    source = int(np.frombuffer(image, STEP, 1, steps)[0]["inputs"][0])
    ring = int(np.frombuffer(image, TENSOR, source + 1, tensors)[source]["ring_offset"])
    assert image_status(with_field(image, STEP, steps, "scratch_offset", ring)) == OVERLAP
