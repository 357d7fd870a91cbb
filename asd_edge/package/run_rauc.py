"""Words of the command `rauc` and the bundle that they are about -> RAUC has done it, or its own words say why not."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from asd_edge.errors import PackageError

_SECONDS = 600.0


def run_rauc(words: Sequence[str], path: Path) -> str | None:
    """None: done; else the last line that it said. Raises PackageError for no end in time, or where it can't be run."""
    what = next(word for word in words if not word.startswith("-"))
    try:
        done = subprocess.run(
            ["rauc", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(
            f"{path}: no end of rauc {what} after {_SECONDS:.0f} s; run the same command again"
        ) from error
    except OSError as error:
        raise PackageError(f"rauc: can't be run ({error.strerror or error}); run apt install rauc") from error
    if done.returncode == 0:
        return None
    return (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"])[-1]
