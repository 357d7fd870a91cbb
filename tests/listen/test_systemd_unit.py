"""The unit that `asd-edge listen install` writes, by systemd's own judgement."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from asd_edge.cli import run
from asd_edge.errors import ListenError
from asd_edge.listen.config import ListenConfig, OutputsConfig
from asd_edge.listen.read_config import read_config
from asd_edge.listen.systemd_unit import STATE_FOLDER, UNIT, check_reach, unit_text
from tests.listen.small_detector import FAN

MOST_EXPOSURE = 2.0  # of 10; systemd calls it OK below 5
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here (Debian: systemd)")


def config_of(folder: Path, **settings: object) -> Path:
    entry = {"machine": "fan/id_00", "source": {"kind": "alsa"}, "model": str(folder), "threshold": 1}
    path = folder / "listen.yaml"
    path.write_text(yaml.safe_dump({"machines": [entry], **settings}))
    return path


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_finds_nothing_wrong_and_little_exposed(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    path = tmp_path / UNIT
    path.write_text(unit_text(config, read_config(config), Path("/bin/true")))
    verified = analyzed("verify", str(path))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    judged = analyzed("security", "--offline=true", f"--threshold={round(10 * MOST_EXPOSURE)}", "--no-pager", str(path))
    assert judged.returncode == 0, judged.stdout


@needs_systemd
def test_an_unknown_word_would_be_found(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    path = tmp_path / UNIT
    text = unit_text(config, read_config(config), Path("/bin/true"))
    path.write_text(text.replace("Type=notify", "Type=sometimes"))
    assert "sometimes" in analyzed("verify", str(path)).stderr


def test_the_unit_names_command_and_configuration_and_its_mark_are_filled(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    text = unit_text(config, read_config(config), Path("/opt/asd-edge/bin/asd-edge"))
    assert f"ExecStart=/opt/asd-edge/bin/asd-edge listen run {config}\n" in text
    assert "ProtectHome=yes\n" in text
    assert "@" not in text.replace("@system-service", "").replace("@privileged @resources", "")
    at_home = unit_text(Path("/home/pi/listen.yaml"), read_config(config), Path("/home/pi/venv/bin/asd-edge"))
    assert "ProtectHome=read-only\n" in at_home


READERS = (
    {"source": {"kind": "fifo", "path": "/home/pi/microphone"}},
    {"outputs": {"mqtt": {"broker": "b", "spool": "/s", "tls": {"ca_file": "/home/pi/ca.pem"}}}},
)


@pytest.mark.parametrize("settings", READERS)
def test_homes_are_shown_to_a_service_that_reads_there(settings: dict[str, Any], tmp_path: Path) -> None:
    config = config_reading(tmp_path, **{"source": {"kind": "alsa"}, **settings})
    moved = replace(config, outputs=moved_to_state(config.outputs))
    assert "ProtectHome=read-only\n" in unit_text(Path("/etc/listen.yaml"), moved, Path("/bin/true"))


def test_homes_are_shown_to_a_service_whose_interpreter_lies_there(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to("/home/pi/.pyenv/python")
    config = config_reading(tmp_path, source={"kind": "alsa"})
    for program, words in (((), "yes"), ((python,), "read-only")):
        text = unit_text(Path("/etc/listen.yaml"), config, Path("/bin/true"), program)
        assert f"ProtectHome={words}\n" in text


def config_reading(folder: Path, source: dict[str, Any], **settings: Any) -> ListenConfig:
    """A machine whose model lies where a service can read it."""
    entry = {"machine": FAN, "source": source, "model": "/opt/work", "threshold": 1}
    (folder / "listen.yaml").write_text(yaml.safe_dump({"machines": [entry], **settings}))
    return read_config(folder / "listen.yaml")


def moved_to_state(outputs: OutputsConfig) -> OutputsConfig:
    """What the service writes lies where it can."""
    return replace(outputs, mqtt=outputs.mqtt and replace(outputs.mqtt, spool=STATE_FOLDER / "spool"))


ALSA, FIFO_IN_TMP = {"kind": "alsa"}, {"kind": "fifo", "path": "/tmp/microphone"}
MQTT = {"broker": "localhost", "spool": str(STATE_FOLDER / "spool"), "username": "fan"}


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ({"kind": "stdin"}, {}, "fan/id_00: a service has no standard input"),
        (FIFO_IN_TMP, {}, "source of fan/id_00: /tmp/microphone is hidden from the service"),
        (ALSA, {"outputs": {"mqtt": {**MQTT, "tls": {"ca_file": "/var/tmp/a"}}}}, "ca_file: /var/tmp/a is hidden"),
        (ALSA, {"outputs": {"mqtt": {**MQTT, "password_file": "/etc/secret"}}}, "password_file: /etc/secret can't be"),
        (ALSA, {"dashboard": {"token_file": "/etc/token"}}, "dashboard.token_file: /etc/token can't be read"),
    ],
)
def test_what_a_service_couldnt_reach_is_refused(
    source: dict[str, Any], settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ListenError, match=words):
        check_reach(Path("/etc/listen.yaml"), config_reading(tmp_path, source, **settings), (Path("/bin/true"),))


def test_programs_models_and_configurations_among_temporary_files_are_refused(tmp_path: Path) -> None:
    config, place, program = config_reading(tmp_path, ALSA), Path("/etc/listen.yaml"), (Path("/bin/true"),)
    check_reach(place, config, program)
    for refused, words in (
        ((Path("/tmp/listen.yaml"), config, program), "the configuration: /tmp/listen.yaml is hidden"),
        ((place, config, (*program, Path("/tmp/python"))), "the program: /tmp/python is hidden"),
        ((place, replace(config, machines=(replace(config.machines[0], model=Path("/tmp/work")),)), program), "model"),
    ):
        with pytest.raises(ListenError, match=words):
            check_reach(*refused)


def test_install_refuses_what_couldnt_run_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config_reading(tmp_path, {"kind": "stdin"})
    password = {"outputs": {"mqtt": {**MQTT, "password_file": str(STATE_FOLDER / "no such password")}}}
    for source, settings, words in (({"kind": "stdin"}, {}, "no standard input"), (ALSA, password, "")):
        config_reading(tmp_path, source, **settings)
        assert run(["listen", "install", str(tmp_path / "listen.yaml"), "--folder", str(tmp_path)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert words in line
        assert not (tmp_path / UNIT).exists()


@pytest.mark.parametrize("path", ["/etc/a b.yaml", "/etc/a'b.yaml", "/etc/a\nb.yaml"])
def test_a_path_that_a_unit_cant_hold_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="without spaces and quotes"):
        unit_text(Path(path), read_config(config_of(tmp_path)), Path("/bin/true"))


def test_what_the_sandbox_keeps_from_being_written_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path, outputs={"jsonl": {"path": "events.jsonl"}})
    with pytest.raises(ListenError, match=f"choose a path below {STATE_FOLDER}"):
        unit_text(config, read_config(config), Path("/bin/true"))
    content = {"jsonl": {"path": str(STATE_FOLDER / "events.jsonl")}}
    config = config_of(tmp_path, outputs=content)
    assert isinstance(read_config(config), ListenConfig)
    unit_text(config, read_config(config), Path("/bin/true"))


def test_status_without_the_service_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("systemctl") and Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs here, and its services are not a test's business")
    assert run(["listen", "status"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
