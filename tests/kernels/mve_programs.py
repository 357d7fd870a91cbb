"""Builds mve_bench for this machine (plain C) and for a Cortex-M55 under QEMU, and packs kernel records for it."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asd_edge.compiler.pack_mve import PackedWeights, has_depthwise_kernel, pack_depthwise, pack_matrix
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS
from tests.kernels.kernel_records import OpCode, Record

BOARD = "mps3-an547"
TICKS_PER_INSTRUCTION = 2.048
OPERATORS = (
    *(OpCode.CONV2D, OpCode.POINTWISE, OpCode.DEPTHWISE, OpCode.ACCUMULATE_DEPTHWISE),
    *(OpCode.ADD, OpCode.MUL, OpCode.LOOKUP, OpCode.PRELU),
)
_FAMILY = FIRMWARE / "boards/cortex-m"
_BOARD_FLAGS = (
    *("-O3", "-mthumb", "-mcpu=cortex-m55", "-mfloat-abi=hard", f"-I{FIRMWARE / 'boards' / BOARD}", f"-I{_FAMILY}"),
    *("-nostartfiles", "-specs=nosys.specs", "-Wl,--no-warn-rwx-segments"),
    *(f"-L{_FAMILY}", f"-T{FIRMWARE / 'boards' / BOARD / 'memory.ld'}"),
)
_PORTABLE = [path for path in (FIRMWARE / "kernels").glob("*.c") if not path.stem.endswith(("_dsp", "_helium"))]


@dataclass(frozen=True)
class Output:
    """What mve_bench wrote for one record."""

    codes: bytes
    ticks: int


def compile_for_host(compiler: str, flags: Iterable[str], folder: Path) -> Path:
    """mve_bench from plain C alone."""
    return _compile(compiler, flags, [*_PORTABLE, FIRMWARE / "boards/host/port.c"], folder)


def compile_for_board(folder: Path) -> Path:
    """mve_bench with every step that has vector instructions in place of the plain one."""
    fast = [path for path in (FIRMWARE / "kernels").iterdir() if path.stem.endswith("_mve_helium")]
    steps = {path.stem.removesuffix("_helium") for path in fast}
    replaced = steps | {step.removesuffix("_mve") for step in steps if not (FIRMWARE / f"kernels/{step}.c").exists()}
    sources = [*fast, *(path for path in _PORTABLE if path.stem not in replaced)]
    return _compile("arm-none-eabi-gcc", _BOARD_FLAGS, [*sources, *_FAMILY.glob("*.c")], folder)


def packed(record: Record) -> Record | None:
    """The record with its weights as the kernels for MVE want them; None where mve_bench can't run it."""
    if record.op not in OPERATORS or (record.sums is not None and record.sums.multipliers.dtype == np.int64):
        return None
    if record.sums is None or record.op is OpCode.ACCUMULATE_DEPTHWISE:
        return record
    weights, zero_point = record.sums.weights, record.input_zero_points[0]
    if record.op is OpCode.DEPTHWISE:
        if not has_depthwise_kernel(record.kernel, record.stride[1], record.output_shape[2]):
            return None
        return _with_weights(record, pack_depthwise(weights, record.sums.bias, zero_point))
    return _with_weights(record, pack_matrix(weights, record.sums.bias, zero_point))


def split(output: bytes, records: Iterable[Record]) -> Iterator[Output]:
    """The outputs of several records."""
    start = 0
    for record in records:
        end = start + int(np.prod(record.output_shape))
        yield Output(output[start:end], int.from_bytes(output[end : end + 4], "little"))
        start = end + 4
    assert start == len(output)


def _with_weights(record: Record, weights: PackedWeights) -> Record:
    assert record.sums is not None
    return replace(record, sums=replace(record.sums, weights=weights.weights, bias=weights.bias))


def _compile(compiler: str, flags: Iterable[str], sources: Iterable[Path], folder: Path) -> Path:
    program = folder / "mve_bench"
    paths = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'kernels'}"]
    sources = [*sorted(sources), FIRMWARE / "apps/kernels/mve_bench.c"]
    c_only = ["-std=c99", *WARNINGS]
    subprocess.run([compiler, *c_only, *paths, *sources, *flags, "-o", program], check=True)
    return program
