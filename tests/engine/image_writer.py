"""Writes model images record by record, apart from the compiler: small networks, and fields of any value for tests."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from asd_edge.native_engine import HEADER, TENSOR

MAGIC, VERSION = 0x4D445341, 1
NO_INPUT = 0xFFFF
CONV2D, POINTWISE, DEPTHWISE, ACCUMULATE_CONV2D, ACCUMULATE_DEPTHWISE, ACCUMULATE_MEAN, MEAN = range(1, 8)
LOOKUP, PRELU, ADD, MUL, MAXIMUM, CONCAT, PAD, AVERAGE_POOL, MAX_POOL, SOFTMAX, RESHAPE, STORE = range(8, 20)

STEP = np.dtype(
    [
        ("op", "u1"), ("layout", "u1"), ("activation", "u1"), ("n_inputs", "u1"), ("inputs", "<u2", 4),
        ("output", "<u2"), ("delay", "<u2"), ("kernel_time", "<u2"), ("kernel_mel", "<u2"), ("stride_time", "<u2"),
        ("stride_mel", "<u2"), ("pad_time", "<u2"), ("pad_mel", "<u2"), ("low", "i1"), ("high", "i1"),
        ("zero_point", "i1"), ("rounding", "u1"), ("weights_offset", "<u4"), ("weights_bytes", "<u4"),
        ("bias_offset", "<u4"), ("multipliers_offset", "<u4"), ("shifts_offset", "<u4"), ("table_offset", "<u4"),
        ("table_bytes", "<u4"), ("scratch_offset", "<u4"), ("scratch_bytes", "<u4"), ("accumulators_offset", "<u4"),
        ("n_accumulators", "<u2"), ("reserved2", "<u2"), ("factors", "<i4", 3), ("factor_shifts", "i1", 3),
        ("reserved3", "u1"),
    ]
)  # fmt: skip
FRONTEND_SCRATCH_BYTES = 5120
CODE_SCALE = np.dtype(
    [("limit", "<i8"), ("multiplier", "<i4"), ("shift", "<i4"), ("zero_point", "<i4"), ("pre_shift", "<i4")]
)
DETECTOR = np.dtype(
    [
        ("log_mel_scale", CODE_SCALE), ("fir_scale", CODE_SCALE), ("fir_bias", "<i8"), ("fir_high_offset", "<u4"),
        ("fir_low_offset", "<u4"), ("clip_samples", "<u4"), ("kind", "<u2"), ("n_context", "<u2"),
        ("log_mel_input", "<u2"), ("fir_input", "<u2"), ("labels_offset", "<u4"), ("labels_bytes", "<u4"),
        ("rows_offset", "<u4"), ("n_classes", "<u2"), ("embedding_size", "<u2"), ("arcface", "<i4", 5),
        ("reconstruction", "<i4", 3), ("frontend_scratch_offset", "<u4"),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class WrittenTensor:
    """A tensor with a ring of `depth` columns of its own in the arena."""

    n_columns: int
    n_mels: int
    n_channels: int
    depth: int = 1
    zero_point: int = 0
    is_apart: bool = False

    @property
    def stride(self) -> int:
        return (self.n_mels * self.n_channels + 3) // 4 * 4


@dataclass(frozen=True)
class WrittenStep:
    """A step with what it reads from the image; places are chosen by `write_image`."""

    op: int
    inputs: Sequence[int]
    output: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    delay: int = 0
    activation: int = 0
    weights: bytes = b""
    bias: bytes = b""
    multipliers: bytes = b""
    shifts: bytes = b""
    table: bytes = b""
    scratch_bytes: int = 0
    n_accumulators: int = 0
    factors: Sequence[int] = (0, 0, 0)
    factor_shifts: Sequence[int] = (0, 0, 0)


@dataclass
class _Sections:
    """Bytes behind the header, each section at a multiple of 16."""

    content: bytearray = field(default_factory=lambda: bytearray(HEADER.itemsize))

    def add(self, section: bytes) -> int:
        self.content += bytes(-len(self.content) % 16)
        offset = len(self.content)
        self.content += section
        return offset


@dataclass
class _Arena:
    n_bytes: int = 0

    def add(self, n_bytes: int) -> int:
        offset = self.n_bytes
        self.n_bytes += (n_bytes + 7) // 8 * 8
        return offset


def with_checksum(image: bytes) -> bytes:
    """The same image with the CRC that its bytes have."""
    return image[:12] + zlib.crc32(image[16:], zlib.crc32(image[:12])).to_bytes(4, "little") + image[16:]


def write_image(
    tensors: Sequence[WrittenTensor],
    steps: Sequence[WrittenStep],
    inputs: Sequence[int],
    output: int,
    detector: bytes | None = None,
) -> bytes:
    """An image whose arena shares nothing. `detector` comes last, so that what it refers to can stand behind it."""
    sections, arena = _Sections(), _Arena()
    header = np.zeros(1, HEADER)
    header["magic"], header["version"] = MAGIC, VERSION
    header["tensor_states_offset"] = arena.add(12 * len(tensors))
    header["step_states_offset"] = arena.add(12 * len(steps))
    records = np.concatenate([_tensor_record(tensor, arena) for tensor in tensors])
    step_records = np.concatenate([_step_record(step, tensors, sections, arena) for step in steps])
    header["tensors_offset"] = sections.add(records.tobytes())
    header["steps_offset"] = sections.add(step_records.tobytes())
    names = b"".join(b"%d\0" % index for index in range(len(tensors) + len(steps)))
    header["names_offset"], header["names_bytes"] = sections.add(names), len(names)
    if detector is not None:
        record = np.frombuffer(detector, DETECTOR, 1).copy()
        record["frontend_scratch_offset"] = arena.add(FRONTEND_SCRATCH_BYTES)
        header["detector_offset"] = sections.add(record.tobytes() + detector[DETECTOR.itemsize :])
    header["n_tensors"], header["n_steps"], header["arena_bytes"] = len(tensors), len(steps), arena.n_bytes
    header["n_inputs"], header["output"], header["n_bytes"] = len(inputs), output, len(sections.content)
    header["inputs"][0, : len(inputs)] = inputs
    header["is_endless"] = tensors[inputs[0]].n_columns == 0
    sections.content[: HEADER.itemsize] = header.tobytes()
    return with_checksum(bytes(sections.content))


def with_field(image: bytes, record: np.dtype, offset: int, name: str, value: int, entry: int = 0) -> bytes:
    """The image with one field of the record at `offset` set, modulo its size, and the checksum put right."""
    values = np.frombuffer(image, record, 1, offset).copy()
    flat = values[name].reshape(-1)
    size = flat.dtype.itemsize
    raw = (value % (1 << (8 * size))).to_bytes(size, "little")
    flat[entry] = np.frombuffer(raw, flat.dtype)[0]
    return with_checksum(image[:offset] + values.tobytes() + image[offset + record.itemsize :])


def _tensor_record(tensor: WrittenTensor, arena: _Arena) -> np.ndarray:
    record = np.zeros(1, TENSOR)
    for name in ("n_columns", "n_mels", "n_channels", "depth", "zero_point", "is_apart"):
        record[name] = getattr(tensor, name)
    record["scale"] = 1.0
    record["ring_offset"] = arena.add(tensor.depth * tensor.stride)
    if tensor.is_apart:
        record["newest_offset"] = arena.add(tensor.stride)
    return record


def _step_record(step: WrittenStep, tensors: Sequence[WrittenTensor], sections: _Sections, arena: _Arena) -> np.ndarray:
    record = np.zeros(1, STEP)
    record["op"], record["activation"], record["output"], record["delay"] = (
        step.op, step.activation, step.output, step.delay,
    )  # fmt: skip
    record["n_inputs"] = len(step.inputs)
    record["inputs"][0, : len(step.inputs)] = step.inputs
    for name, pair in (("kernel", step.kernel), ("stride", step.stride), ("pad", step.pad)):
        record[f"{name}_time"], record[f"{name}_mel"] = pair
    record["low"], record["high"], record["zero_point"] = -128, 127, tensors[step.output].zero_point
    for name in ("weights", "bias", "multipliers", "shifts", "table"):
        record[f"{name}_offset"] = sections.add(getattr(step, name))
    record["weights_bytes"], record["table_bytes"] = len(step.weights), len(step.table)
    record["scratch_offset"], record["scratch_bytes"] = arena.add(step.scratch_bytes), step.scratch_bytes
    output = tensors[step.output]
    record["n_accumulators"] = step.n_accumulators
    record["accumulators_offset"] = arena.add(4 * step.n_accumulators * output.n_mels * output.n_channels)
    record["factors"], record["factor_shifts"] = step.factors, step.factor_shifts
    return record
