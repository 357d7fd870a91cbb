"""A computer with Debian's RAUC, as `asd-edge slots setup` makes it, on a bus and in a mount space of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import board_named
from asd_edge.package.rauc_setup import write_setup

PROGRAMS = ("rauc", "mksquashfs", "dbus-daemon", "dbus-send", "unshare", "mount")
_START_SECONDS, _POLL_SECONDS = 60.0, 0.1
_COMMAND = "import sys; from asd_edge.cli import run; sys.exit(run(sys.argv[1:]))"
_HAS_OWNER = ("org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", "string:de.pengutronix.rauc")


@dataclass(frozen=True)
class Device:
    """`slots`: the folder of its models; `log`: what the service says, a journal elsewhere."""

    slots: Path
    log: Path
    environment: dict[str, str]

    def install(self, bundle: Path) -> subprocess.CompletedProcess[str]:
        """What a user types."""
        return _run(["rauc", "install", str(bundle)], self.environment)

    def active_bytes(self) -> dict[str, bytes]:
        """Of every file of the active model."""
        return {path.name: path.read_bytes() for path in (self.slots / "active").iterdir()}


def missing(folder: Path) -> str | None:
    """Why nothing can be installed here, or None."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"{', '.join(absent)} aren't here; apt install rauc squashfs-tools dbus"
    if os.geteuid() != 0:
        return "RAUC mounts a bundle, which only root may"
    (folder / "mount").mkdir()
    (folder / "content").mkdir()
    image = folder / "image"
    _run(["mksquashfs", str(folder / "content"), str(image), "-quiet"], dict(os.environ))
    done = _run(["unshare", "-m", "mount", "-o", "loop", str(image), str(folder / "mount")], dict(os.environ))
    return None if done.returncode == 0 else f"a squashfs can't be mounted here: {done.stderr.strip()}"


@contextmanager
def running_device(root: Path, certificate: Path, board: str) -> Iterator[Device]:
    """Its files lie below `root`; the service ends with the block."""
    command, slots, mounts = root / "asd-edge", root / "models", root / "mounts"
    mounts.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{_COMMAND}' \"$@\"\n")
    command.chmod(0o755)
    write_setup(root, board_named(board), certificate, slots, command)
    conf = root / "etc/rauc/system.conf"
    bus_command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(bus_command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bus:
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": address, "DBUS_STARTER_BUS_TYPE": "session"}
        of_service = {**environment, **_unit_environment(root / "etc/systemd/system/rauc.service.d/asd-edge.conf")}
        service_command = [
            *("unshare", "-m", "rauc", f"--conf={conf}", f"--mount={mounts}", "service"),
            "--override-boot-slot=_external_",
        ]
        log_path = root / "rauc.log"
        with (
            log_path.open("w") as log,
            subprocess.Popen(service_command, env=of_service, stdout=log, stderr=log) as service,
        ):
            try:
                _wait_for_service(environment)
                yield Device(slots, log_path, environment)
            finally:
                service.terminate()
                service.wait()
                bus.terminate()


def _unit_environment(path: Path) -> dict[str, str]:
    line = next(line for line in path.read_text().splitlines() if line.startswith("Environment="))
    return dict(pair.split("=", 1) for pair in line.removeprefix("Environment=").split())


def _wait_for_service(environment: dict[str, str]) -> None:
    name, *call = _HAS_OWNER
    deadline = time.monotonic() + _START_SECONDS
    command = ["dbus-send", "--session", "--print-reply", f"--dest={name}", *call]
    while "true" not in _run(command, environment).stdout:
        assert time.monotonic() < deadline, "rauc service didn't take its name on the bus"
        time.sleep(_POLL_SECONDS)


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
