"""The systemd unit of the service: written for one configuration, and what systemd says of it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.errors import ListenError
from asd_edge.listen.config import FifoSource, ListenConfig, StdinSource, WavSource

UNIT = "asd-edge-listen.service"
UNIT_FOLDER, STATE_FOLDER = Path("/etc/systemd/system"), Path("/var/lib/asd-edge-listen")
TEMPLATE = Path(__file__).with_name(UNIT)
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
_SHOWN = ("ActiveState", "SubState", "StatusText", "ActiveEnterTimestamp", "NRestarts", "MemoryCurrent", "MainPID")


@dataclass(frozen=True)
class UnitStatus:
    """Properties of the unit by systemd's names, in its order."""

    properties: tuple[tuple[str, str], ...]
    is_active: bool


def check_reach(config_path: Path, config: ListenConfig, program: tuple[Path, ...]) -> None:
    """Raises ListenError for what a service of its own user can't reach: standard input, our /tmp, our secrets."""
    for entry in config.machines:
        if isinstance(entry.source, StdinSource):
            raise ListenError(f"{entry.machine}: a service has no standard input; give it an alsa or a fifo source")
    secrets = secret_paths(config)
    for name, path in secrets.items():
        if not path.is_relative_to(STATE_FOLDER):
            raise ListenError(f"{name}: {path} can't be read by the service's own user; put it below {STATE_FOLDER}")
    read = {"the program": program, "the configuration": (config_path,)}
    read |= {name: (path,) for name, path in read_paths(config).items() if name not in secrets}
    for name, paths in read.items():
        if hidden := next((path for path in paths if _is_below(path, _TEMPORARY)), None):
            raise ListenError(f"{name}: {hidden} is hidden from the service, which has a /tmp of its own; move it")


def unit_text(config_path: Path, config: ListenConfig, command: Path, program: tuple[Path, ...] = ()) -> str:
    """`program`: what the command needs besides itself. Raises ListenError for an output that the sandboxed service
    couldn't write."""
    for name, path in written_paths(config).items():
        if not path.is_relative_to(STATE_FOLDER):
            raise ListenError(f"{name}: {path} can't be written by the service; choose a path below {STATE_FOLDER}")
    is_at_home = any(_is_below(path, _HOMES) for path in (command, *program, config_path, *read_paths(config).values()))
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


def read_paths(config: ListenConfig) -> dict[str, Path]:
    """What the service reads beside its configuration, secrets included, by its place there."""
    found = {f"model of {entry.machine}": entry.model for entry in config.machines}
    for entry in config.machines:
        if isinstance(entry.source, WavSource | FifoSource):
            found[f"source of {entry.machine}"] = entry.source.path
    tls = config.outputs.mqtt.tls if config.outputs.mqtt is not None else None
    if tls is not None and tls.ca_file is not None:
        found["outputs.mqtt.tls.ca_file"] = tls.ca_file
    if tls is not None and tls.certificate_file is not None:
        found["outputs.mqtt.tls.certificate_file"] = tls.certificate_file
    return found | secret_paths(config)


def secret_paths(config: ListenConfig) -> dict[str, Path]:
    """What nobody but the service may read, by its place in the configuration."""
    mqtt, dashboard = config.outputs.mqtt, config.dashboard
    found = {
        "outputs.mqtt.password_file": mqtt.password_file if mqtt is not None else None,
        "outputs.mqtt.tls.key_file": mqtt.tls.key_file if mqtt is not None and mqtt.tls is not None else None,
        "dashboard.token_file": dashboard.token_file if dashboard is not None else None,
    }
    return {name: path for name, path in found.items() if path is not None}


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    """By its name, or where links lead to."""
    real = Path(os.path.realpath(path))
    return any(one.is_relative_to(folder) for one in (path.absolute(), real) for folder in folders)


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
