"""The check of a Raspberry Pi 4: its engine through the emulated host, its clips, versions and processor, refusals."""

import shutil
from pathlib import Path

import pytest

from asd_edge.backends.emulate_board import missing_programs
from asd_edge.backends.ladder import HOST, REFERENCE
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import ANOMALY, NORMAL, TEST
from asd_edge.errors import BackendError
from asd_edge.evaluate.evaluate_work import evaluate_work
from tests.boards.arm64_root import (
    CONSTRAINTS,
    N_CORES,
    WHEELS,
    make_arm64_root,
    pinned,
    write_cpu_files,
)
from tests.boards.board_programs import WorkImages
from tests.boards.emulated_pi import ENGINE_RUNG, emulated_pi
from tests.boards.local_sshd import missing_sshd
from tests.check_rpi4 import DATA_VARIABLE, differing_clips, first_clips, link_clips, main


def test_the_engine_of_the_emulated_host_equals_the_host_rung(
    short_images: WorkImages, tiny_clips: Path, tmp_path: Path
) -> None:
    if (reason := missing_programs("linux-aarch64") or missing_sshd()) is not None:
        pytest.skip(reason)
    work = shutil.copytree(short_images.work, tmp_path / "work")
    fan = [clip for clip in first_clips(find_clips(tiny_clips), 1) if clip.machine_type == "fan"]
    data = link_clips(fan, tiny_clips, tmp_path / "clips")
    with emulated_pi(tmp_path / "host"):
        found = evaluate_work(work, data, (REFERENCE, HOST, ENGINE_RUNG))
    assert found.rungs[-1].runtime.startswith("asd-edge on aarch64, firmware ")
    assert found.data.clips_scored == len(fan) > 0
    assert differing_clips(found, HOST, ENGINE_RUNG) == []


@pytest.mark.parametrize("n_clips", [1, 2])
def test_the_first_clips_of_each_class_and_machine_are_linked(n_clips: int, tiny_clips: Path, tmp_path: Path) -> None:
    records = find_clips(tiny_clips)
    machines = {record.machine for record in records}
    link_clips(first_clips(records, None), tiny_clips, tmp_path / "clips")
    linked = find_clips(link_clips(first_clips(records, n_clips), tiny_clips, tmp_path / "clips"))
    assert {clip.split for clip in linked} == {TEST}
    for machine in machines:
        for label in (NORMAL, ANOMALY):
            names = [clip.path.name for clip in linked if (clip.machine, clip.label) == (machine, label)]
            of_set = [
                clip.path.name for clip in records if (clip.machine, clip.label, clip.split) == (machine, label, TEST)
            ]
            assert names == of_set[:n_clips]


def test_wheels_are_those_that_the_constraints_pin(tmp_path: Path) -> None:
    assert [line.partition("==")[0] for line in pinned(CONSTRAINTS, WHEELS)] == list(WHEELS)
    (tmp_path / "constraints.txt").write_text("# versions\nnumpy==2.4.6\n")
    with pytest.raises(BackendError, match=r"constraints.txt: pins no ai-edge-litert; make constraints"):
        pinned(tmp_path / "constraints.txt", WHEELS)


def test_the_root_has_the_processor_of_a_raspberry_pi_4(tmp_path: Path) -> None:
    write_cpu_files(tmp_path)
    text = (tmp_path / "proc/cpuinfo").read_text()
    assert [line for line in text.splitlines() if line.startswith("processor")] == [
        f"processor\t: {core}" for core in range(N_CORES)
    ]
    assert text.count("CPU part\t: 0xd08\n") == N_CORES  # Cortex-A72
    assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == f"0-{N_CORES - 1}\n"


def test_a_step_that_fails_names_its_program_and_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    said: list[str] = []
    with pytest.raises(BackendError, match=r"^apt-get not found; "):
        make_arm64_root(tmp_path / "rpi4", CONSTRAINTS, said.append)
    (programs / "apt-get").write_text("#!/bin/sh\necho 'E: Unable to locate package' >&2\nexit 100\n")
    (programs / "apt-get").chmod(0o755)
    with pytest.raises(BackendError, match=r"apt-get failed: E: Unable to locate package; it needs a network and "):
        make_arm64_root(tmp_path / "rpi4", CONSTRAINTS, said.append)
    assert not (tmp_path / "rpi4/packages").exists()
    assert said == [f"{tmp_path / 'rpi4/packages'}: 12 arm64 packages"] * 2


@pytest.mark.parametrize(
    ("words", "data", "said"),
    [
        ([], "", f"{DATA_VARIABLE} is no folder; set it to the MIMII sample"),
        (["--clips", "0"], "clips", "--clips 0: give 1 or more"),
    ],
)
def test_what_cant_be_checked_is_one_line(
    words: list[str],
    data: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / data) if data else "")
    assert main(words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: {said}")
    assert list(tmp_path.iterdir()) == []
