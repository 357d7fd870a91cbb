"""Two minutes of the soak: see soak.py. The hour is `python -m tests.listen.soak`."""

from pathlib import Path

import pytest

from asd_edge.native import is_built
from tests.listen.soak import soak


@pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")
def test_nothing_is_lost_in_two_minutes_of_faults(tmp_path: Path) -> None:
    account = soak(2.0, tmp_path)
    assert account["events"] > 1000
