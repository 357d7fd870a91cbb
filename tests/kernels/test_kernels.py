"""The plain kernels, one output column at a time, equal the int8 interpreter on whole tensors bit for bit."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantization.interpret_int8 import run_int8
from tests.frontend.frontend_programs import run_program
from tests.kernels.check_builds import (
    Expected,
    check_build,
    check_each_record,
    compile_sanitized,
    given_and_expected,
)
from tests.kernels.golden_cases import read_golden
from tests.kernels.kernel_builds import RunFn, builds, compile_for_host
from tests.kernels.kernel_cases import cases
from tests.kernels.kernel_records import OpCode, records
from tests.quantization import foreign_operators, one_operator
from tests.quantization.one_operator import Case

LARGEST_CODE_SHARE = 0.95  # of an output, over all cases: the matrix isn't all saturation

OPERATORS: dict[str, st.SearchStrategy[Case]] = {
    "Conv2D": one_operator.convolutions(depthwise=False),
    "DepthwiseConv2D": one_operator.convolutions(depthwise=True),
    "FullyConnected": foreign_operators.fully_connected(is_per_channel=True),
    "PRelu": one_operator.prelus(),
    "Elu": one_operator.elus(),
    "Add": one_operator.sums(),
    "Mul": one_operator.products(),
    "Maximum": foreign_operators.maxima(),
    "Concat": one_operator.concatenations(),
    "AveragePool2D": foreign_operators.poolings(largest=False),
    "MaxPool2D": foreign_operators.poolings(largest=True),
    "Mean": foreign_operators.means(),
    "Softmax": foreign_operators.softmaxes(),
}


def run_and_expect(case: Case) -> Expected:
    graph, inputs = case
    return records(graph, inputs), run_int8(graph, inputs)[graph.ops[-1].output].tobytes()


@pytest.fixture(scope="module")
def matrix() -> tuple[bytes, bytes]:
    """Input of kernel_check, and what it has to write."""
    return given_and_expected(map(run_and_expect, cases()))


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
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kernel_equals_the_interpreter_under_sanitizers(name: str, program: Path, data: st.DataObject) -> None:
    check_each_record(program, run_and_expect(data.draw(OPERATORS[name])))


@pytest.mark.parametrize("op", list(OpCode), ids=lambda op: op.name)
def test_golden_outputs_of_litert_come_back(op: OpCode, program: Path) -> None:
    golden = read_golden(op)
    assert len(golden) >= 3
    assert {record.op for record, _ in golden} == {op}
    contents, outputs = zip(*((record.content(), output) for record, output in golden), strict=True)
    assert run_program([program], b"".join(contents)) == b"".join(outputs)


def test_matrix_runs_every_kernel_and_activation() -> None:
    found = [record for case in cases() for record in records(*case)]
    assert {record.op for record in found} == set(OpCode)
    assert {record.activation for record in found} == {0, 1, 2, 3}


def test_matrix_reaches_what_rescaling_can_meet() -> None:
    """Shifts to both sides, none, and multiplier 0; codes from all over the range."""
    sums = [record.sums for case in cases() for record in records(*case) if record.sums is not None]
    twice = [part for part in sums if part.multipliers.dtype == np.int32]
    assert len(twice) < len(sums)
    shifts = np.concatenate([part.shifts for part in twice])
    multipliers = np.concatenate([part.multipliers for part in twice])
    assert shifts.min() < -8
    assert shifts.max() > 2
    assert (shifts == 0).any()
    assert (multipliers == 0).any()
    counts: Counter[int] = Counter()
    for case in cases():
        counts.update(run_and_expect(case)[1])
    assert len(counts) == 256
    assert max(counts.values()) < LARGEST_CODE_SHARE * sum(counts.values())
