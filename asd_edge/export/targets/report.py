"""target.json: which operators of model.tflite the target's accelerator takes, by the target's own tools or rules."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asd_edge.errors import WorkDirectoryError

FORMAT = "asd-edge target 1"


@dataclass(frozen=True)
class OffOperator:
    """Operators of one kind that stay on the CPU, and why."""

    name: str  # TFLite's
    count: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What one tool says. `figures` are named with their unit: cycles, sram_bytes, partitions, int8_ms, float_ms."""

    judge: str  # the tool with its version
    n_on: int  # operators on the accelerator, as the tool counts them
    off: tuple[OffOperator, ...]
    figures: Mapping[str, float]


@dataclass(frozen=True)
class TargetReport:
    """`missing` names tools that would say more and aren't installed, with what brings them."""

    format: str
    target: str
    verdicts: tuple[Verdict, ...]
    missing: tuple[str, ...]


def report_text(report: TargetReport) -> str:
    """The file's text."""
    return json.dumps(dataclasses.asdict(report), indent=1) + "\n"


def load_report(path: Path) -> TargetReport:
    """Raises WorkDirectoryError for a file that isn't what `report_text` writes."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        verdicts = tuple(
            Verdict(**{**verdict, "off": tuple(OffOperator(**entry) for entry in verdict["off"])})
            for verdict in content["verdicts"]
        )
        return TargetReport(content["format"], content["target"], verdicts, tuple(content["missing"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkDirectoryError(f"{path}: missing or damaged ({error}); run asd-edge export again") from error


def report_lines(report: TargetReport) -> Iterator[str]:
    """One fact per line, for the terminal."""
    for verdict in report.verdicts:
        n_off = sum(entry.count for entry in verdict.off)
        yield f"{report.target} by {verdict.judge}: {verdict.n_on} operators on the accelerator, {n_off} on the CPU"
        for entry in verdict.off:
            yield f"  on the CPU: {entry.count} {entry.name} ({entry.reason})"
        if verdict.figures:
            yield f"  {', '.join(f'{name} {value:,.10g}' for name, value in verdict.figures.items())}"
    for tool in report.missing:
        yield f"{report.target}: not asked: {tool}"
