"""Work directories whose images the emulated boards run."""

from pathlib import Path

import pytest

from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import AUTOENCODER, ModelConfig
from tests.boards.board_programs import WorkImages

NARROW = ModelConfig(width=0.5)  # the widest of 1/8, 1/4, 1/2 and 1 that 128 KB of RAM hold


@pytest.fixture(scope="session")
def reference_images(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkImages:
    """The shipped detector at full width."""
    from asd_edge.export.export_checkpoint import export_checkpoint
    from asd_edge.model.checkpoint import shipped_checkpoint

    folder = tmp_path_factory.mktemp("reference_images")
    export_checkpoint(shipped_checkpoint(), tiny_synthetic, folder / "work")
    return WorkImages(folder / "work", folder)


@pytest.fixture(scope="session")
def narrow_images(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkImages:
    from tests.boards.untrained_work import write_untrained_work

    folder = tmp_path_factory.mktemp("narrow_images")
    return WorkImages(write_untrained_work(folder / "work", tiny_synthetic, NARROW), folder)


@pytest.fixture(scope="session")
def short_images(tiny_clips: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkImages:
    """An eighth of the reference's width, clips of two seconds: quick over a line that emulates each byte."""
    from tests.boards.untrained_work import write_untrained_work

    folder, frontend = tmp_path_factory.mktemp("short_images"), FrontendConfig(clip_samples=32_000)
    return WorkImages(write_untrained_work(folder / "work", tiny_clips, ModelConfig(width=0.125), frontend), folder)


@pytest.fixture(scope="session")
def autoencoder_images(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkImages:
    from tests.boards.untrained_work import write_untrained_work

    folder = tmp_path_factory.mktemp("autoencoder_images")
    autoencoder = ModelConfig(architecture=AUTOENCODER)
    return WorkImages(write_untrained_work(folder / "work", tiny_synthetic / "fan", autoencoder), folder)
