"""Short runs of the fuzzers over bundles, update logs and lines; `make fuzz` has the long ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import COUNTED
from tests.engine.engine_programs import SANITIZERS
from tests.frontend.frontend_programs import missing, missing_runtime
from tests.package.fuzz_device import NAMES, run_fuzzer

N_RUNS = {"bundle": 3_000, "update_log": 3_000, "link": 1_000}
LEAST_COVERED = {"bundle": 200, "update_log": 140, "link": 500}  # edges: what lies behind the first checks is reached


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_stranger_sends_breaks_a_rule(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if reason := missing("clang") or missing_runtime("clang", SANITIZERS):
        pytest.skip(reason)
    fuzzed = run_fuzzer(name, tmp_path, N_RUNS[name])
    record_property(COUNTED, fuzzed.in_words())
    assert fuzzed.n_inputs > 0.75 * N_RUNS[name]  # those too short for a header are not counted
    assert fuzzed.n_covered >= LEAST_COVERED[name]
