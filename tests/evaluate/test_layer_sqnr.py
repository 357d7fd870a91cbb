"""The SQNR that evaluate measures is the one that export measured, when both see the same clips."""

import json
import shutil
from pathlib import Path

import pytest

from asd_edge.clip.layouts import find_clips
from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.clips_to_score import ClipToScore
from asd_edge.evaluate.layer_sqnr import layer_sqnr
from asd_edge.export.calibration_set import load_calibration_set, spread_evenly
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.quantize_network import SQNR_CLIPS


def _exports_clips(root: Path, detector: Detector) -> list[ClipToScore]:
    """The clips over which export measured: some of its calibration clips."""
    names = tuple(load_calibration_set(root, detector.frontend, detector.fir).sha256)
    records = {record.path.relative_to(root).as_posix(): record for record in find_clips(root)}
    return [ClipToScore(records[name], name, "") for name in spread_evenly(names, SQNR_CLIPS)]


def test_on_exports_own_clips_every_layer_has_exports_sqnr(tiny_work: Path, tiny_clips: Path) -> None:
    detector = load_detector(tiny_work / "detector.safetensors")
    exported = json.loads((tiny_work / "export.json").read_text())
    assert exported["recipe"]["concatenation_factors"]  # else rescaling isn't exercised
    seen: list[tuple[int, int]] = []
    found = layer_sqnr(tiny_work, detector, _exports_clips(tiny_clips, detector), lambda *counts: seen.append(counts))
    assert list(found) == list(exported["sqnr_db"])
    for name, value in exported["sqnr_db"].items():
        assert found[name] == pytest.approx(float("inf") if value is None else value, abs=0.02)
    assert seen[-1] == (SQNR_CLIPS, SQNR_CLIPS)


def test_without_the_export_record_the_error_says_what_to_do(tmp_path: Path, tiny_work: Path) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    (work / "export.json").unlink()
    with pytest.raises(WorkDirectoryError, match=r"export\.json: missing or damaged .*; run asd-edge export again"):
        layer_sqnr(work, load_detector(work / "detector.safetensors"), [])
