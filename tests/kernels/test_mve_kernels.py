"""The kernels for MVE equal the reference arithmetic bit for bit, with vector instructions and in plain C."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asd_edge.compiler.pack_mve import has_depthwise_kernel, pack_depthwise, pack_matrix
from quantization.interpret_int8 import run_int8
from tests.frontend.every_build import SANITIZERS
from tests.frontend.frontend_programs import EMULATOR, missing, missing_runtime, run_on_board, run_program
from tests.kernels.kernel_cases import cases
from tests.kernels.kernel_records import OpCode, Record, records
from tests.kernels.mve_cases import drawn
from tests.kernels.mve_programs import BOARD, OPERATORS, compile_for_board, compile_for_host, packed, split

SEEDS = (0, 1)

Expected = list[tuple[Record, bytes]]
RunFn = Callable[[bytes, Path], bytes]


@pytest.fixture(scope="module")
def matrix() -> Expected:
    """Records as the kernels for MVE want them, and their outputs: the plain kernels' cases and drawn ones."""
    found = [
        (record, run_int8(graph, inputs)[graph.ops[-1].output].tobytes())
        for graph, inputs in cases()
        for record in records(graph, inputs)
    ]
    for seed in SEEDS:
        found += drawn(seed)
    packed_records = [(packed(record), output) for record, output in found]
    return [(record, output) for record, output in packed_records if record is not None]


def _on_host(compiler: str, flags: tuple[str, ...]) -> RunFn:
    return lambda given, folder: run_program([compile_for_host(compiler, flags, folder)], given)


def _on_board(given: bytes, folder: Path) -> bytes:
    return run_on_board(BOARD, compile_for_board(folder), given, folder)


@pytest.mark.parametrize(
    ("reason", "run"),
    [
        pytest.param(missing("gcc") or missing_runtime("gcc", SANITIZERS), _on_host("gcc", SANITIZERS), id="plain C"),
        pytest.param(missing("clang"), _on_host("clang", ("-O2",)), id="plain C, clang"),
        pytest.param(missing("arm-none-eabi-gcc", EMULATOR), _on_board, id="Cortex-M55"),
    ],
)
def test_every_build_equals_the_reference(reason: str | None, run: RunFn, matrix: Expected, tmp_path: Path) -> None:
    if reason is not None:
        pytest.skip(reason)
    output = run(b"".join(record.content() for record, _ in matrix), tmp_path)
    for (record, expected), found in zip(matrix, split(output, [record for record, _ in matrix]), strict=True):
        assert found.codes == expected, record


def test_matrix_reaches_every_kernel_tile_and_activation(matrix: Expected) -> None:
    """What chooses among the assembly's tiles: operator, blocks of 16 taps, stride, shifts, activation."""
    reached = {_tiles(record) for record, _ in matrix if record.op in (OpCode.POINTWISE, OpCode.DEPTHWISE)}
    activations = range(4)
    wanted: set[tuple[OpCode, str | int, int, int]] = {
        (OpCode.POINTWISE, n, general, a) for n in ("one", "four", "other") for general in (0, 1) for a in activations
    }
    wanted |= {(OpCode.DEPTHWISE, n, general, a) for n in (1, 2) for general in (0, 1) for a in activations}
    assert wanted <= reached
    assert {record.op for record, _ in matrix} == set(OPERATORS)


def _tiles(record: Record) -> tuple[OpCode, str | int, int, int]:
    assert record.sums is not None
    is_general = int(record.sums.shifts.max() >= 0 or (record.activation == 1 and record.factors[1].shift > 0))
    if record.op is OpCode.DEPTHWISE:
        return record.op, record.stride[1], is_general, record.activation
    n_blocks = -(-record.inputs[0].shape[2] // 16)
    return record.op, {1: "one"}.get(n_blocks, "other" if n_blocks % 4 else "four"), is_general, record.activation


def test_packed_matrix_has_blocks_of_four_channels_and_sixteen_taps() -> None:
    weights = np.arange(-60, 60, dtype=np.int8).reshape(6, 20)
    found = pack_matrix(weights, np.zeros(6, np.int32), 0).weights.reshape(2, 2, 4, 16)
    assert (found[0, 0] == weights[:4, :16]).all()
    assert (found[1, 0, :2] == weights[4:, :16]).all()
    assert (found[0, 1, :, :4] == weights[:4, 16:]).all()
    assert not found[1, :, 2:].any()
    assert not found[:, 1, :, 4:].any()


def test_packed_depthwise_keeps_its_size_and_goes_by_channel() -> None:
    weights = np.arange(-60, 66, dtype=np.int8).reshape(1, 3, 3, 14)
    found = pack_depthwise(weights, np.zeros(14, np.int32), 0).weights.reshape(14, 3, 3)
    assert (found == weights[0].transpose(2, 1, 0)).all()


@pytest.mark.parametrize("zero_point", [-128, -1, 0, 127])
def test_zero_point_in_the_bias_wraps_like_the_sums(zero_point: int) -> None:
    weights = np.full((1, 70), -128, np.int8)
    bias = np.array([2**31 - 1], np.int32)
    found = int(pack_matrix(weights, bias, zero_point).bias[0])
    assert (found - (2**31 - 1 + zero_point * 70 * 128)) % 2**32 == 0


@pytest.mark.parametrize(
    ("kernel", "stride_mel", "n_channels", "expected"),
    [
        ((3, 3), 1, 512, True),
        ((1, 1), 2, 1, True),
        ((4, 3), 1, 16, False),
        ((3, 4), 1, 16, False),
        ((3, 3), 3, 16, False),
        ((3, 3), 1, 9363, False),
    ],
)
def test_depthwise_kernel_takes_what_its_tiles_hold(
    kernel: tuple[int, int], stride_mel: int, n_channels: int, expected: bool
) -> None:
    assert has_depthwise_kernel(kernel, stride_mel, n_channels) is expected
