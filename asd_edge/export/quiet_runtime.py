"""A block in which the C++ runtime's own lines on stderr are dropped."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_runtime() -> Iterator[None]:
    """Without the line that LiteRT writes to stderr when it takes XNNPACK; what it refuses, it raises."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device, not a path)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
