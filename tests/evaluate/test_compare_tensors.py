"""Reference and host tensor by tensor: all equal on a whole model, and a difference is named where it begins."""

import shutil
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST
from asd_edge.errors import EvaluationError
from asd_edge.evaluate.clips_to_score import list_test_clips
from asd_edge.evaluate.compare_tensors import TensorComparison, compare_tensors, first_difference, tensor_lines
from asd_edge.export.detector import load_detector
from asd_edge.native import is_built

needs_library = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")
SAME = TensorComparison("conv1", 100, 0, 0)
DIFFERING = (SAME, TensorComparison("conv2", 50, 3, 2), TensorComparison("conv3", 50, 40, 7))


@needs_library
def test_every_tensor_of_a_tiny_detector_is_the_same_on_host_and_reference(tiny_work: Path, tiny_clips: Path) -> None:
    detector = load_detector(tiny_work / "detector.safetensors")
    records = [record for record in find_clips(tiny_clips) if record.split == TEST]
    clips = list_test_clips(records, tiny_clips, detector.labels, detector.frontend)[:2]
    found = compare_tensors(tiny_work, clips)
    assert {"log_mel", "wavegram_fir", "embedding"} <= {comparison.name for comparison in found}
    assert len(found) > 10
    assert first_difference(found) is None
    assert "host equals reference in all" in tensor_lines(found, 2)[0]


def test_the_first_differing_tensor_is_named_and_all_of_them_are_listed() -> None:
    assert first_difference(DIFFERING) == DIFFERING[1]
    assert first_difference([SAME]) is None
    lines = tensor_lines(DIFFERING, 1)
    assert lines[0] == "host differs from reference from tensor conv2 on:"
    assert lines[1:] == ["  conv2: 3 of 50 codes, by up to 2", "  conv3: 40 of 50 codes, by up to 7"]


def test_no_clip_is_no_comparison(tiny_work: Path) -> None:
    with pytest.raises(EvaluationError, match="there is none"):
        compare_tensors(tiny_work, [])


@needs_library
def test_the_command_compares_tensors_after_the_scores(
    tiny_work: Path, tiny_clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    code = run(["evaluate", str(work), "--data", str(tiny_clips), "--backends", "reference,host", "--tensors"])
    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("host equals reference in all ")
