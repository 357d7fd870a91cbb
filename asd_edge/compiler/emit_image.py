"""`Plan` and detector -> the bytes of a model image (firmware/FORMAT.md); the same plan, the same bytes."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.detector_record import (
    DetectorConstants,
    arcface_record,
    code_scale_record,
    labels_bytes,
    reconstruction_record,
)
from asd_edge.compiler.image_records import (
    ALIGNMENT,
    CRC_END,
    CRC_START,
    DETECTOR,
    HEADER,
    MAGIC,
    MOST_INPUTS,
    NO_INPUT,
    STEP,
    TENSOR,
    VERSION,
)
from asd_edge.compiler.kernel_choice import greatest_sum, layout_of, packed_weights, scratch_bytes
from asd_edge.compiler.plan import Plan, n_accumulators
from asd_edge.compiler.stream_graph import CONVOLUTIONS, StepOp, StreamGraph, StreamStep
from asd_edge.errors import CompilerError

_MOST_RECORDS = 1024
_WORDS, _BYTES = 4, 1  # what a constant is aligned to, besides weights
Record = Any  # one element of a structured array


class _Constants:
    """Weights, tables and names behind the records; equal ones are held once."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.content = bytearray()
        self.offsets: dict[tuple[bytes, int], int] = {}

    def add(self, content: bytes, alignment: int) -> int:
        """Its offset in the image; 0 for no bytes."""
        if not content:
            return 0
        if (content, alignment) not in self.offsets:
            self.content += bytes(-len(self.content) % alignment)
            self.offsets[content, alignment] = self.start + len(self.content)
            self.content += content
        return self.offsets[content, alignment]


def emit_image(plan: Plan, detector: DetectorConstants | None, source_sha256: bytes) -> bytes:
    """Raises CompilerError where a sum or a size leaves the range that the format has for it."""
    graph = plan.graph
    if max(len(graph.tensors), len(graph.steps)) > _MOST_RECORDS:
        raise CompilerError(f"{len(graph.steps)} steps; an image has at most {_MOST_RECORDS}: cut the network")
    names = _names(graph)
    tensors_offset = _aligned(HEADER.itemsize)
    steps_offset = _aligned(tensors_offset + TENSOR.itemsize * len(graph.tensors))
    detector_offset = _aligned(steps_offset + STEP.itemsize * len(graph.steps))
    names_offset = _aligned(detector_offset + (0 if detector is None else DETECTOR.itemsize))
    constants = _Constants(_aligned(names_offset + len(names)))
    sections = [(tensors_offset, _tensor_records(plan)), (steps_offset, _step_records(plan, constants))]
    if detector is not None:
        sections.append((detector_offset, _detector_record(plan, detector, constants)))
    content = bytearray(constants.start)
    for offset, records in sections:
        content[offset : offset + records.nbytes] = records.tobytes()
    content[names_offset : names_offset + len(names)] = names
    content += constants.content
    index = {name: i for i, name in enumerate(graph.tensors)}
    header = np.zeros((), HEADER)
    header["magic"], header["version"], header["core"] = MAGIC, VERSION, plan.core
    header["n_bytes"], header["arena_bytes"] = len(content), plan.arena_bytes
    header["n_tensors"], header["n_steps"] = len(graph.tensors), len(graph.steps)
    header["tensors_offset"], header["steps_offset"] = tensors_offset, steps_offset
    header["detector_offset"] = 0 if detector is None else detector_offset
    header["names_offset"], header["names_bytes"] = names_offset, len(names)
    header["n_inputs"], header["output"] = len(graph.inputs), index[graph.output]
    header["inputs"] = ([index[name] for name in graph.inputs] + [0] * MOST_INPUTS)[:MOST_INPUTS]
    header["is_endless"] = plan.is_endless
    header["tensor_states_offset"] = plan.tensor_states_offset
    header["step_states_offset"] = plan.step_states_offset
    header["source_sha256"] = np.frombuffer(source_sha256, np.uint8)
    content[: HEADER.itemsize] = header.tobytes()
    header["crc32"] = zlib.crc32(content[CRC_END:], zlib.crc32(content[:CRC_START]))
    content[: HEADER.itemsize] = header.tobytes()
    return bytes(content)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _names(graph: StreamGraph) -> bytes:
    steps = (f"{step.output}/store" if step.op == StepOp.STORE else step.output for step in graph.steps)
    return b"".join(name.encode() + b"\0" for name in (*graph.tensors, *steps))


def _tensor_records(plan: Plan) -> NDArray[np.void]:
    records = np.zeros(len(plan.graph.tensors), TENSOR)
    for record, tensor in zip(records, plan.graph.tensors.values(), strict=True):
        ring = plan.rings[tensor.name]
        sizes = {"n_mels": tensor.n_mels, "n_channels": tensor.n_channels, "depth": ring.depth}
        for name, size in (sizes | {"n_columns": tensor.n_columns}).items():
            _check_16_bits(size, f"{name} of {tensor.name}")
            record[name] = size
        record["n_columns"] = 0 if plan.is_endless else tensor.n_columns
        record["ring_offset"], record["newest_offset"] = ring.offset, ring.newest_offset or 0
        record["is_apart"] = ring.newest_offset is not None
        record["scale"], record["zero_point"] = tensor.scale, tensor.zero_point
    return records


