"""The bytes of a model image -> `ModelImage`, after checks of everything that a reader follows.

The device's own checks (firmware/engine, asd_model_load) go further: shapes, sums, overlaps.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.image_records import CRC_END, CRC_START, DETECTOR, HEADER, MAGIC, STEP, TENSOR, VERSION
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.stream_graph import Layout, StepActivation, StepOp, StreamGraph, StreamStep, StreamTensor
from asd_edge.errors import ImageError

_NEXT = "compile the model again"
_MOST_COLUMNS, _MOST_DELAY = 65_535, 1024
_STEP_CONSTANTS = ("weights", "table")
Record = Any  # one element of a structured array


@dataclass(frozen=True, eq=False)
class ModelImage:
    """Records as they lie in the file, with names."""

    content: bytes
    header: Record
    tensors: NDArray[np.void]
    steps: NDArray[np.void]
    detector: Record | None
    tensor_names: tuple[str, ...]
    step_names: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def is_endless(self) -> bool:
        return bool(self.header["is_endless"])

    @property
    def core(self) -> Core:
        return Core(int(self.header["core"]))

    def stream_graph(self) -> StreamGraph:
        """The steps that compute, without constants."""
        names = self.tensor_names
        tensors = {
            name: StreamTensor(
                name,
                int(record["n_columns"]),
                int(record["n_mels"]),
                int(record["n_channels"]),
                float(record["scale"]),
                int(record["zero_point"]),
            )
            for name, record in zip(names, self.tensors, strict=True)
        }
        steps = tuple(
            StreamStep(
                StepOp(int(record["op"])),
                tuple(names[index] for index in record["inputs"][: record["n_inputs"]]),
                names[record["output"]],
                (int(record["kernel_time"]), int(record["kernel_mel"])),
                (int(record["stride_time"]), int(record["stride_mel"])),
                (int(record["pad_time"]), int(record["pad_mel"])),
            )
            for record in self.steps
            if record["op"] != StepOp.STORE
        )
        inputs = tuple(names[index] for index in self.header["inputs"][: self.header["n_inputs"]])
        return StreamGraph(tensors, steps, inputs, names[self.header["output"]])

    def delays(self) -> dict[str, int]:
        """Ticks by output of the delayed steps."""
        return {self.tensor_names[s["output"]]: int(s["delay"]) for s in self.steps if s["delay"]}


def printable(name: str) -> str:
    """A name for a terminal: what isn't printable, control characters above all, is replaced."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


def load_image(path: Path) -> ModelImage:
    """Raises ImageError for a file that can't be read or isn't a whole image."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: can't be read ({error.strerror}); run asd-edge compile first") from error
    try:
        return read_image(content)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def read_image(content: bytes) -> ModelImage:
    """Raises ImageError for bytes that aren't a whole image of this version."""
    header = _header(content)
    tensors = _records(content, header["tensors_offset"], header["n_tensors"], TENSOR, "tensors")
    steps = _records(content, header["steps_offset"], header["n_steps"], STEP, "steps")
    names = _strings(content, header["names_offset"], header["names_bytes"], "names")
    if len(names) != len(tensors) + len(steps):
        raise ImageError(f"{len(names)} names for {len(tensors)} tensors and {len(steps)} steps; {_NEXT}")
    if len(set(names[: len(tensors)])) != len(tensors):
        raise ImageError(f"two tensors share a name; {_NEXT}")
    _check_indices(header, len(tensors))
    for tensor, name in zip(tensors, names, strict=False):
        _check_tensor(tensor, name, bool(header["is_endless"]))
    for step, name in zip(steps, names[len(tensors) :], strict=True):
        _check_step(content, step, name, len(tensors))
    _check_order(header, steps, names[len(tensors) :])
    detector: Record | None = None
    labels: tuple[str, ...] = ()
    if header["detector_offset"]:
        detector = _records(content, header["detector_offset"], 1, DETECTOR, "detector")[0]
        labels = _strings(content, detector["labels_offset"], detector["labels_bytes"], "labels")
    return ModelImage(content, header, tensors, steps, detector, names[: len(tensors)], names[len(tensors) :], labels)


