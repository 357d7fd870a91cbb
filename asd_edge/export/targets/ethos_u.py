"""Vela, Arm's compiler for Ethos-U, asked what it makes of model.tflite: operators on the CPU, cycles, SRAM."""

import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from asd_edge.export.targets.report import OffOperator, Verdict

ACCELERATOR = "ethos-u55-256"  # 500 MHz in Vela's own default system, Ethos_U55_High_End_Embedded
MISSING = "Vela compiles for Ethos-U and counts cycles: pip install 'asd-edge[verify]'"
_REFUSED = re.compile(r"^Warning \(supported operators\) operator: (\w+).*\n((?:(?!Warning|\n).*\n)*)", re.MULTILINE)
_KIB = 1024


def find_vela() -> Path | None:
    """Vela's program beside this Python, else on PATH."""
    beside = Path(sys.executable).with_name("vela")
    found = shutil.which("vela")
    return beside if beside.exists() else Path(found) if found else None


def ask_vela(program: Path, model: Path, n_operators: int) -> Verdict:
    """Vela's verdict on a file of `n_operators`; all of them are off the accelerator where it can't compile it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), str(model), "--accelerator-config", ACCELERATOR, "--output-dir", folder]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        summaries = list(Path(folder).glob("*_summary_*.csv"))
        if run.returncode != 0 or not summaries:
            reason = (run.stdout.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
            return Verdict(_judge(program), 0, (OffOperator("all", n_operators, f"Vela fails: {reason}"),), {})
        summary = summaries[0].read_text(encoding="utf-8")
    return Verdict(_judge(program), _count("NPU", run.stdout), read_refusals(run.stdout), read_figures(summary))


def read_refusals(printed: str) -> tuple[OffOperator, ...]:
    """The operators that Vela leaves on the CPU, alike ones together; those that it doesn't name last."""
    refused = Counter((name, " ".join(reason.split())) for name, reason in _REFUSED.findall(printed))
    off = [OffOperator(name, count, reason.removeprefix("Reason: ")) for (name, reason), count in refused.items()]
    n_unnamed = _count("CPU", printed) - sum(refused.values())
    if n_unnamed > 0:
        off.append(OffOperator("unnamed", n_unnamed, "Vela says no more"))
    return tuple(off)


def read_figures(summary: str) -> dict[str, float]:
    """Of the table's one row."""
    (row,) = csv.DictReader(summary.splitlines())
    return {
        "cycles": round(float(row["cycles_total"])),
        "milliseconds": round(1000 * float(row["inference_time"]), 2),
        "sram_bytes": round(float(row["sram_memory_used"]) * _KIB),
        "flash_bytes": round(float(row["off_chip_flash_memory_used"]) * _KIB),
    }


def _count(processor: str, printed: str) -> int:
    match = re.search(rf"^{processor} operators = (\d+)", printed, re.MULTILINE)
    return int(match[1]) if match else 0


def _judge(program: Path) -> str:
    run = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    return f"Vela {run.stdout.strip()} for {ACCELERATOR}"
