"""What tests of the service share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `write_small_work`. Read only."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    return write_small_work(tmp_path_factory.mktemp("small_work"))
