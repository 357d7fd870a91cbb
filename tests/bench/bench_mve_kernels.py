"""Exact instructions of each step of a model with the kernels for MVE, on the emulated Cortex-M55, and of a whole clip.

Usage: python -m tests.bench.bench_mve_kernels WORK/model.tflite
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.stream_graph import StepOp, StreamGraph, StreamStep
from asd_edge.export.read_tflite import read_tflite
from tests.frontend.frontend_programs import missing, run_on_board
from tests.kernels.kernel_records import OpCode, Record, Sums
from tests.kernels.mve_programs import BOARD, TICKS_PER_INSTRUCTION, compile_for_board, packed, split

CHANNEL_BYTES = 65_536  # what mve_bench holds of a whole window's columns


def main(path: Path) -> None:
    """Print the table."""
    console = Console(width=120)
    if reason := missing("arm-none-eabi-gcc", "qemu-system-arm"):
        console.print(f"no instruction counts: {reason}")
        return
    graph = fuse(read_tflite(path))
    steps = [step for step in graph.steps if step.op.name in OpCode.__members__]
    records = [_packed_record(graph, step) for step in steps]
    with tempfile.TemporaryDirectory() as folder:
        given = b"".join(record.content() for record in records)
        output = run_on_board(BOARD, compile_for_board(Path(folder)), given, Path(folder))
    table = Table("step", "columns", "MACs", "instructions per column", "per output", "M per clip", title=str(path))
    by_op: Counter[str] = Counter()
    for step, record, run in zip(steps, records, split(output, records), strict=True):
        count = run.ticks / TICKS_PER_INSTRUCTION
        n_columns, n_outputs = graph.tensors[step.output].n_columns, int(np.prod(record.output_shape))
        n_macs = 0 if step.weights is None else n_outputs * step.weights.size // record.output_shape[2]
        by_op[step.op.name] += round(count * n_columns)
        shape = "x".join(map(str, record.inputs[0].shape[1:])) + " -> " + "x".join(map(str, record.output_shape[1:]))
        name = f"{step.op.name} {step.activation.name if step.activation else ''} {shape}"
        figures = (f"{count:.0f}", f"{count / n_outputs:.2f}", f"{count * n_columns / 1e6:.3f}")
        table.add_row(name, str(n_columns), str(n_macs), *figures)
    console.print(table)
    console.print({name: f"{count / 1e6:.2f} M" for name, count in by_op.most_common()})
    console.print(f"kernels, per clip: {by_op.total() / 1e6:.2f} M instructions")


def _packed_record(graph: StreamGraph, step: StreamStep) -> Record:
    """One column of the step, from random codes."""
    rng = np.random.default_rng(0)
    tensors = [graph.tensors[name] for name in step.inputs]
    output = graph.tensors[step.output]
    rescaling = step.requantization
    sums = None
    if rescaling is not None and step.weights is not None:
        weights = step.weights
        if step.op in (StepOp.DEPTHWISE, StepOp.ACCUMULATE_DEPTHWISE):
            weights = weights.reshape(1, *step.kernel, output.n_channels)
        sums = Sums(weights, rescaling.bias, rescaling.multipliers, rescaling.shifts)
    record = Record(
        OpCode[step.op.name],
        tuple(
            rng.integers(-128, 128, (step.kernel[0], tensor.n_mels, tensor.n_channels)).astype(np.int8)
            for tensor in tensors
        ),
        (1, output.n_mels, output.n_channels),
        step.kernel,
        step.stride,
        (0, step.padding[1]),
        tuple(tensor.zero_point for tensor in tensors)[:2],
        step.zero_point if sums is not None else output.zero_point,
        output.zero_point,
        step.clamp,
        int(step.activation),
        step.factors,
        sums,
        b"" if step.table is None else step.table.tobytes(),
    )
    found = packed(record)
    return record if found is None else found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
