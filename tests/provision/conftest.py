"""A small detector, and folders of sound for it."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `tests.listen.small_detector.write_small_work`: windows of 16,384 samples. Read only."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    return write_small_work(tmp_path_factory.mktemp("small_work"))


@pytest.fixture(scope="session")
def rattle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normal sound of a machine that the detector doesn't know: 12 windows in two files, and what is no window."""
    from tests.provision.sounds import rattling, write_sound

    folder = tmp_path_factory.mktemp("rattle")
    write_sound(folder / "morning.wav", rattling(7.5, 1))
    return write_sound(folder / "evening.flac", rattling(5.2, 2)).parent


@pytest.fixture(scope="session")
def hums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normal sound of a fan that the detector knows, 11 windows in one file."""
    from tests.listen.small_detector import WINDOW, hum
    from tests.provision.sounds import write_sound

    return write_sound(tmp_path_factory.mktemp("hums") / "hum.wav", hum(11 * WINDOW, 3)).parent
