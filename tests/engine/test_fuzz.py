"""A short run of the fuzzer over the kept corpus, to where whole images come; `make fuzz` is the long one."""

import re
from pathlib import Path

import pytest

from tests.engine.engine_programs import FUZZER
from tests.engine.fuzz_images import CORPUS, run_fuzzer
from tests.frontend.frontend_programs import missing, missing_runtime

N_RUNS = 5_000
MOST_CORPUS_BYTES = 300_000
LEAST_COVERED = 600  # edges of loader, engine, kernels, front end and scorer


def test_no_mutated_image_leads_out_of_bounds(tmp_path: Path) -> None:
    if reason := missing("clang") or missing_runtime("clang", ("-fsanitize=address,undefined",)):
        pytest.skip(reason)
    assert FUZZER
    found = tmp_path / "found"
    found.mkdir()
    said = run_fuzzer(tmp_path, N_RUNS, found)
    done = re.search(r"Done (\d+) runs", said)
    assert done is not None
    assert int(done[1]) >= N_RUNS
    print(done[0])
    assert max(map(int, re.findall(r" cov: (\d+)", said))) >= LEAST_COVERED


def test_the_kept_corpus_is_small() -> None:
    sizes = [path.stat().st_size for path in CORPUS.iterdir()]
    assert 0 < sum(sizes) <= MOST_CORPUS_BYTES
