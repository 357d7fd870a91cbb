"""Exports that a benchmark makes once: timed as a user runs them, kept as long as neither sources nor inputs change."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from asd_edge.export.work_files import ONNX_FILE
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE
from tests.bench.stock_route import StockFile, convert_stock
from tests.bench.write_result import ROOT

SOURCES = (
    "asd_edge/clip/level.py",
    "asd_edge/frontend",
    "asd_edge/graph",
    "asd_edge/export",
    "quantization",
)  # what decides how an export comes out
STOCK_SOURCES = ("tests/bench/stock_route.py", "tests/bench/stock_int8.py", "constraints-stock.txt")
NOTE = "bench.json"  # beside the exported files: what they were made of, and the seconds


def kept_export(checkpoint: Path, data: Path, work: Path, options: Sequence[str]) -> float:
    """Seconds of `asd-edge export --checkpoint CHECKPOINT --calibration DATA OPTIONS -o WORK`.

    Raises CalledProcessError where it fails; its words are on stderr then.
    """
    contents = [(checkpoint / name).read_bytes() for name in (WEIGHTS_FILE, SETTINGS_FILE)]
    key = _sha256([*contents, *_sources(SOURCES), *(option.encode() for option in options)])
    note = _read_note(work, key)
    if note is None:
        shutil.rmtree(work, ignore_errors=True)
        program = str(Path(sys.executable).with_name("asd-edge"))
        files = ["--checkpoint", str(checkpoint), "--calibration", str(data), "-o", str(work)]
        start = time.perf_counter()
        subprocess.run([program, "export", *files, *options], check=True, stdout=subprocess.DEVNULL)
        note = {"seconds": time.perf_counter() - start}
        _write_note(work, key, note)
    return float(note["seconds"])


def kept_stock(work: Path, data: Path, out: Path) -> StockFile:
    """The stock converter's file of WORK/model.onnx."""
    key = _sha256([(work / ONNX_FILE).read_bytes(), *_sources(STOCK_SOURCES)])
    note = _read_note(out, key)
    if note is None:
        note = asdict(convert_stock(work, data, out))
        _write_note(out, key, note)
    return StockFile(str(note["commands"]), float(note["seconds"]), float(note["float_cosine"]))


def sources_sha256(names: Sequence[str]) -> str:
    """Of these folders' and files' code."""
    return _sha256(_sources(names))


def _sources(names: Sequence[str]) -> list[bytes]:
    paths = [path for name in names for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    return [path.read_bytes() for path in sorted(paths) if path.suffix in (".py", ".yaml", ".txt") and path.is_file()]


def _sha256(contents: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def _read_note(work: Path, key: str) -> dict[str, str | float] | None:
    try:
        note: dict[str, str | float] = json.loads((work / NOTE).read_text())
    except (OSError, ValueError):
        return None
    return note if note.get("key") == key else None


def _write_note(work: Path, key: str, note: dict[str, str | float]) -> None:
    (work / NOTE).write_text(json.dumps({"key": key, **note}, indent=1) + "\n")
