"""detector.safetensors: written and read without loss, same bytes each time, damage refused in one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from asd_edge.clip.label_table import LabelTable
from asd_edge.errors import AsdEdgeError, CheckpointError, WorkDirectoryError
from asd_edge.export.detector import (
    ARCFACE,
    RECONSTRUCTION,
    Detector,
    InputScale,
    detector_bytes,
    load_detector,
    write_detector,
)
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.wavegram_fir import FirTaps
from asd_edge.model.config import HeadConfig


def example(seed: int = 0) -> Detector:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Detector(
        ARCFACE,
        FrontendConfig(clip_samples=32_000, n_mels=32),
        LabelTable(("fan/id_00", "fan/id_02", "Größe/id_00")),
        HeadConfig(30.0, 0.5),
        rows.astype(np.float32),
        FirTaps(rng.normal(size=1024), -1 / 3),
        {"log_mel": InputScale(float(np.float32(0.3)), 107), "wavegram_fir": InputScale(1e-9, -128)},
    )


def assert_equal(found: Detector, expected: Detector) -> None:
    assert replace(found, head_rows=None, fir=None) == replace(expected, head_rows=None, fir=None)
    if expected.head_rows is None:
        assert found.head_rows is None
    else:
        np.testing.assert_array_equal(found.head_rows, expected.head_rows, strict=True)
    if expected.fir is None:
        assert found.fir is None
    else:
        assert found.fir is not None
        np.testing.assert_array_equal(found.fir.taps, expected.fir.taps, strict=True)
        assert found.fir.bias == expected.fir.bias


CASES = {
    "arcface": example(),
    "log-Mel only": replace(example(), fir=None, input_scales={"log_mel": InputScale(0.25, 0)}),
    "reconstruction": replace(example(), kind=RECONSTRUCTION, head_rows=None, fir=None),
}


@pytest.mark.parametrize("name", CASES)
def test_detector_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    write_detector(CASES[name], tmp_path / "detector.safetensors")
    assert_equal(load_detector(tmp_path / "detector.safetensors"), CASES[name])


def test_same_detector_gives_the_same_bytes() -> None:
    assert len({detector_bytes(example()) for _ in range(20)}) == 1
    assert detector_bytes(example(1)) != detector_bytes(example())


def rewritten(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> bytes:
    """The example's file after a change to its tensors and settings."""
    content = detector_bytes(example())
    tensors = dict(safetensors.numpy.load(content))
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    settings = json.loads(header["__metadata__"]["detector"])
    change(tensors, settings)
    saved: bytes = safetensors.numpy.save(tensors, {"detector": json.dumps(settings)})
    return saved


DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a whole safetensors file"),
    "cut off": (detector_bytes(example())[:-100], "not a whole safetensors file"),
    "text": (b"no safetensors file at all", "not a whole safetensors file"),
    "no metadata": (safetensors.numpy.save({"head": np.ones((3, 8), np.float32)}), "not a detector's file"),
    "other format": (rewritten(lambda tensors, settings: settings.update(format="2")), "format '2'"),
    "setting missing": (rewritten(lambda tensors, settings: settings.pop("labels")), "'labels'"),
    "unknown setting": (rewritten(lambda tensors, settings: settings["frontend"].update(x=1)), "not a detector's file"),
    "unknown kind": (rewritten(lambda tensors, settings: settings.update(kind="cosine")), "kind of score 'cosine'"),
    "head missing": (rewritten(lambda tensors, settings: tensors.pop("head")), "kind of score 'arcface'"),
    "a label too many": (
        rewritten(lambda tensors, settings: settings["labels"].append("a/id_00")),
        "4 rows of length",
    ),
    "rows not of length 1": (rewritten(lambda tensors, settings: tensors.update(head=tensors["head"] * 2)), "length 1"),
    "short FIR": (rewritten(lambda t, settings: t.update({"fir.taps": t["fir.taps"][:9]})), "1024 finite taps"),
    "bias missing": (rewritten(lambda tensors, settings: tensors.pop("fir.bias")), "fir.bias"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_detector_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    content, words = DAMAGED[name]
    path = tmp_path / "detector.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=words) as caught:
        load_detector(path)
    assert_one_line(caught.value, path)


def test_missing_detector_says_what_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "detector.safetensors"
    with pytest.raises(WorkDirectoryError, match="run asd-edge export first") as caught:
        load_detector(path)
    assert_one_line(caught.value, path)


def assert_one_line(error: AsdEdgeError, path: Path) -> None:
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)