def _step_records(plan: Plan, constants: _Constants) -> NDArray[np.void]:
    graph = plan.graph
    index = {name: i for i, name in enumerate(graph.tensors)}
    records = np.zeros(len(graph.steps), STEP)
    for i, (record, step) in enumerate(zip(records, graph.steps, strict=True)):
        record["op"], record["activation"], record["n_inputs"] = step.op, step.activation, len(step.inputs)
        record["inputs"][: len(step.inputs)] = [index[name] for name in step.inputs]
        record["output"] = index[step.output]
        record["delay"] = 0 if step.op == StepOp.STORE else plan.delays.get(step.output, 0)
        for name, pair in (("kernel", step.kernel), ("stride", step.stride), ("pad", step.padding)):
            for axis, size in zip(("time", "mel"), pair, strict=True):
                _check_16_bits(size, f"{name} of {step.output}")
                record[f"{name}_{axis}"] = size
        record["low"], record["high"] = step.clamp
        record["zero_point"] = step.zero_point
        record["scratch_bytes"] = 0 if step.op == StepOp.STORE else scratch_bytes(graph, step, plan.core)
        record["scratch_offset"] = plan.scratch_offsets[i]
        record["accumulators_offset"] = plan.accumulator_offsets[i]
        record["n_accumulators"] = n_accumulators(step, plan.is_endless)
        for k, factor in enumerate(step.factors):
            record["factors"][k], record["factor_shifts"][k] = factor
        if step.table is not None:
            little_endian = step.table.astype(step.table.dtype.newbyteorder("<"))
            alignment = _WORDS if step.op == StepOp.SOFTMAX else _BYTES
            record["table_offset"] = constants.add(little_endian.tobytes(), alignment)
            record["table_bytes"] = little_endian.nbytes
        if step.op in CONVOLUTIONS:
            _add_convolution(plan, step, record, constants)
    return records


def _add_convolution(plan: Plan, step: StreamStep, record: Record, constants: _Constants) -> None:
    layout = layout_of(plan.graph, step, plan.core)
    weights, bias = packed_weights(plan.graph, step, layout)
    record["layout"], record["weights_bytes"] = layout, len(weights)
    record["weights_offset"] = constants.add(weights, ALIGNMENT)
    rescaling = step.requantization
    assert rescaling is not None, "every convolution has one"
    greatest = greatest_sum(plan.graph, step)
    if greatest >= 2**31:
        raise CompilerError(f"{step.output}: its sums could reach {greatest:,}, beyond 32 bits; use a smaller kernel")
    record["rounding"] = rescaling.rounds_once
    multipliers = rescaling.multipliers.astype("<i8" if rescaling.rounds_once else "<i4")
    record["bias_offset"] = constants.add(bias.astype("<i4").tobytes(), _WORDS)
    record["multipliers_offset"] = constants.add(multipliers.tobytes(), _WORDS)
    record["shifts_offset"] = constants.add(rescaling.shifts.astype(np.int8).tobytes(), _BYTES)


def _detector_record(plan: Plan, detector: DetectorConstants, constants: _Constants) -> NDArray[np.void]:
    record = np.zeros((), DETECTOR)
    record["kind"], record["n_context"] = detector.kind, detector.n_context
    record["clip_samples"] = detector.clip_samples
    record["log_mel_input"] = NO_INPUT if detector.log_mel_input is None else detector.log_mel_input
    record["fir_input"] = NO_INPUT if detector.fir_input is None else detector.fir_input
    record["log_mel_scale"] = code_scale_record(detector.log_mel_scale)
    record["fir_scale"] = code_scale_record(detector.fir_scale)
    if detector.fir is not None:
        record["fir_bias"] = detector.fir.bias
        record["fir_high_offset"] = constants.add(detector.fir.high.astype("<i2").tobytes(), ALIGNMENT)
        record["fir_low_offset"] = constants.add(detector.fir.low.astype("<i2").tobytes(), ALIGNMENT)
    record["frontend_scratch_offset"] = plan.frontend_scratch_offset
    labels = labels_bytes(detector.labels)
    record["labels_offset"], record["labels_bytes"] = constants.add(labels, _BYTES), len(labels)
    record["n_classes"] = len(detector.labels)
    if detector.head is not None:
        record["rows_offset"] = constants.add(detector.head.rows.astype("<i2").tobytes(), ALIGNMENT)
        record["embedding_size"] = detector.head.rows.shape[1]
    record["arcface"] = arcface_record(detector.head)
    record["reconstruction"] = reconstruction_record(detector.output_scale)
    return record


def _check_16_bits(size: int, what: str) -> None:
    if not 0 <= size <= 0xFFFF:
        raise CompilerError(f"{what} is {size}, an image holds at most {0xFFFF}; cut the network")
