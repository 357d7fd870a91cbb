"""A path -> the bytes of its file, where it is one: a pipe or a device in its place would be waited for without end."""

import errno
import os
import stat
from pathlib import Path

_DONT_WAIT = getattr(os, "O_NONBLOCK", 0)  # for somebody who writes into a pipe; not on Windows


def read_regular_file(path: Path) -> bytes:
    """Raises OSError, for a folder, a pipe or a device too."""
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | _DONT_WAIT), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return file.read()
