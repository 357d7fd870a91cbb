"""Fixtures that several stages share; what imports torch is imported when a test asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from tests.file_permissions import permissions_hold


@pytest.fixture(scope="session")
def tiny_synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in DCASE layout: fan and valve, three IDs each, 3 training and 2 + 2 test clips per ID. Read only."""
    folder = tmp_path_factory.mktemp("tiny_synthetic")
    config = SynthConfig(n_train=3, n_test_normal=2, n_test_anomaly=2, machine_types=("fan", "valve"))
    write_synthetic_dataset(folder, config)
    return folder


@pytest.fixture(scope="session")
def tiny_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two-second clips in DCASE layout: four machines, 4 training and 3 + 3 test clips each. Read only."""
    from tests.backends.tiny_detector import write_clips

    return write_clips(tmp_path_factory.mktemp("tiny_clips"))


@pytest.fixture(scope="session")
def tiny_work(tmp_path_factory: pytest.TempPathFactory, tiny_clips: Path) -> Path:
    """An exported tiny detector of the four machines of `tiny_clips`, checkpoint included. Read only."""
    from tests.backends.tiny_detector import TINY, write_tiny_work

    return write_tiny_work(tmp_path_factory.mktemp("tiny_work"), tiny_clips, TINY)


@pytest.fixture(scope="session")
def tiny_autoencoder_work(tmp_path_factory: pytest.TempPathFactory, tiny_clips: Path) -> Path:
    """An exported, untrained autoencoder for the fans of `tiny_clips`. Read only."""
    from tests.backends.tiny_detector import TINY_AUTOENCODER, write_tiny_work

    return write_tiny_work(tmp_path_factory.mktemp("tiny_autoencoder_work"), tiny_clips / "fan", TINY_AUTOENCODER)


COUNTED = "counted"  # a test's own account, printed behind the run: record_property(COUNTED, "so many cases ...")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests counted, in the order of their names; also where several processes ran them."""
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {words}"
        for report in terminalreporter.stats.get("passed", [])
        for name, words in getattr(report, "user_properties", [])
        if name == COUNTED and report.when == "call"
    ]
    if lines:
        terminalreporter.section("what was counted")
        for line in sorted(lines):
            terminalreporter.write_line(line)


@pytest.fixture
def permissions() -> Iterator[None]:
    """File permissions hold, for root too."""
    with permissions_hold():
        yield
