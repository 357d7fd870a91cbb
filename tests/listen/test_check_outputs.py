"""`asd-edge listen check` looks at every output, and leaves all as it was."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from asd_edge.cli import run
from asd_edge.errors import ListenError
from asd_edge.listen.check_outputs import check_outputs
from asd_edge.listen.dashboard.dashboard import Dashboard
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.read_config import read_config
from tests.listen.running_service import write_config

ENTRY = {"machine": "fan/id_00", "source": {"kind": "alsa"}, "model": "work"}
BROKER = {"broker": "localhost", "spool": "spool", "username": "fan"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a file `file`, a read-only folder `closed`, a secret that is one and one that isn't."""
    for name, mode in (("file", 0o644), ("secret", 0o600), ("open-secret", 0o644)):
        (tmp_path / name).write_text("sixteen characters")
        (tmp_path / name).chmod(mode)
    (tmp_path / "closed").mkdir(mode=0o500)
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"outputs": {"jsonl": {"path": "nowhere/events.jsonl"}}}, "nowhere isn't there, or is no folder; make it"),
        ({"outputs": {"jsonl": {"path": "file/events.jsonl"}}}, "file isn't there, or is no folder; make it"),
        ({"outputs": {"jsonl": {"path": "closed"}}}, "closed is a folder; give a file"),
        ({"outputs": {"jsonl": {"path": "closed/events.jsonl"}}}, "outputs.jsonl.path: .*closed can't be written"),
        ({"outputs": {"mqtt": {**BROKER, "spool": "file"}}}, "outputs.mqtt.spool: .*file is no folder"),
        ({"outputs": {"mqtt": {**BROKER, "spool": "file/spool"}}}, "outputs.mqtt.spool: .*file is no folder"),
        ({"outputs": {"mqtt": {**BROKER, "spool": "closed/a/b"}}}, "outputs.mqtt.spool: .*closed can't be written"),
        ({"outputs": {"mqtt": {**BROKER, "password_file": "nowhere"}}}, "nowhere: can't be read"),
        ({"outputs": {"mqtt": {**BROKER, "password_file": "open-secret"}}}, "open-secret: others can read"),
        ({"outputs": {"mqtt": {**BROKER, "tls": {"ca_file": "file"}}}}, "file: can't be used for TLS"),
        ({"outputs": {"recordings": {"folder": "file"}}}, "outputs.recordings.folder: .*file is no folder"),
        ({"dashboard": {"port": 0, "token_file": "open-secret"}}, "open-secret: others can read"),
        ({"dashboard": {"bind": "192.0.2.7", "token_file": "secret"}}, r"192.0.2.7:8080: .* \(Cannot assign .*\)"),
    ],
)
@pytest.mark.usefixtures("permissions")
def test_an_output_that_couldnt_work_is_refused(settings: dict[str, Any], words: str, folder: Path) -> None:
    config = read_config(write_config(folder, [ENTRY], **settings))
    before = sorted(folder.rglob("*"))
    with pytest.raises(ListenError, match=words) as caught:
        check_outputs(config)
    assert "sixteen characters" not in str(caught.value)
    assert sorted(folder.rglob("*")) == before


def test_outputs_that_can_work_are_left_as_they_are(folder: Path) -> None:
    outputs = {
        "jsonl": {"path": "events.jsonl"},
        "mqtt": {**BROKER, "spool": "a/b/spool", "password_file": "secret"},
        "recordings": {"folder": "recordings"},
    }
    path = write_config(folder, [ENTRY], outputs=outputs, dashboard={"port": 0, "token_file": "secret"})
    before = sorted(folder.rglob("*"))
    check_outputs(read_config(path))
    assert sorted(folder.rglob("*")) == before


def test_an_address_is_refused_unless_the_service_itself_has_it(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = read_config(write_config(folder, [ENTRY], dashboard={"port": taken.getsockname()[1]}))
        taken.close()
        check_outputs(config)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = read_config(write_config(folder, [ENTRY], dashboard={"port": taken.getsockname()[1]}))
        with pytest.raises(ListenError, match=r"can't be served there \(Address already in use\)"):
            check_outputs(config)
    running = Dashboard(DashboardConfig(port=0), {})
    try:
        port = int(running.address.strip("/").rpartition(":")[2])
        check_outputs(read_config(write_config(folder, [ENTRY], dashboard={"port": port})))
    finally:
        running.close()


def test_the_command_refuses_in_one_line(small_work: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "microphone")
    entry = {**ENTRY, "source": {"kind": "fifo", "path": "microphone"}, "model": str(small_work)}
    config = write_config(folder, [entry], outputs={"jsonl": {"path": "nowhere/events.jsonl"}})
    assert run(["listen", "check", str(config)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: outputs.jsonl.path: {folder}/nowhere isn't there, or is no folder; make it\n"
