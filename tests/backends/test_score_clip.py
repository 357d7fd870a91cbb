"""One clip from a file: the machine that its path names, and its score."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_edge.backends.host_rung import IMAGE_FILE, generic_image
from asd_edge.backends.ladder import open_rung
from asd_edge.backends.score_clip import machine_of, score_clip
from asd_edge.clip.label_table import LabelTable
from asd_edge.compiler.image_records import DETECTOR, HEADER
from asd_edge.errors import ClipError, FrontendError
from asd_edge.export.detector import ARCFACE
from asd_edge.native import is_built
from tests.backends.test_host_rung import CONFIG, clips, embedding_graph, write_work
from tests.compiler.test_image import with_right_checksum

needs_library = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")
LABELS = LabelTable(("fan/id_00", "fan/id_02", "pump/id_00"))


@pytest.mark.parametrize(
    ("path", "machine"),
    [
        ("fan/test/anomaly_id_02_00000001.wav", "fan/id_02"),
        ("data/pump/id_00/normal/00000001.wav", "pump/id_00"),
        ("pump/id_00_00000001.wav", "pump/id_00"),
        ("fan/test/anomaly_id_04_00000001.wav", None),
        ("clip.wav", None),
        ("fan/pump/anomaly_id_00_00000001.wav", None),
    ],
)
def test_a_path_names_one_machine_or_none(path: str, machine: str | None) -> None:
    if machine is not None:
        assert machine_of(Path(path), LABELS) == machine
        return
    with pytest.raises(ClipError, match=r"choose one with --machine: fan/id_00, fan/id_02, pump/id_00"):
        machine_of(Path(path), LABELS)


@needs_library
def test_a_clip_of_a_file_scores_as_on_rung_host(tmp_path: Path) -> None:
    detector = write_work(tmp_path, embedding_graph(), ARCFACE)
    (clip, *_) = clips(detector, 1)
    path = tmp_path / "clip.wav"
    soundfile.write(path, clip.samples, CONFIG.sample_rate_hz, subtype="PCM_16")
    heard = score_clip(path, tmp_path, "fan/id_00")
    assert (heard.machine, heard.kind) == ("fan/id_00", ARCFACE)
    assert heard.score == open_rung("host", tmp_path).score(clip).score


def test_a_model_of_another_front_end_is_refused(tiny_work: Path, tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match="--backends reference"):
        score_clip(tmp_path / "clip.wav", tiny_work, "fan/id_00")


@needs_library
def test_an_image_for_longer_clips_is_one_line(tmp_path: Path) -> None:
    detector = write_work(tmp_path, embedding_graph(), ARCFACE)
    (clip, *_) = clips(detector, 1)
    soundfile.write(tmp_path / "clip.wav", clip.samples, CONFIG.sample_rate_hz, subtype="PCM_16")
    content = bytearray(generic_image(tmp_path))
    start = int(np.frombuffer(content, HEADER, 1)["detector_offset"][0])
    record = np.frombuffer(bytes(content), DETECTOR, 1, start).copy()
    record["clip_samples"] += 1
    content[start : start + record.nbytes] = record.tobytes()
    (tmp_path / IMAGE_FILE).write_bytes(with_right_checksum(content))
    with pytest.raises(ClipError, match=r"clip\.wav: its 16384 samples give 0 scores"):
        score_clip(tmp_path / "clip.wav", tmp_path, "fan/id_00")
