"""`ssh rpi4` on this machine: a local sshd whose programs are aarch64's, each under qemu-user as a Cortex-A72.

So the rungs that score on a real board run here line for line, SSH included.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.boards.arm64_root import QEMU
from tests.boards.local_sshd import local_sshd

HOST = "rpi4"
ENGINE_RUNG, LITERT_RUNG = f"ssh:{HOST}/engine", f"ssh:{HOST}/litert"


@contextmanager
def emulated_pi(folder: Path, python: Sequence[str] = ()) -> Iterator[None]:
    """While the block runs, HOME is that of a user who reaches the host; its files are in the new folder `folder`.

    `python`: the command of python3 there; without it there is only this machine's.
    """
    with local_sshd(folder) as sshd:
        _write_program(sshd.programs / "uname", "echo aarch64")
        if python:
            _write_program(sshd.programs / "python3", f'exec {shlex.join(python)} "$@"')
        # The kernel here starts no aarch64 program, so the board's is handed to QEMU by name.
        shell = sshd.programs / "run_command"
        engine = f"s|exec \\./score_clips|exec {shlex.join(QEMU)} ./score_clips|"
        _write_program(shell, f'exec sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed {shlex.quote(engine)})"')
        key = sshd.home / ".ssh/id_ed25519.pub"  # the server's list of keys
        key.write_text(f'command="{shell}" {key.read_text()}')
        (sshd.home / ".ssh/config").write_text(f"Host {HOST}\n  HostName 127.0.0.1\n  Port {sshd.port}\n")
        yield


def _write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
