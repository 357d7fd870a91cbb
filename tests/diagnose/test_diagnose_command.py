"""`asd-edge diagnose`: its files, its table, its last line, the report that shows them, and one line per bad input."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markupsafe import escape

from asd_edge.cli import run
from asd_edge.report.write_report import write_report

CLIPS = "4"


@pytest.fixture
def work(tmp_path: Path, tiny_work: Path) -> Path:
    return shutil.copytree(tiny_work, tmp_path / "work")


def diagnose(work: Path, data: Path, *more: str) -> int:
    return run(["diagnose", str(work), "--data", str(data), *more])


def test_layers_are_ranked_and_written_and_the_last_line_is_the_advice(
    work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    assert diagnose(work, tiny_clips, "--clips", CLIPS) == 0
    printed = capfd.readouterr().out
    content = json.loads((work / "diagnosis.json").read_text())
    assert printed.splitlines()[-1] == content["advice"]
    assert "4 of 24 test clips, 2 normal-anomaly pairs within machine IDs" in printed
    assert "\x1b" not in printed
    layers = {layer["name"]: layer for layer in content["layers"]}
    assert {"log_mel", "wavegram_fir", "embedding"} <= layers.keys()
    errors = [1 - layers[name]["alone"]["cosine_mean"] for name in content["ranking"]]
    assert errors == sorted(errors, reverse=True)
    assert content["recipe_steps"][0] == "rescale_concatenations"
    assert (content["clips_used"], content["clips_available"], content["pairs"]) == (4, 24, 2)
    unchanged = {path.name: path.read_bytes() for path in work.iterdir() if path.name in before}
    assert unchanged == before, "an export never feels a diagnosis"


def test_json_is_the_whole_output_and_the_report_shows_it(
    work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert diagnose(work, tiny_clips, "--clips", "2", "--json") == 0
    content = json.loads(capfd.readouterr().out)
    assert content == json.loads((work / "diagnosis.json").read_text())
    picture = ElementTree.parse(work / "diagnosis.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    words = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "embedding" in words
    write_report(work, work / "report.html")
    page = (work / "report.html").read_text()
    assert f"{escape(content['advice'])}." in page
    assert "all but it in int8" in page


def test_an_autoencoder_is_ranked_by_relative_error(
    tmp_path: Path, tiny_autoencoder_work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = shutil.copytree(tiny_autoencoder_work, tmp_path / "work")
    data = shutil.copytree(tiny_clips / "fan", tmp_path / "data" / "fan").parent
    assert diagnose(work, data, "--clips", "2") == 0
    assert "by relative error alone" in capfd.readouterr().out
    content = json.loads((work / "diagnosis.json").read_text())
    assert content["int8"]["cosine_mean"] is None
    assert 0 < content["int8"]["relative_error_mean"] < 0.1
    assert content["layers"][0]["operator"] == "input"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda work: (work / "model.onnx").unlink(), "model.onnx: missing"),
        (lambda work: (work / "model.tflite").unlink(), "model.tflite: missing"),
        (lambda work: (work / "export.json").unlink(), "export.json: missing or damaged"),
        (lambda work: (work / "export.json").write_text("{}"), "export.json: "),
        (lambda work: (work / "model.tflite").write_bytes(b"stale"), "model.tflite: has changed since export.json"),
        (shutil.rmtree, "is no folder"),
    ],
)
def test_a_work_directory_that_cant_be_diagnosed_is_one_line(
    work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str], spoil: Callable[[Path], object], message: str
) -> None:
    spoil(work)
    assert diagnose(work, tiny_clips, "--clips", "2") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert message in line
    assert not (work / "diagnosis.json").exists()


def test_data_that_cant_serve_is_one_line(
    tmp_path: Path, work: Path, tiny_clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(tiny_clips / "fan", tmp_path / "other" / "boiler").parent
    for data, message in ((other, "boiler/id_00 is not in the checkpoint's label table"), (tmp_path / "none", "none")):
        assert diagnose(work, data, "--clips", "2") == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert message in line
    assert diagnose(work, tiny_clips, "--clips", "1") == 2
    assert "--clips" in capfd.readouterr().err
    assert not (work / "diagnosis.json").exists()
