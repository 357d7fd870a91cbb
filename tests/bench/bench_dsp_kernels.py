"""Exact instructions of each step of a model with the kernels for the DSP extension and with the plain ones.

Usage: python -m tests.bench.bench_dsp_kernels WORK/model.tflite [mps2-an386|mps2-an500|mps2-an505]
"""

import struct
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
from tests.kernels.dsp_builds import compile_for_board

TICKS_PER_INSTRUCTION = {"mps2-an386": 1.6, "mps2-an500": 1.6, "mps2-an505": 1.28}
MEASURED = (
    *(StepOp.CONV2D, StepOp.POINTWISE, StepOp.DEPTHWISE, StepOp.ACCUMULATE_DEPTHWISE),
    *(StepOp.ADD, StepOp.MUL, StepOp.LOOKUP),
)


def main(path: Path, board: str) -> None:
    """Print the table."""
    console = Console(width=120)
    if reason := missing("arm-none-eabi-gcc", "qemu-system-arm"):
        console.print(f"no instruction counts: {reason}")
        return
    graph = fuse(read_tflite(path))
    steps = [step for step in graph.steps if step.op in MEASURED]
    left_out = Counter(step.op.name for step in graph.steps if step.op not in MEASURED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = b"".join(_shape(graph, step) for step in steps)
        output = run_on_board(board, compile_for_board(board, "dsp_bench", folder), given, folder)
    counts = np.frombuffer(output, "<u4").reshape(-1, 2) / TICKS_PER_INSTRUCTION[board]  # (n_steps, (fast, plain))
    table = Table("step", "columns", "M MACs", "per MAC", "per output", "M per clip", "plain: M per clip", title=board)
    totals = np.zeros(2)
    for step, (fast, plain) in zip(steps, counts, strict=True):
        source, output_tensor = graph.tensors[step.inputs[0]], graph.tensors[step.output]
        is_accumulating = step.op == StepOp.ACCUMULATE_DEPTHWISE
        n_columns = source.n_columns if is_accumulating else output_tensor.n_columns
        n_outputs = output_tensor.n_mels * output_tensor.n_channels
        n_macs = 0 if step.weights is None else n_outputs * step.weights.size // output_tensor.n_channels
        if is_accumulating:
            n_macs //= step.kernel[0]
        totals += np.array([fast, plain]) * n_columns
        shapes = " -> ".join(f"{tensor.n_mels}x{tensor.n_channels}" for tensor in (source, output_tensor))
        table.add_row(
            f"{step.op.name} {step.activation.name if step.activation else ''} {shapes}",
            *(str(n_columns), f"{n_macs * n_columns / 1e6:.2f}", f"{fast / n_macs:.3f}" if n_macs else "-"),
            *(f"{fast / n_outputs:.1f}", f"{fast * n_columns / 1e6:.2f}", f"{plain * n_columns / 1e6:.2f}"),
        )
    console.print(table)
    console.print(f"kernels, M instructions per clip: {totals[0] / 1e6:.1f}; plain: {totals[1] / 1e6:.1f}")
    console.print(f"not measured: {dict(left_out)}")


def _shape(graph: StreamGraph, step: StreamStep) -> bytes:
    """dsp_bench_layer"""
    source, output = graph.tensors[step.inputs[0]], graph.tensors[step.output]
    maps = (source.n_mels, source.n_channels, output.n_mels, output.n_channels)
    return struct.pack("<10I", step.op, step.activation, *maps, *step.kernel, step.stride[1], step.padding[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "mps2-an386")
