"""`make demo-field` from its second step on, with a small detector of one-second windows."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_edge.backends.emulate_board import missing_programs
from asd_edge.export.detector import load_detector, write_detector
from asd_edge.export.work_files import DETECTOR_FILE
from tests.demo_field import BOARD, Models, main, show_field
from tests.listen.small_detector import RATE_HZ, WINDOW, fault, hum, write_small_work

N_STEPS = 8


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """The second one has a head that points a little elsewhere."""
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    first, second, clips = (tmp_path / name for name in ("v1", "v2", "clips"))
    write_small_work(first)
    shutil.copytree(first, second)
    detector = load_detector(second / DETECTOR_FILE)
    assert detector.head_rows is not None
    rows = detector.head_rows + np.float32(0.01)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    write_detector(replace(detector, head_rows=rows), second / DETECTOR_FILE)
    clips.mkdir()
    for label, sound in (("normal", hum), ("anomaly", fault)):
        soundfile.write(clips / f"{label}_id_00_00000000.wav", sound(WINDOW, 7), RATE_HZ, subtype="PCM_16")
    return Models(first, second, clips)


def test_a_model_goes_through_its_life_on_a_device(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_field(tmp_path / "field", models)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(".")[0] for line in said if line[:1].isdigit()] == [str(n + 1) for n in range(N_STEPS)]
    assert said[-1].startswith("all as expected")
    versions = [line.split("version ")[1][0] for line in said if "the board runs version" in line]
    assert versions == ["1", "1", "2", "2", "1"]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--fast"], 2), (["a", "b"], 2)])
def test_what_it_takes_is_said(capsys: pytest.CaptureFixture[str], words: list[str], code: int) -> None:
    assert main(words) == code
    assert "Example:" in capsys.readouterr().out
