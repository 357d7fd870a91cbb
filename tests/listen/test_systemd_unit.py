"""The unit that `asd-edge listen install` writes, by systemd's own judgement."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from asd_edge.cli import run
from asd_edge.errors import ListenError
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.read_config import read_config
from asd_edge.listen.systemd_unit import STATE_FOLDER, UNIT, unit_text

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
