"""`asd-edge frontend CLIP --compare`: a line per band, the picture, and one line where the clip can't be read."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_edge import native
from asd_edge.cli import run

pytestmark = pytest.mark.skipif(
    not native.is_built(), reason="the C library isn't built; install gcc and asd-edge again"
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    samples = np.random.default_rng(1).integers(-3000, 3000, 160_000).astype(np.int16)
    soundfile.write(tmp_path / "noise.wav", samples, 16_000, subtype="PCM_16")
    return tmp_path / "noise.wav"


def test_compare_prints_every_band_and_draws(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["frontend", str(clip), "--compare", "-o", str(tmp_path / "figures")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:129]] == [str(band) for band in range(128)]
    rms_db, max_db = map(float, lines[129].split()[1:])
    assert 0.0005 < rms_db <= 0.005
    assert 0.0015 < max_db <= 0.03
    assert (tmp_path / "figures/frontend-noise.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_with_formula_signs_is_drawn_as_it_is(clip: Path, tmp_path: Path) -> None:
    named = clip.rename(tmp_path / r"b$\foo$.wav")
    assert run(["frontend", str(named), "--compare", "-o", str(tmp_path)]) == 0


def test_without_compare_only_the_sum_is_printed(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["frontend", str(clip)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_missing_clip_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["frontend", str(tmp_path / "no.wav")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
