"""The systemd unit of the service: written for one configuration, and what systemd says of it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.errors import ListenError
from asd_edge.listen.config import ListenConfig

UNIT = "asd-edge-listen.service"
UNIT_FOLDER, STATE_FOLDER = Path("/etc/systemd/system"), Path("/var/lib/asd-edge-listen")
TEMPLATE = Path(__file__).with_name(UNIT)
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_SHOWN = ("ActiveState", "SubState", "StatusText", "ActiveEnterTimestamp", "NRestarts", "MemoryCurrent", "MainPID")


@dataclass(frozen=True)
class UnitStatus:
    """Properties of the unit by systemd's names, in its order."""

    properties: tuple[tuple[str, str], ...]
    is_active: bool


def unit_text(config_path: Path, config: ListenConfig, command: Path) -> str:
    """Raises ListenError for an output that the sandboxed service couldn't write."""
    for name, path in written_paths(config).items():
        if not path.is_relative_to(STATE_FOLDER):
            raise ListenError(f"{name}: {path} can't be written by the service; choose a path below {STATE_FOLDER}")
    read = [command, config_path, *(entry.model for entry in config.machines)]
    is_at_home = any(path.absolute().is_relative_to(home) for path in read for home in _HOMES)
    filled = {"@COMMAND@": command, "@CONFIG@": config_path, "@PROTECT_HOME@": "read-only" if is_at_home else "yes"}
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, value in filled.items():
        text = text.replace(mark, _escaped(str(value)))
    return text


def write_unit(text: str, folder: Path) -> Path:
    """Write the unit and have systemd read it, where it runs. Raises WorkDirectoryError or ListenError."""
    path = folder / UNIT
    write_text_atomically(path, text)
    path.chmod(0o644)
    if folder == UNIT_FOLDER and Path("/run/systemd/system").is_dir():
        _systemctl("daemon-reload")
    return path


def unit_status() -> UnitStatus:
    """Raises ListenError without systemd, and where the unit isn't installed."""
    lines = _systemctl("show", UNIT, f"--property=LoadState,{','.join(_SHOWN)}").splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    if found.get("LoadState") != "loaded":
        raise ListenError(f"{UNIT} isn't installed; run asd-edge listen install CONFIG")
    properties = tuple((name, found[name]) for name in _SHOWN if found.get(name))
    return UnitStatus(properties, found.get("ActiveState") == "active")


def written_paths(config: ListenConfig) -> dict[str, Path]:
    """What the outputs write, by their place in the configuration."""
    outputs, found = config.outputs, {}
    if outputs.jsonl is not None and isinstance(outputs.jsonl.path, Path):
        found["outputs.jsonl.path"] = outputs.jsonl.path
    if outputs.mqtt is not None:
        found["outputs.mqtt.spool"] = outputs.mqtt.spool
    if outputs.recordings is not None:
        found["outputs.recordings.folder"] = outputs.recordings.folder
    return found


def _escaped(text: str) -> str:
    """For a command line of a unit; a path with a space or a quote is no use there."""
    if not text.isprintable() or any(character in text for character in " \"'\\;"):
        raise ListenError(f"{text!r} can't stand in a systemd unit; choose a path without spaces and quotes")
    return text.replace("%", "%%").replace("$", "$$")


def _systemctl(*arguments: str) -> str:
    if shutil.which("systemctl") is None:
        raise ListenError("systemctl isn't here: this computer doesn't run systemd; use asd-edge listen run CONFIG")
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise ListenError(f"systemctl {arguments[0]}: {words}; is systemd running, and are you allowed to?")
    return done.stdout
