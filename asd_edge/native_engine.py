"""The firmware's engine on this machine, by ctypes: a model image's network on int8 columns, or samples -> scores."""

import ctypes
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import ImageError
from asd_edge.native import load_library

Int8Array = NDArray[np.int8]
ALIGNMENT = 16  # of image and arena: ASD_IMAGE_ALIGNMENT
MOST_ARENA_BYTES = 256 << 20  # that is given to an image here, whatever it asks for
NO_SCORE = 3
STATUS = {  # asd_status.h
    1: "its clips are too short for the front end",
    2: "a setting is out of its range: the class, or the scorer's parameters",
    NO_SCORE: "the embedding is all zeros, so the clip has no score",
    4: "not a model image",
    5: "of another format version",
    6: "packed for another core",
    7: "truncated",
    8: "damaged: its checksum is wrong",
    9: "refers beyond its own end or beyond its arena",
    10: "a tensor's record is contradictory",
    11: "it has an operator that this version doesn't know",
    12: "a step's record is contradictory",
    13: "its sums might not fit 32 bits",
    14: "parts of its arena overlap that must not",
    15: "the detector's record is contradictory",
    16: "the arena is too small",
    17: "it holds a network alone, without front end and head",
}
HEADER = np.dtype(  # asd_image_header
    [
        ("magic", "<u4"), ("version", "<u2"), ("core", "<u2"), ("n_bytes", "<u4"), ("crc32", "<u4"),
        ("arena_bytes", "<u4"), ("n_tensors", "<u2"), ("n_steps", "<u2"), ("tensors_offset", "<u4"),
        ("steps_offset", "<u4"), ("detector_offset", "<u4"), ("names_offset", "<u4"), ("names_bytes", "<u4"),
        ("n_inputs", "<u2"), ("output", "<u2"), ("inputs", "<u2", 2), ("is_endless", "<u2"), ("reserved", "<u2"),
        ("tensor_states_offset", "<u4"), ("step_states_offset", "<u4"), ("source_sha256", "u1", 32),
    ]
)  # fmt: skip
TENSOR = np.dtype(  # asd_image_tensor
    [
        ("n_columns", "<u4"), ("ring_offset", "<u4"), ("newest_offset", "<u4"), ("scale", "<f4"), ("n_mels", "<u2"),
        ("n_channels", "<u2"), ("depth", "<u2"), ("zero_point", "i1"), ("is_apart", "u1"),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class NativeTensor:
    """A tensor of an image: `n_columns` columns [n_mels][n_channels] are a window; 0: it never ends."""

    name: str
    n_columns: int
    n_mels: int
    n_channels: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class NativeModel:
    """What an image says of itself."""

    arena_bytes: int
    is_endless: bool
    has_detector: bool
    tensors: tuple[NativeTensor, ...]
    inputs: tuple[int, ...]  # indices of tensors
    output: int
    source_sha256: bytes


@dataclass(frozen=True)
class NativeRun:
    """What a network made of its inputs, window behind window."""

    output: Int8Array  # (n_output_columns, n_mels, n_channels)
    tensors: dict[str, Int8Array]  # likewise, by name; empty without taps


class _Columns(ctypes.Structure):
    _fields_ = (("values", ctypes.c_void_p), ("n_columns", ctypes.c_uint32), ("capacity", ctypes.c_uint32))


def load_model(image: bytes) -> NativeModel:
    """Raises ImageError for an image that asd_model_load refuses, and says why."""
    found = aligned_bytes(image)
    check_status(load_library().asd_host_check_image(ctypes.c_void_p(found.ctypes.data), ctypes.c_uint32(found.size)))
    header = np.frombuffer(image, HEADER, 1)[0]
    n_tensors = int(header["n_tensors"])
    records = np.frombuffer(image, TENSOR, n_tensors, int(header["tensors_offset"]))
    start = int(header["names_offset"])
    names = image[start : start + int(header["names_bytes"])].split(b"\0")
    tensors = tuple(
        NativeTensor(
            name.decode(errors="replace"),
            int(record["n_columns"]),
            int(record["n_mels"]),
            int(record["n_channels"]),
            float(record["scale"]),
            int(record["zero_point"]),
        )
        for name, record in zip(names, records, strict=False)
    )
    inputs = tuple(int(index) for index in header["inputs"][: header["n_inputs"]])
    return NativeModel(
        int(header["arena_bytes"]),
        bool(header["is_endless"]),
        bool(header["detector_offset"] != 0),
        tensors,
        inputs,
        int(header["output"]),
        header["source_sha256"].tobytes(),
    )


def run_image(image: bytes, inputs: Sequence[Int8Array], taps: bool | Collection[str] = False) -> NativeRun:
    """`inputs` (n_windows * n_columns, n_mels, n_channels) each, column by column through the engine.

    `taps`: whether to keep every tensor, or the names of those to keep.
    Raises ImageError for an image that is refused or asks for too much memory, and for inputs of another shape.
    """
    model = load_model(image)
    found, arena = aligned_bytes(image), arena_of(model.arena_bytes)
    given = [np.ascontiguousarray(values, np.int8) for values in inputs]
    if len(given) != len(model.inputs):
        raise ImageError(
            f"the image takes {len(model.inputs)} inputs, {len(given)} were given; give one array for each"
        )
    n_columns = len(given[0]) if given else 0
    for index, values in zip(model.inputs, given, strict=True):
        tensor = model.tensors[index]
        if values.shape != (n_columns, tensor.n_mels, tensor.n_channels):
            wanted = (n_columns, tensor.n_mels, tensor.n_channels)
            raise ImageError(f"input {tensor.name!r} is {values.shape}, the image wants {wanted}; check its time axis")
    counts = [_capacity(model, tensor, n_columns) for tensor in model.tensors]
    output = _columns(counts[model.output], model.tensors[model.output])
    kept = _Columns(output.ctypes.data, 0, len(output))
    names = {tensor.name for tensor in model.tensors} if taps is True else set(taps or ())
    sized = zip(counts, model.tensors, strict=True)
    tapped = [_columns(n if tensor.name in names else 0, tensor) for n, tensor in sized if names]
    columns = (_Columns * max(1, len(tapped)))(*(_Columns(values.ctypes.data, 0, len(values)) for values in tapped))
    status = load_library().asd_host_run_image(
        ctypes.c_void_p(found.ctypes.data),
        ctypes.c_uint32(found.size),
        ctypes.c_void_p(arena.ctypes.data),
        ctypes.c_uint32(arena.size),
        (ctypes.c_void_p * max(1, len(given)))(*(values.ctypes.data for values in given)),
        ctypes.c_uint32(n_columns),
        ctypes.byref(kept),
        columns if names else None,
    )
    check_status(status)
    tensors = {
        tensor.name: values[: entry.n_columns]
        for tensor, values, entry in zip(model.tensors, tapped, columns, strict=False)
        if tensor.name in names
    }
    return NativeRun(output[: kept.n_columns], tensors)


def score_samples(
    image: bytes, samples: NDArray[np.int16], class_index: int, chunk_length: int = 0
) -> tuple[list[int], Int8Array]:
    """Samples in chunks (0: at once) -> every score, Q16, and every output of the network (n_outputs, size).

    An embedding for each score; of a reconstruction each vector.

    Raises ImageError for an image that is refused or asks for too much memory, a class that it doesn't have or an
    embedding without a score.
    """
    model = load_model(image)
    found, arena = aligned_bytes(image), arena_of(model.arena_bytes)
    contiguous = np.ascontiguousarray(samples, np.int16)
    most = 2 + contiguous.size // 512
    scores, n_scores = np.zeros(most, np.int64), ctypes.c_uint32()
    output = model.tensors[model.output]
    embeddings = np.zeros((most, output.n_mels * output.n_channels), np.int8)
    kept = _Columns(embeddings.ctypes.data, 0, most)
    status = load_library().asd_host_score(
        ctypes.c_void_p(found.ctypes.data),
        ctypes.c_uint32(found.size),
        ctypes.c_void_p(arena.ctypes.data),
        ctypes.c_uint32(arena.size),
        ctypes.c_uint32(class_index),
        ctypes.c_void_p(contiguous.ctypes.data),
        ctypes.c_uint32(contiguous.size),
        ctypes.c_uint32(chunk_length),
        ctypes.c_void_p(scores.ctypes.data),
        ctypes.c_uint32(most),
        ctypes.byref(n_scores),
        ctypes.byref(kept),
    )
    check_status(status)
    return [int(score) for score in scores[: n_scores.value]], embeddings[: kept.n_columns]


def detector_bytes() -> int:
    """State of front end, scorer and engine outside of the arena, on this machine."""
    return int(load_library().asd_host_detector_bytes())


def image_status(image: bytes) -> int:
    """What asd_model_load returns; 0: the image can be run."""
    found = aligned_bytes(image)
    return int(load_library().asd_host_check_image(ctypes.c_void_p(found.ctypes.data), ctypes.c_uint32(found.size)))


def _capacity(model: NativeModel, tensor: NativeTensor, n_columns: int) -> int:
    """Columns of a tensor to keep: a pad may run ahead into the window after the last, which is of no interest."""
    if model.is_endless:
        return 2 * n_columns + (1 << 16)
    n_windows = n_columns // model.tensors[model.inputs[0]].n_columns
    return n_windows * tensor.n_columns


def _columns(n_columns: int, tensor: NativeTensor) -> Int8Array:
    """(n_columns, n_mels, n_channels) to be written."""
    try:
        return np.zeros((n_columns, tensor.n_mels, tensor.n_channels), np.int8)
    except (MemoryError, ValueError) as error:  # ValueError: larger than any array
        raise ImageError(
            f"{n_columns:,} columns of {tensor.name!r} don't fit this machine's memory; give fewer windows"
        ) from error


def arena_of(n_bytes: int) -> NDArray[np.uint8]:
    """Not cleared: asd_engine_start does that. Raises ImageError for one that is too large to be given."""
    if n_bytes > MOST_ARENA_BYTES:
        raise ImageError(f"its arena has {n_bytes:,} bytes, at most {MOST_ARENA_BYTES:,} are run here; cut it")
    try:
        return aligned_room(n_bytes)
    except MemoryError as error:
        raise ImageError(f"its arena of {n_bytes:,} bytes doesn't fit this machine's memory") from error


def aligned_bytes(data: bytes) -> NDArray[np.uint8]:
    """A copy at a multiple of ALIGNMENT."""
    aligned = aligned_room(len(data))
    aligned[:] = np.frombuffer(data, np.uint8)
    return aligned


def aligned_room(n_bytes: int) -> NDArray[np.uint8]:
    """Uninitialized bytes at a multiple of ALIGNMENT."""
    room = np.empty(n_bytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + n_bytes]


def check_status(status: int) -> None:
    """Raises ImageError for any status but ASD_OK."""
    if status != 0:
        raise ImageError(f"the model image can't be used: {STATUS.get(status, f'status {status}')}; compile it again")
