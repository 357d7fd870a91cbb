"""Writes a file so that a reader sees all of it or none: a temporary name beside it first, then a rename."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asd_edge.errors import WorkDirectoryError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside `path`; it becomes `path` if the block succeeds and vanishes if not.

    It has the suffix of `path` and the permissions of any new file. Raises WorkDirectoryError when the folder can't be
    made or written, and for any OSError of the block (no space left).
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise WorkDirectoryError(
            f"{path}: can't be written ({error.strerror or error}); choose a writable output"
        ) from error
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise WorkDirectoryError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another output"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text_atomically(path: Path, content: str) -> None:
    """Replace `path` by `content` (UTF-8) in one step."""
    write_bytes_atomically(path, content.encode())
