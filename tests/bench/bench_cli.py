"""`asd-edge --help` timed as a user meets it, a new process each time: the median of fifteen runs after one warm-up."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.write_result import write_result

N_RUNS = 15


def main() -> None:
    """Write tests/bench_results/cli.json."""
    program = Path(sys.executable).with_name("asd-edge")
    _seconds(program)
    seconds = [_seconds(program) for _ in range(N_RUNS)]
    values = {"help_seconds": round(statistics.median(seconds), 3), "help_seconds_max": round(max(seconds), 3)}
    print(write_result("cli", values), values)


def _seconds(program: Path) -> float:
    start = time.perf_counter()
    subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
