"""The token of a dashboard whose configuration names no file: made once per process, so that a reload keeps it.

It lies in a file of its own, 0600, until the process ends: an address that holds it is shown on a terminal alone.
"""

import os
import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

from asd_edge.errors import ListenError

FILE = "dashboard-token"


class OwnToken:
    """Nothing is made before `file` is called."""

    def __init__(self, folder: Path | None) -> None:
        """`folder`: the one that systemd gave the service; None: a temporary one of its own."""
        self._folder = folder
        self._temporary: TemporaryDirectory[str] | None = None
        self.path: Path | None = None
        self.token = ""

    def file(self) -> Path:
        """Raises ListenError where it can't be written."""
        if self.path is None:
            try:
                self.path = self._write()
            except OSError as error:
                words = f"the dashboard's token can't be kept ({error.strerror})"
                raise ListenError(f"{words}; give the dashboard a token_file") from error
        return self.path

    def close(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        if self._temporary is not None:
            self._temporary.cleanup()

    def _write(self) -> Path:
        folder = self._folder
        if folder is None:
            self._temporary = self._temporary or TemporaryDirectory(prefix="asd-edge-")
            folder = Path(self._temporary.name)
        path = folder / FILE
        path.unlink(missing_ok=True)
        self.token = secrets.token_urlsafe(24)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{self.token}\n")
        return path
