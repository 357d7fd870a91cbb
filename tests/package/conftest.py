"""A work directory that boards can run."""

from pathlib import Path

import pytest

from asd_edge.model.config import ModelConfig


@pytest.fixture(scope="session")
def small_work(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained detector an eighth as wide as the reference, with the default front end. Read only."""
    from tests.boards.untrained_work import write_untrained_work

    return write_untrained_work(tmp_path_factory.mktemp("small_work"), tiny_synthetic, ModelConfig(width=0.125))
