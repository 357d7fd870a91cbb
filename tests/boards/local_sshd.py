"""A real sshd on loopback, with keys of its own, for hosts that asd-edge reaches over SSH."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS_TO_START = 10.0
_SSHD, _PRIVILEGE_FOLDER = Path("/usr/sbin/sshd"), Path("/run/sshd")


@dataclass(frozen=True)
class LocalSshd:
    """`home`: of a user whose keys and known hosts fit; `programs`: first on PATH there; `temporary`: its TMPDIR."""

    port: int
    home: Path
    programs: Path
    temporary: Path
    process: "subprocess.Popen[bytes]"

    @property
    def host(self) -> str:
        return f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1:{self.port}"

    def lose_connections(self) -> None:
        """As where a cable is pulled: each connection's process is killed, the listening one stays."""
        for pid in _children(self.process.pid):
            for child in (*_children(pid), pid):
                with suppress(OSError):  # it has just ended
                    if Path(f"/proc/{child}/comm").read_text().startswith("sshd"):
                        os.kill(child, signal.SIGKILL)

    def leave_python(self, python: Path, *flags: str) -> None:
        """`python3` there becomes this one."""
        program = self.programs / "python3"
        program.write_text(f'#!/bin/sh\nexec "{python}" {" ".join(flags)} "$@"\n')
        program.chmod(0o755)


def missing_sshd() -> str | None:
    """Why none can be started here; None where it can."""
    if not _SSHD.exists() or shutil.which("ssh-keygen") is None:
        return "sshd not found (Debian package openssh-server)"
    if not _PRIVILEGE_FOLDER.is_dir() and os.getuid() == 0:
        _PRIVILEGE_FOLDER.mkdir(mode=0o755)
    return None if _PRIVILEGE_FOLDER.is_dir() else f"sshd needs the folder {_PRIVILEGE_FOLDER}"


@contextmanager
def local_sshd(folder: Path) -> Iterator[LocalSshd]:
    """Runs while the block does, for a user whose HOME is `home`; all its files are in `folder`."""
    home, programs, temporary = folder / "home", folder / "programs", folder / "temporary"
    for path in (home / ".ssh", programs, temporary):
        path.mkdir(parents=True)
    _make_key(folder / "host_key")
    _make_key(home / ".ssh" / "id_ed25519")
    port = free_port()
    type_and_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {type_and_key}\n")
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder / 'host_key'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {home / '.ssh' / 'id_ed25519.pub'}\nStrictModes no\nPasswordAuthentication no\n"
        f"PermitRootLogin yes\nSetEnv HOME={home} PATH={programs}:/usr/local/bin:/usr/bin:/bin TMPDIR={temporary}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([_SSHD, "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        _wait_until_open(port, folder / "log")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(home))
            patch.delenv("SSH_AUTH_SOCK", raising=False)
            yield LocalSshd(port, home, programs, temporary, process)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """On loopback, where nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def _wait_until_open(port: int, log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"sshd didn't start: {log.read_text()}")


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has just ended
        return []
