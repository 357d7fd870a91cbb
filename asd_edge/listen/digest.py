"""SHA-256 of files, a piece at a time, so that no file is ever whole in memory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def joined_sha256(paths: Sequence[Path]) -> str:
    """Hex, of the files one behind the other. Raises OSError where one can't be read."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()
