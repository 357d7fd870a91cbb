"""A password or a token in a file of its own, which nobody but its owner can read."""

import os
import stat
from pathlib import Path

from asd_edge.errors import ListenError


def read_secret(path: Path, least_characters: int = 1) -> str:
    """The file's one line. No message holds any of it.

    Raises ListenError for a file that can't be read, that others than its owner and root can, or that says too little.
    """
    check_private(path)
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeError) as error:
        raise ListenError(f"{path}: can't be read ({error_words(error)}); give a file with one line") from error
    if len(secret) < least_characters or not secret.isprintable():
        raise ListenError(f"{path}: has to hold one line of {least_characters} characters or more")
    return secret


def check_private(path: Path) -> None:
    """Raises ListenError unless the file belongs to this user or root and only its owner has any access."""
    try:
        found = path.stat()
    except OSError as error:
        raise ListenError(f"{path}: can't be read ({error.strerror}); give a file with one line") from error
    if not stat.S_ISREG(found.st_mode):
        raise ListenError(f"{path}: isn't a file; give a file with one line")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid not in (0, os.geteuid()):
        raise ListenError(f"{path}: others can read or change it; run chmod 600 {path} as the user of the service")


def error_words(error: OSError | UnicodeError) -> str:
    """Without the bytes that a UnicodeError carries."""
    return error.strerror or "an error" if isinstance(error, OSError) else "it isn't UTF-8"
