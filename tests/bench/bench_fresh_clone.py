"""`make demo`, or what `.ci/run` installs, tests and checks, timed in a fresh clone of the commit that is checked out.

It needs only the standard library. The time includes making .venv and installing; packages come from pip's cache, as
far as an earlier run filled it.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.write_result import ROOT, write_result

COMMANDS = {"demo": ["make", "demo"], "ci": ["bash", "-c", "make test && make check"]}
INSTALLS = {"demo": ".venv/host.stamp", "ci": "install"}


def main(name: str) -> None:
    """Write tests/bench_results/<name>.json. Raises CalledProcessError when the command fails: no figure then."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "asd-edge"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        start = time.perf_counter()
        subprocess.run(["make", INSTALLS[name]], cwd=clone, check=True, env=_environment())
        installed = time.perf_counter()
        subprocess.run(COMMANDS[name], cwd=clone, check=True, env=_environment())
        finished = time.perf_counter()
    values = {"seconds": round(finished - start, 1), "install_seconds": round(installed - start, 1)}
    print(write_result(name, values), values)


def _environment() -> dict[str, str]:
    """This environment without what make and an active virtual environment put into it."""
    dropped = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in dropped}


if __name__ == "__main__":
    main(sys.argv[1])
