"""A Linux board over SSH gives the scores of the rungs here; whatever goes wrong there has a line of its own."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.emulate_board import missing_programs, score_on_board
from asd_edge.backends.ladder import in_ladder_order, open_rung
from asd_edge.backends.linux_program import build_linux_program
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.backends.score_records import Q16, ClipToRun
from asd_edge.backends.ssh_rung import EDGE_TPU_FILE, SshEngineRung, SshTfliteRung
from asd_edge.cli import run
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import BackendError
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.export.detector import load_detector
from tests.boards.board_programs import WorkImages
from tests.boards.local_sshd import LocalSshd, free_port, local_sshd, missing_sshd
from tests.oracles import TFLITE_RUNTIME_PYTHON

needs_compiler = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake not found")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    if (reason := missing_sshd()) is not None:
        pytest.skip(reason)
    with local_sshd(tmp_path_factory.mktemp("sshd")) as running:
        running.leave_python(Path(sys.executable))
        yield running


@pytest.fixture(scope="module")
def clip(short_images: WorkImages, tiny_clips: Path) -> Clip:
    machines = load_detector(short_images.work / "detector.safetensors").labels.machines
    return Clip(read_clip(sorted(tiny_clips.glob("fan/test/*.wav"))[0], 32_000), machines[1], {})


def _open_engine(work: Path, sshd: LocalSshd) -> SshEngineRung:
    rung = open_rung(f"ssh:{sshd.host}/engine", work)
    assert isinstance(rung, SshEngineRung)
    return rung


def _open_litert(work: Path, sshd: LocalSshd, python: str = "") -> SshTfliteRung:
    rung = open_rung(f"ssh:{sshd.host}/litert{python}", work)
    assert isinstance(rung, SshTfliteRung)
    return rung


def _check_equal(found: ClipScore, expected: ClipScore) -> None:
    assert found.score == expected.score
    assert found.cross_entropy == expected.cross_entropy
    assert found.codes is not None
    assert expected.codes is not None
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.output, expected.output)


@needs_compiler
def test_the_engine_there_equals_the_host_rung(sshd: LocalSshd, short_images: WorkImages, clip: Clip) -> None:
    rung = _open_engine(short_images.work, sshd)
    assert list(sshd.temporary.iterdir()), "program and image are there"
    expected = open_rung("host", short_images.work).score(clip)
    for _ in range(2):
        _check_equal(rung.score(clip), expected)
    rung.close()
    assert list(sshd.temporary.iterdir()) == []


def test_the_program_for_a_machine_of_another_kind_equals_the_host_rung(
    short_images: WorkImages, clip: Clip, tmp_path: Path
) -> None:
    if (reason := missing_programs("linux-aarch64")) is not None:
        pytest.skip(reason)
    program = build_linux_program("aarch64", tmp_path)
    class_index = load_detector(short_images.work / "detector.safetensors").labels.index(clip.machine)
    to_run = [ClipToRun(clip.samples, class_index)]
    (found,) = score_on_board("linux-aarch64", program, short_images.path("generic"), to_run).clips
    expected = open_rung("host", short_images.work).score(clip)
    assert found.scores_q16[0] / Q16 == expected.score
    np.testing.assert_array_equal(found.outputs.reshape(-1), expected.codes)


@pytest.mark.parametrize(
    ("machine", "said"), [("armv6l", "need ARMv7; run litert there"), ("riscv64", "no compiler here .* it serves ")]
)
def test_a_machine_that_no_compiler_serves_is_named(machine: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=rf"{machine}: .*{said}"):
        build_linux_program(machine, tmp_path)


def test_litert_there_equals_the_tflite_rung(sshd: LocalSshd, short_images: WorkImages, clip: Clip) -> None:
    rung, here = _open_litert(short_images.work, sshd), open_rung("tflite", short_images.work)
    for _ in range(2):
        _check_equal(rung.score(clip), here.score(clip))
    assert rung.runtime.startswith(f"{here.runtime}, Python 3.")
    rung.close()
    assert list(sshd.temporary.iterdir()) == []


def test_a_python_of_its_own_with_tflite_runtime_is_within_the_tolerance(
    sshd: LocalSshd, short_images: WorkImages, clip: Clip
) -> None:
    if not TFLITE_RUNTIME_PYTHON.exists():
        pytest.skip("no .venv-tflite-runtime; make install makes it")
    rung = _open_litert(short_images.work, sshd, f"@{TFLITE_RUNTIME_PYTHON}")
    assert rung.runtime.startswith("tflite-runtime 2.14")
    found, reference = rung.score(clip).codes, open_rung("reference", short_images.work).score(clip).codes
    rung.close()
    assert found is not None
    assert reference is not None
    assert np.abs(found.astype(int) - reference.astype(int)).max() <= rung.tolerance_lsb


def test_a_python_without_numpy_is_told_from_one_without_runtime(
    sshd: LocalSshd, short_images: WorkImages, tmp_path: Path
) -> None:
    try:
        sshd.leave_python(Path(sys.executable), "-S")
        with pytest.raises(BackendError, match=r"127.0.0.1:\d+: numpy is missing for python3; there: .*pip install"):
            _open_litert(short_images.work, sshd)
        numpy_folder = Path(np.__file__).parent
        for folder in (
            numpy_folder,
            numpy_folder.with_name("numpy.libs"),
        ):  # its shared libraries, where it has its own
            (tmp_path / folder.name).symlink_to(folder)
        sshd.leave_python(Path("/usr/bin/env"), f"PYTHONPATH={tmp_path}", sys.executable, "-S")
        with pytest.raises(
            BackendError, match=r"no TFLite runtime: neither ai-edge-litert nor tflite-runtime for python3"
        ):
            _open_litert(short_images.work, sshd)
    finally:
        sshd.leave_python(Path(sys.executable))
    with pytest.raises(BackendError, match=r"/no/python3 can't be run there \(.*not found\); install Python 3.7"):
        _open_litert(short_images.work, sshd, "@/no/python3")
    assert list(sshd.temporary.iterdir()) == []


def test_an_edge_tpu_needs_its_file_then_its_library(sshd: LocalSshd, short_images: WorkImages, tmp_path: Path) -> None:
    work = shutil.copytree(short_images.work, tmp_path / "work")
    with pytest.raises(BackendError, match=rf"{EDGE_TPU_FILE}: missing; make it with edgetpu_compiler -o "):
        open_rung(f"ssh:{sshd.host}/edgetpu", work)
    shutil.copy(work / "model.tflite", work / EDGE_TPU_FILE)
    with pytest.raises(BackendError, match=r"no Edge TPU through libedgetpu.so.1 \(.*\)"):
        open_rung(f"ssh:{sshd.host}/edgetpu", work)


@needs_compiler
def test_an_evaluation_goes_on_at_the_next_clip_after_a_lost_connection(
    sshd: LocalSshd, short_images: WorkImages, tiny_clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _two_clips(tiny_clips, tmp_path / "data")
    scored: list[str] = []
    score = SshEngineRung.score

    def counted(rung: SshEngineRung, given: Clip) -> ClipScore:
        if len(scored) == 1:
            sshd.lose_connections()
        scored.append(given.machine)
        return score(rung, given)

    monkeypatch.setattr(SshEngineRung, "score", counted)
    rungs = ("host", f"ssh:{sshd.host}/engine")
    with pytest.raises(BackendError, match="the connection was lost; check the host, then run the same command again"):
        evaluate_work(short_images.work, data, rungs)
    found = evaluate_work(short_images.work, data, rungs)
    assert len(scored) == 3, "the first clip was not sent again"
    host, there = found.rungs
    assert [host.clips_scored, there.clips_scored] == [2, 2]
    scores = {rung: [row.score for row in found.rows if row.rung == rung] for rung in rungs}
    assert scores[rungs[0]] == scores[rungs[1]]


def _two_clips(source: Path, folder: Path) -> Path:
    for label in ("normal", "anomaly"):
        path = sorted(source.glob(f"fan/test/{label}_id_00_*.wav"))[0]
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return folder


def test_a_runner_that_is_lost_between_two_clips_is_one_line(
    sshd: LocalSshd, short_images: WorkImages, clip: Clip
) -> None:
    rung = _open_litert(short_images.work, sshd)
    sshd.lose_connections()
    with pytest.raises(BackendError, match="the connection was lost"):
        rung.score(clip)
    rung.close()


def test_the_command_says_it_in_one_line(
    sshd: LocalSshd, short_images: WorkImages, tiny_clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(short_images.work), "--data", str(tiny_clips / "fan"), "--backends"]
    assert run([*words, f"ssh:127.0.0.1:{free_port()}/litert"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "refuses; check that it is on" in line


@pytest.mark.parametrize("name", ["ssh:board", "ssh:board/torch", "ssh:/engine", "ssh:board/engine@python3"])
def test_a_rung_needs_a_host_and_what_runs_there(name: str, short_images: WorkImages) -> None:
    with pytest.raises(BackendError, match=rf"'{name}': write ssh:HOST/engine, /litert or /edgetpu"):
        open_rung(name, short_images.work)


def test_an_ssh_rung_comes_last_and_needs_its_host() -> None:
    assert in_ladder_order(["ssh:pi@board/engine", "host", "serial:COM3"])[-1] == "ssh:pi@board/engine"
    with pytest.raises(BackendError, match=r"choose from .*ssh:HOST/engine\|litert\|edgetpu"):
        in_ladder_order(["ssh"])
