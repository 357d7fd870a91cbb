"""What each build of kernel_check is held against: the records of many cases at once, or of one under sanitizers."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.frontend.every_build import SANITIZERS
from tests.frontend.frontend_programs import missing, missing_runtime, run_program
from tests.kernels.kernel_builds import RunFn
from tests.kernels.kernel_records import Record

Expected = tuple[list[Record], bytes]  # ways to compute one case, and what each of them has to write


def given_and_expected(cases: Iterable[Expected]) -> tuple[bytes, bytes]:
    """Input of kernel_check, and its output."""
    pairs = [(record.content(), output) for found, output in cases for record in found]
    return b"".join(given for given, _ in pairs), b"".join(output for _, output in pairs)


def compile_sanitized(compile_for_host: Callable[[str, Iterable[str], Path], Path], folder: Path) -> Path:
    """kernel_check under sanitizers; skips where there are none."""
    reason = missing("gcc") or missing_runtime("gcc", SANITIZERS)
    if reason is not None:
        pytest.skip(reason)
    return compile_for_host("gcc", SANITIZERS, folder)


def check_build(reason: str | None, run: RunFn, matrix: tuple[bytes, bytes], folder: Path) -> None:
    """`reason`: why the build can't run here."""
    if reason is not None:
        pytest.skip(reason)
    assert run(matrix[0], folder) == matrix[1]


def check_each_record(program: Path, case: Expected) -> None:
    for record in case[0]:
        assert run_program([program], record.content()) == case[1], record.op.name
