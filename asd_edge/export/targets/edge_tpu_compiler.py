"""Google's edgetpu_compiler, where it is installed (Debian, x86-64, not redistributable): its log of model.tflite."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from asd_edge.export.targets.report import OffOperator, Verdict

PROGRAM = "edgetpu_compiler"
MISSING = f"{PROGRAM}, Google's own, which has the last word: coral.ai/docs/edgetpu/compiler says how it is installed"
MAPPED = "Mapped to Edge TPU"
_VERSION = re.compile(r"Edge TPU Compiler version (\S+)")
_SUBGRAPHS = re.compile(r"Number of Edge TPU subgraphs:\s*(\d+)")
_ROW = re.compile(r"^([A-Z][A-Z0-9_]*)\s+(\d+)\s+(\S.*?)\s*$", re.MULTILINE)


def find_compiler() -> Path | None:
    """On PATH."""
    found = shutil.which(PROGRAM)
    return Path(found) if found else None


def ask_compiler(program: Path, model: Path, n_operators: int) -> Verdict:
    """The compiler's verdict on a file of `n_operators`; all are off the Edge TPU where it can't compile the file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "--show_operations", "--out_dir", folder, str(model)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        reason = (run.stdout.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
        return Verdict(PROGRAM, 0, (OffOperator("all", n_operators, f"{PROGRAM} fails: {reason}"),), {})
    return read_log(run.stdout)


def read_log(printed: str) -> Verdict:
    """What `--show_operations` prints, or the .log file beside the compiled model: a row per operator and status."""
    rows = [(name, int(count), status) for name, count, status in _ROW.findall(printed)]
    version, subgraphs = _VERSION.search(printed), _SUBGRAPHS.search(printed)
    return Verdict(
        f"{PROGRAM} {version[1]}" if version else PROGRAM,
        sum(count for _, count, status in rows if status == MAPPED),
        tuple(OffOperator(*row) for row in rows if row[2] != MAPPED),
        {"partitions": int(subgraphs[1])} if subgraphs else {},
    )
