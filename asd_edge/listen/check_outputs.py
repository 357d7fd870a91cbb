"""What the outputs need -> checked without opening any, so that a service that runs meanwhile isn't disturbed."""

import errno
import http.client
import os
import socket
import stat
from pathlib import Path

from asd_edge.errors import ListenError
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.mqtt_config import MqttConfig
from asd_edge.listen.secret_file import read_secret
from asd_edge.listen.systemd_unit import STATE_FOLDER

_PATIENCE_SECONDS = 2.0  # for whoever has the dashboard's address


def check_outputs(config: ListenConfig) -> None:
    """Raises ListenError for one that couldn't work, as far as this user can see."""
    outputs = config.outputs
    if outputs.jsonl is not None and isinstance(outputs.jsonl.path, Path):
        _check_file("outputs.jsonl.path", outputs.jsonl.path)
    if outputs.mqtt is not None:
        _check_mqtt(outputs.mqtt)
    if outputs.recordings is not None:
        _check_folder("outputs.recordings.folder", outputs.recordings.folder)
    if config.dashboard is not None:
        _check_dashboard(config.dashboard)


def _check_file(name: str, path: Path) -> None:
    """It is there and can be written, or can be made in a folder that is there."""
    if _is_for_systemd(path):
        return
    if path.is_dir():
        raise ListenError(f"{name}: {path} is a folder; give a file")
    if not path.parent.is_dir():
        raise ListenError(f"{name}: {path.parent} isn't there, or is no folder; make it")
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK, effective_ids=True):
        raise ListenError(f"{name}: {place} can't be written; choose another")


def _check_folder(name: str, path: Path) -> None:
    """It is there and can be written, or can be made."""
    if _is_for_systemd(path):
        return
    place = path
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise ListenError(f"{name}: {place} is no folder; choose another")
    if not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
        raise ListenError(f"{name}: {place} can't be written; choose another")


def _check_mqtt(config: MqttConfig) -> None:
    from asd_edge.listen.mqtt_session import tls_context

    _check_folder("outputs.mqtt.spool", config.spool)
    if config.password_file is not None:
        _check_secret(config.password_file)
    if config.tls is not None and not _is_services_own(config.tls.key_file):
        tls_context(config)


def _check_dashboard(config: DashboardConfig) -> None:
    from asd_edge.listen.dashboard.dashboard import LEAST_TOKEN

    if config.token_file is not None:
        _check_secret(config.token_file, LEAST_TOKEN)
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((config.bind, config.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not _is_dashboard(config):
            raise ListenError(
                f"{config.bind}:{config.port}: the dashboard can't be served there ({error.strerror}); choose another"
            ) from error


def _check_secret(path: Path, least_characters: int = 1) -> None:
    if not _is_services_own(path):
        read_secret(path, least_characters)


def _is_services_own(path: Path | None) -> bool:
    """Whether systemd has given this secret to the service already, in a way that keeps it one."""
    if path is None or not path.is_relative_to(STATE_FOLDER):
        return False
    try:
        found = path.stat()
    except OSError:
        return False
    is_private = stat.S_ISREG(found.st_mode) and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return is_private and found.st_uid not in (0, os.geteuid())


def _is_for_systemd(path: Path) -> bool:
    """Whether it lies in the state directory, which systemd makes, before that is there or without access to it."""
    return path.is_relative_to(STATE_FOLDER) and not os.access(STATE_FOLDER, os.R_OK | os.X_OK, effective_ids=True)


def _is_dashboard(config: DashboardConfig) -> bool:
    """Whether the service itself is what has the address: a configuration is checked before it is loaded again."""
    connection = http.client.HTTPConnection(config.bind, config.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/")
        return (connection.getresponse().getheader("Server") or "").strip() == "asd-edge"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
