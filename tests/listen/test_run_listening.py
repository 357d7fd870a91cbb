"""The process that `asd-edge listen run` becomes: the dashboard's token, what surrounds it, how it ends."""

import http.client
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from asd_edge.cli import run_listening
from asd_edge.errors import ImageError
from asd_edge.listen.dashboard.own_token import FILE, OwnToken
from asd_edge.listen.detector_stream import DetectorStream
from tests.listen.running_service import PATIENCE_SECONDS, ServiceProcess, write_config
from tests.listen.small_detector import FAN, RATE_HZ, WINDOW, hum

RUN = "from asd_edge.cli import main; main()"


def entry_of(kind: str, work: Path) -> dict[str, object]:
    path = "microphone" if kind == "fifo" else "sound.wav"
    return {"machine": FAN, "source": {"kind": kind, "path": path}, "model": str(work), "threshold": 1000}


def status_of(address: str, token: str) -> int:
    connection = http.client.HTTPConnection(address.removeprefix("http://").strip("/"), timeout=PATIENCE_SECONDS)
    connection.request("GET", f"/?token={token}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "microphone"
    os.mkfifo(path)
    return path


def test_the_dashboards_token_is_in_a_private_file_not_in_the_journal_and_outlives_a_reload(
    small_work: Path, fifo: Path, tmp_path: Path
) -> None:
    config = write_config(tmp_path, [entry_of("fifo", small_work)], windows="window", dashboard={"port": 0})
    service = ServiceProcess(config)
    try:
        assert service.process.stderr is not None
        line = service.process.stderr.readline()
        found = re.fullmatch(r"dashboard: (http://\S+/) \(its token is in (\S+)\)\n", line)
        assert found is not None, line
        address, path = found[1], Path(found[2])
        token = path.read_text().strip()
        assert path.stat().st_mode & 0o777 == 0o600
        assert (status_of(address, token), status_of(address, "x" + token)) == (303, 401)
        port = int(address.strip("/").rpartition(":")[2])
        write_config(tmp_path, [entry_of("fifo", small_work)], windows="window", dashboard={"port": port})
        service.send(signal.SIGHUP)
        service.wait_for_state("reloaded")
        assert status_of(address, token) == 303
        _, errors = service.end()
    finally:
        service.kill()
    assert token not in errors
    assert not path.exists()


def test_a_terminal_is_shown_the_address_with_the_token(small_work: Path, fifo: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, [entry_of("fifo", small_work)], windows="window", dashboard={"port": 0})
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", RUN, "listen", "run", str(config)], stderr=theirs)
    try:
        line = b""
        while b"\n" not in line:
            line += os.read(ours, 4096)
        found = re.fullmatch(r"dashboard: (http://\S+/)\?token=(\S+)\r\n", line.decode())
        assert found is not None, line
        assert status_of(found[1], found[2]) == 303
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def test_a_token_is_made_once_and_where_systemd_says(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("of a service that was killed")
    first, second = OwnToken(tmp_path), OwnToken(None)
    try:
        assert first.file() == first.file() == tmp_path / FILE
        assert first.file().read_text().strip() == first.token
        assert len(first.token) >= 32
        assert second.file().parent.stat().st_mode & 0o777 == 0o700
        assert second.token not in ("", first.token)
    finally:
        first.close()
        second.close()
    assert not first.file().exists()
    assert not second.file().parent.exists()


def test_no_module_of_the_working_directory_is_run(small_work: Path, tmp_path: Path) -> None:
    """Not by the service, nor by those who read its configuration and compile for it."""
    work = Path(shutil.copytree(small_work, tmp_path / "work"))
    (work / "model-generic.asdm").unlink()
    soundfile.write(tmp_path / "sound.wav", hum(WINDOW, 1), RATE_HZ, subtype="PCM_16")
    config = write_config(tmp_path, [entry_of("wav", work)], windows="window")
    here = tmp_path / "here"
    here.mkdir()
    for name in ("numpy", "yaml", "typer"):
        (here / f"{name}.py").write_text("raise SystemExit('this must not run')")
    command = [sys.executable, "-P", "-c", RUN, "listen", "run", str(config)]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, "this must not run" in done.stderr) == (0, False), done.stderr
    assert (work / "model-generic.asdm").exists()


@pytest.fixture
def handlers() -> Iterator[None]:
    """The test's process gets its own back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_detector_that_fails_ends_it_with_one_line(
    small_work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An image that passes all checks and then takes no samples can't be made, so the failure is put in its place."""

    def push(*_: object) -> None:
        raise ImageError("the detector takes no samples")

    monkeypatch.setattr(DetectorStream, "push", push)
    soundfile.write(tmp_path / "sound.wav", hum(WINDOW, 1), RATE_HZ, subtype="PCM_16")
    config = write_config(tmp_path, [entry_of("wav", small_work)], windows="window")
    assert run_listening.main(config, with_dashboard=False) == 2
    assert capsys.readouterr().err == "error: the detector takes no samples\n"
