"""The kernels for cores with the DSP extension equal the int8 interpreter bit for bit, as C and as assembly."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asd_edge.compiler import pack_dsp
from tests.frontend.frontend_programs import FIRMWARE, missing, run_program
from tests.kernels.check_builds import (
    Expected,
    check_build,
    check_each_record,
    compile_sanitized,
    given_and_expected,
)
from tests.kernels.dsp_builds import builds, compile_for_host
from tests.kernels.dsp_cases import dsp_cases
from tests.kernels.kernel_builds import RunFn
from tests.kernels.kernel_cases import cases
from tests.kernels.kernel_records import OpCode, Record
from tests.kernels.test_kernels import run_and_expect
from tests.quantization import foreign_operators, one_operator
from tests.quantization.one_operator import Case

PACKED = (OpCode.CONV2D, OpCode.POINTWISE)
FAST = (*PACKED, OpCode.DEPTHWISE, OpCode.ADD)
OPERATORS: dict[str, st.SearchStrategy[Case]] = {
    "Conv2D": one_operator.convolutions(depthwise=False),
    "DepthwiseConv2D": one_operator.convolutions(depthwise=True),
    "Add": one_operator.sums(),
    "FullyConnected": foreign_operators.fully_connected(is_per_channel=True),
}


def packed_records(case: Case) -> Expected:
    """The records of a case that have a fast kernel, their weights packed for it; what each has to write."""
    found, expected = run_and_expect(case)
    return [_packed(record) for record in found if record.op in FAST], expected


def _packed(record: Record) -> Record:
    if record.op not in PACKED:
        return record
    assert record.sums is not None
    weights = np.frombuffer(pack_dsp.pack_rows(record.sums.weights), np.int8)
    return replace(record, sums=replace(record.sums, weights=weights))


@pytest.fixture(scope="module")
def matrix() -> tuple[bytes, bytes]:
    """Input of kernel_check, and what it has to write."""
    return given_and_expected(map(packed_records, (*cases(), *dsp_cases())))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_sanitized(compile_for_host, tmp_path_factory.mktemp("kernels"))


@pytest.mark.parametrize(
    ("reason", "run"), [(reason, run) for _, reason, run in builds()], ids=[name for name, *_ in builds()]
)
def test_every_build_equals_the_interpreter(
    reason: str | None, run: RunFn, matrix: tuple[bytes, bytes], tmp_path: Path
) -> None:
    check_build(reason, run, matrix, tmp_path)


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kernel_equals_the_interpreter_under_sanitizers(name: str, program: Path, data: st.DataObject) -> None:
    check_each_record(program, packed_records(data.draw(OPERATORS[name])))


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 6), (2, 3, 3, 3)])
def test_packed_rows_hold_the_weights_and_zeros_up_to_a_multiple_of_four(shape: tuple[int, ...]) -> None:
    weights = np.arange(np.prod(shape), dtype=np.int8).reshape(shape) + np.int8(1)
    rows = np.frombuffer(pack_dsp.pack_rows(weights), np.int8).reshape(shape[0], -1)
    n_taps = weights[0].size
    assert rows.shape[1] == -(-n_taps // 4) * 4
    assert (rows[:, :n_taps] == weights.reshape(shape[0], -1)).all()
    assert (rows[:, n_taps:] == 0).all()


def test_scratch_is_as_large_as_the_kernels_take(tmp_path: Path) -> None:
    if reason := missing("gcc"):
        pytest.skip(reason)
    shapes = [(n_rows, n_taps) for n_rows in (1, 2, 4, 5, 16, 128, 129) for n_taps in (1, 4, 18, 64, 65, 512, 3000)]
    for kind in ("conv2d", "pointwise"):
        calls = "".join(f"    show(asd_dsp_{kind}_scratch_bytes({rows}u, {taps}u));\n" for rows, taps in shapes)
        source = f"""#include <stdio.h>
#include "asd_kernels_dsp.h"
static void show(uint64_t n_bytes) {{ printf("%u\\n", (unsigned)n_bytes); }}
int main(void)
{{
{calls}    show(ASD_DSP_DEPTHWISE_SCRATCH_BYTES);
    return 0;
}}
"""
        program = tmp_path / kind
        paths = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'kernels'}"]
        subprocess.run(["gcc", *paths, "-x", "c", "-", "-o", program], input=source.encode(), check=True)
        size = pack_dsp.conv2d_scratch_bytes if kind == "conv2d" else pack_dsp.pointwise_scratch_bytes
        expected = [*(size(*shape) for shape in shapes), pack_dsp.DEPTHWISE_SCRATCH_BYTES]
        assert [int(line) for line in run_program([program], b"").split()] == expected
