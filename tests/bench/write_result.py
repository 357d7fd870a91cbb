"""Values that a benchmark measured in, one file of tests/bench_results out, with date, commit, machine and clips."""

import datetime
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bars.ledger import Result

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests/bench_results"


@dataclass(frozen=True)
class ClipsUsed:
    """How much of a data set a figure rests on."""

    scored: int
    available: int
    data_sha256: str


def write_result(name: str, values: Mapping[str, float], clips: ClipsUsed | None = None) -> Path:
    """Write `tests/bench_results/<name>.json` for the commit that is checked out; its path."""
    result = Result(
        values=dict(values),
        measured_on=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=commit_in(ROOT),
        machine=describe_machine(),
        clips_scored=clips.scored if clips else None,
        clips_available=clips.available if clips else None,
        data_sha256=clips.data_sha256 if clips else None,
    )
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=2) + "\n")
    return path


def commit_in(repository: Path) -> str:
    """Short hash of HEAD, with "-dirty" when anything but results and BENCHMARKS.md differs from it."""
    head = _git(repository, "rev-parse", "--short=12", "HEAD").strip()
    changed = [line[3:] for line in _git(repository, "status", "--porcelain").splitlines()]
    differs = any(not path.startswith(("tests/bench_results/", "BENCHMARKS.md")) for path in changed)
    return f"{head}-dirty" if differs else head


def _git(repository: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True).stdout


def describe_machine() -> dict[str, str | int]:
    """Processor, cores, memory, system and Python: what a reader needs to compare, nothing that names the host."""
    models = [line.split(":", 1)[1].strip() for line in _proc("cpuinfo") if line.startswith("model name")]
    memory_kib = next((int(line.split()[1]) for line in _proc("meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kib / 2**20),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _proc(name: str) -> list[str]:
    path = Path("/proc") / name
    return path.read_text().splitlines() if path.exists() else []


def data_sha256(root: Path) -> str:
    """One hash of a folder of clips: over the sorted relative paths and each file's bytes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix.lower() in (".wav", ".flac")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