def _header(content: bytes) -> Record:
    if len(content) < HEADER.itemsize:
        raise ImageError(f"{len(content)} bytes are no model image; give one that asd-edge compile wrote")
    header = np.frombuffer(content, HEADER, 1)[0]
    if header["magic"] != MAGIC:
        raise ImageError("it is no model image; give one that asd-edge compile wrote")
    if header["version"] != VERSION:
        raise ImageError(f"its format is version {header['version']}, this one reads {VERSION}; {_NEXT}")
    if header["core"] not in list(Core):
        raise ImageError(f"it is for core {header['core']}, which isn't known here; {_NEXT}")
    if header["n_bytes"] != len(content):
        raise ImageError(f"it has {len(content)} bytes and says {header['n_bytes']}; copy it again")
    if header["crc32"] != zlib.crc32(content[CRC_END:], zlib.crc32(content[:CRC_START])):
        raise ImageError("its checksum is wrong; copy it again")
    return header


def _within(content: bytes, offset: int, n_bytes: int, what: str) -> None:
    if int(offset) + int(n_bytes) > len(content):
        raise ImageError(f"its {what} lie beyond its end; {_NEXT}")


def _records(content: bytes, offset: int, count: int, dtype: np.dtype[np.void], what: str) -> NDArray[np.void]:
    _within(content, offset, int(count) * dtype.itemsize, what)
    if count == 0:
        raise ImageError(f"it has no {what}; {_NEXT}")
    return np.frombuffer(content, dtype, int(count), int(offset))


def _strings(content: bytes, offset: int, n_bytes: int, what: str) -> tuple[str, ...]:
    _within(content, offset, n_bytes, what)
    section = content[int(offset) : int(offset) + int(n_bytes)]
    if not section.endswith(b"\0"):
        raise ImageError(f"its {what} have no end; {_NEXT}")
    try:
        return tuple(section.decode().split("\0")[:-1])
    except UnicodeDecodeError as error:
        raise ImageError(f"its {what} aren't UTF-8; {_NEXT}") from error


def _check_indices(header: Record, n_tensors: int) -> None:
    n_inputs = int(header["n_inputs"])
    if not 1 <= n_inputs <= len(header["inputs"]):
        raise ImageError(f"it has {n_inputs} inputs; {_NEXT}")
    if max(int(header["output"]), *(int(index) for index in header["inputs"][:n_inputs])) >= n_tensors:
        raise ImageError(f"an input or output is no tensor of its; {_NEXT}")


def _check_tensor(tensor: Record, name: str, is_endless: bool) -> None:
    is_sized = 0 not in (tensor["n_mels"], tensor["n_channels"], tensor["depth"])
    if not is_sized or (tensor["n_columns"] == 0) != is_endless or tensor["n_columns"] > _MOST_COLUMNS:
        raise ImageError(f"tensor {name!r} has no size or none that goes with the stream; {_NEXT}")


def _check_order(header: Record, steps: NDArray[np.void], names: tuple[str, ...]) -> None:
    """Each tensor has one writer, before all readers."""
    written = {int(index) for index in header["inputs"][: header["n_inputs"]]}
    for step, name in zip(steps, names, strict=True):
        output, is_store = int(step["output"]), step["op"] == StepOp.STORE
        reads = {int(index) for index in step["inputs"][: step["n_inputs"]]}
        if not reads <= written or (output in written) != is_store:
            raise ImageError(f"step {name!r} comes before what it reads, or writes what is there; {_NEXT}")
        written.add(output)
    if int(header["output"]) not in written:
        raise ImageError(f"no step gives the output; {_NEXT}")


def _check_step(content: bytes, step: Record, name: str, n_tensors: int) -> None:
    is_known = step["op"] in list(StepOp) and step["activation"] in list(StepActivation)
    if not is_known or step["layout"] not in list(Layout):
        raise ImageError(f"step {name!r} has an unknown operator, activation or layout; {_NEXT}")
    if not 1 <= step["n_inputs"] <= len(step["inputs"]) or 0 in (step["stride_time"], step["kernel_time"]):
        raise ImageError(f"step {name!r} has no inputs, kernel or stride; {_NEXT}")
    if step["delay"] > _MOST_DELAY:
        raise ImageError(f"step {name!r} waits {step['delay']} ticks; {_NEXT}")
    if max(int(step["output"]), *(int(index) for index in step["inputs"])) >= n_tensors:
        raise ImageError(f"step {name!r} reads or writes a tensor that isn't there; {_NEXT}")
    for constants in _STEP_CONSTANTS:
        _within(content, step[f"{constants}_offset"], step[f"{constants}_bytes"], f"{constants} of {name!r}")
