"""What a configuration calls a model: images that are missing or outdated, and the thresholds beside them."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from asd_edge.errors import ListenError
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE as WRITTEN_FILE
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FORMAT
from asd_edge.listen.model_images import load_images
from asd_edge.listen.thresholds_file import FORMAT, THRESHOLDS_FILE, Threshold, load_threshold
from tests.listen.small_detector import FAN, PUMP


@pytest.fixture
def work(small_work: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(small_work, tmp_path / "work"))


def test_an_image_that_is_missing_or_of_another_model_is_compiled(work: Path) -> None:
    expected = load_images(work, "both")
    (work / "model-generic.asdm").unlink()
    assert load_images(work, "both") == expected
    outdated = bytearray((work / "model-generic-sliding.asdm").read_bytes())
    (work / "model-generic-sliding.asdm").write_bytes(with_other_source(outdated))
    assert load_images(work, "both") == expected


def with_other_source(image: bytearray) -> bytes:
    """As if it had been compiled of another model.tflite."""
    from asd_edge.compiler.image_records import HEADER
    from tests.compiler.test_image import with_right_checksum

    fields = HEADER.fields
    assert fields is not None
    image[fields["source_sha256"][1]] ^= 1
    return with_right_checksum(image)


def test_images_alone_are_enough_on_a_device(work: Path) -> None:
    expected = load_images(work, "both")
    for name in ("model.tflite", "detector.safetensors"):
        (work / name).unlink()
    assert load_images(work, "both") == expected
    (work / "model-generic.asdm").unlink()
    with pytest.raises(ListenError, match=r"model-generic.asdm: is missing .* can't be compiled here: .*model.tflite"):
        load_images(work, "both")


def write_thresholds(work: Path, **content: Any) -> None:
    (work / THRESHOLDS_FILE).write_text(json.dumps({"format": FORMAT, **content}))


def estimate(value: float, gamma: float | None = None) -> dict[str, Any]:
    return {"clips": 9, "gamma": None if gamma is None else {"threshold": gamma}, "percentile": value}


def test_the_names_are_those_that_evaluate_writes() -> None:
    assert (THRESHOLDS_FILE, FORMAT) == (WRITTEN_FILE, THRESHOLDS_FORMAT)


def test_the_rung_nearest_to_the_device_gives_the_threshold(work: Path) -> None:
    rungs = {"torch": {FAN: estimate(1)}, "tflite": {FAN: estimate(2)}, "reference": {FAN: estimate(3, 4)}}
    write_thresholds(work, rungs=rungs)
    found = load_threshold(work, FAN)
    assert found == Threshold(4, "thresholds.json, rung reference, gamma of 9 normal clips")
    assert load_threshold(work / "model-generic.asdm", FAN) == found
    write_thresholds(work, rungs={**rungs, "host": {FAN: estimate(5)}})
    assert load_threshold(work, FAN).value == 5
    with pytest.raises(ListenError, match="no threshold of pump/id_00"):
        load_threshold(work, PUMP)


def test_thresholds_of_another_model_are_refused(work: Path) -> None:
    digest = hashlib.sha256((work / "model.tflite").read_bytes()).hexdigest()
    write_thresholds(work, files={"model.tflite": digest}, rungs={"host": {FAN: estimate(5)}})
    assert load_threshold(work, FAN).value == 5
    write_thresholds(work, files={"model.tflite": "0" * 64}, rungs={"host": {FAN: estimate(5)}})
    with pytest.raises(ListenError, match=r"another model.tflite; run asd-edge evaluate again"):
        load_threshold(work, FAN)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("is_gamma", [False, True])
def test_a_threshold_that_no_score_can_be_compared_with_is_refused(value: float, is_gamma: bool, work: Path) -> None:
    write_thresholds(work, rungs={"host": {FAN: estimate(1, value) if is_gamma else estimate(value)}})
    with pytest.raises(ListenError, match=r"thresholds.json: .*a threshold of -?(nan|inf).*set threshold to a number"):
        load_threshold(work, FAN)


def test_a_model_that_the_system_cant_read_is_one_line(work: Path) -> None:
    with pytest.raises(ListenError, match=r"xxx: can't be read \(File name too long\); give a work directory"):
        load_images(work.with_name("x" * 300), "both")
    (work / "model.tflite").unlink()
    (work / "model.tflite").mkdir()
    with pytest.raises(ListenError, match=r"model.tflite: can't be read \(Is a directory\)"):
        load_images(work, "both")


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"format": "asd-edge thresholds 1", "rungs": 3}'])
def test_a_table_that_isnt_one_is_one_line(content: str, work: Path) -> None:
    (work / THRESHOLDS_FILE).write_text(content)
    with pytest.raises(ListenError, match=r"thresholds.json: .*set threshold to a number"):
        load_threshold(work, FAN)
