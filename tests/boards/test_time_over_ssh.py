"""A board that SSH reaches is measured there: times, clocks, temperature; what was copied is gone afterwards."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd_edge.boards import load_boards
from asd_edge.cli import run
from asd_edge.errors import BackendError
from asd_edge.profiling import time_over_ssh as timing
from asd_edge.profiling.profile_record import HostState
from asd_edge.profiling.time_over_ssh import parse_state, time_over_ssh
from asd_edge.ssh_host import parse_address
from tests.boards.board_programs import WorkImages
from tests.boards.local_sshd import LocalSshd, local_sshd, missing_sshd

N_SAMPLES = 32_000
OWN_BOARD = "boards: {bench: {system: linux, kernels: generic, core: cortex-a72}}\n"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    reason = missing_sshd() or ("cmake not found" if shutil.which("cmake") is None else None)
    if reason is not None:
        pytest.skip(reason)
    with local_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def work(short_images: WorkImages) -> Path:
    return short_images.work


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.1)
    monkeypatch.setattr(timing, "N_NETWORK_RUNS", 3)


def test_the_command_measures_on_the_host_and_says_so(
    sshd: LocalSshd, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sshd.leave_python(Path(sys.executable))
    program = sshd.programs / "vcgencmd"
    program.write_text("#!/bin/sh\necho throttled=0x50005\n")
    program.chmod(0o755)
    boards = tmp_path / "own.yaml"
    boards.write_text(OWN_BOARD)
    words = ["profile", "--board", "bench", "--boards", str(boards), "--host", sshd.host, str(work)]
    try:
        assert run(words) == 0
    finally:
        program.unlink()
    printed = " ".join(capsys.readouterr().out.split())
    assert f"clips on one thread of {sshd.host}" in printed
    assert "heat or low voltage held it back since it started (get_throttled 0x50005)" in printed
    content = json.loads((work / "profile-bench.json").read_text())
    clip, network = content["clip_ms"], content["host_run"]["network_ms"]
    assert clip == content["host_run"]["clip_ms"]
    for figure in (clip, network):
        assert figure["method"] == "measured"
        assert 0.0 < figure["low"] <= figure["value"] <= figure["high"]
    assert content["host_run"]["network"].startswith("ai-edge-litert ")
    assert (content["instructions"], content["cycles_per_instruction"]) == (None, None)
    assert f"--host {sshd.host}" in content["command"]
    assert list(sshd.temporary.iterdir()) == []


def test_without_a_runtime_there_the_engine_alone_is_measured(sshd: LocalSshd, work: Path) -> None:
    sshd.leave_python(Path(sys.executable), "-S")
    board = load_boards()["rpi4"].model_copy(update={"device_tree_model": None})
    found = time_over_ssh(board, parse_address(sshd.host), work, N_SAMPLES)
    assert found.clip_ms.value > 0.0
    assert (found.network_ms, found.network) == (None, "numpy is missing for python3")
    assert list(sshd.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ("rpi4", "says nothing of what it is, and rpi4 is a Raspberry Pi 4 Model B; name its board"),
        ("nucleo-l4r5zi", "nucleo-l4r5zi runs no Linux"),
    ],
)
def test_another_board_than_the_named_one_is_refused(board: str, said: str, sshd: LocalSshd, work: Path) -> None:
    if Path("/proc/device-tree/model").exists():
        said = said.replace("says nothing of what it is", "says it is .*")
    with pytest.raises(BackendError, match=said):
        time_over_ssh(load_boards()[board], parse_address(sshd.host), work, N_SAMPLES)


def test_the_command_refuses_what_is_no_host(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "--board", "rpi4", "--host", "pi@", str(work)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "'pi@' is no host; write [USER@]HOST[:PORT]" in line


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("--\n--\n", HostState((), None, None)),
        ("1500000\n600000\n--\n48312\n52000\n--\nthrottled=0x0\n", HostState((1_500_000_000, 600_000_000), 52.0, 0)),
        ("<unknown>\n--\n-1500\n--\nthrottled=0x50005\n", HostState((), -1.5, 0x50005)),
        ("--\n--\nVCHI initialization failed\n", HostState((), None, None)),
    ],
)
def test_clocks_temperature_and_throttling_are_read(printed: str, state: HostState) -> None:
    assert parse_state(printed) == state
