"""Bars and committed results in, BENCHMARKS.md out; exit code 1 when a bar has no value. Behind `make bars`."""

import sys
from pathlib import Path

from tests.bars.ledger import Result, Verdict, judge, load_bars

ROOT = Path(__file__).resolve().parents[2]
BARS, RESULTS, BENCHMARKS = ROOT / "tests/bars.toml", ROOT / "tests/bench_results", ROOT / "BENCHMARKS.md"

HEADER = """# Benchmarks

Built by `make bars` from `tests/bars.toml` and `tests/bench_results/`; not edited by hand.
A missed bar stays in the table. Clips are those scored of those that the data set has.
"""


def benchmarks_text(verdicts: tuple[Verdict, ...]) -> str:
    """BENCHMARKS.md: one table per stage, then the machines that the results were measured on."""
    stages = dict.fromkeys(verdict.bar.stage for verdict in verdicts)
    parts = [HEADER, _summary(verdicts)]
    for stage in stages:
        rows = [_row(verdict) for verdict in verdicts if verdict.bar.stage == stage]
        head = "| bar | promised | measured | verdict | clips | measured on | commit | command |"
        parts.append("\n".join([f"## {stage}", "", head, "|---|---|---|---|---|---|---|---|", *rows]) + "\n")
    parts += _missed(verdicts)
    parts.append(_machines(verdicts))
    return "\n".join(parts)


def _summary(verdicts: tuple[Verdict, ...]) -> str:
    kept = sum(verdict.is_kept for verdict in verdicts)
    missing = sum(verdict.value is None for verdict in verdicts)
    return f"{kept} of {len(verdicts)} bars kept, {len(verdicts) - kept - missing} missed, {missing} without a value.\n"


def _row(verdict: Verdict) -> str:
    bar, result = verdict.bar, verdict.result
    promised = f"{bar.comparison} {_number(bar.bar)} {bar.unit}".rstrip()
    words = bar.words.replace("|", "\\|")
    if verdict.value is None or result is None:
        return f"| {words} | {promised} | - | **no value** | - | - | - | `{bar.command}` |"
    measured = f"{_number(verdict.value)} {bar.unit}".rstrip()
    judged = "kept" if verdict.is_kept else "**missed**"
    return (
        f"| {words} | {promised} | {measured} | {judged} | {_clips(result)} "
        f"| {result.measured_on} | {result.commit} | `{bar.command}` |"
    )


def _missed(verdicts: tuple[Verdict, ...]) -> list[str]:
    """Why, and what was tried; nothing where every bar is kept."""
    lines = [f"- {verdict.bar.words}: {verdict.bar.note}" for verdict in verdicts if verdict.bar.note]
    return ["\n".join(["## Missed, and why", "", *lines]) + "\n"] if lines else []


def _clips(result: Result) -> str:
    return "-" if result.clips_scored is None else f"{result.clips_scored} of {result.clips_available}"


def _number(value: float) -> str:
    """Integers in full with thousands separators, other numbers with four significant digits."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:.4g}"


def _machines(verdicts: tuple[Verdict, ...]) -> str:
    described = {
        verdict.bar.result: ", ".join(f"{key} {value}" for key, value in verdict.result.machine.items())
        for verdict in verdicts
        if verdict.result
    }
    lines = [
        f"- {', '.join(name for name in described if described[name] == text)}: {text}"
        for text in dict.fromkeys(described.values())
    ]
    return "\n".join(["## Machines", "", *lines]) + "\n"


def main() -> int:
    """Write BENCHMARKS.md and say on stderr which bars are missed or lack a value."""
    verdicts = judge(load_bars(BARS), RESULTS)
    BENCHMARKS.write_text(benchmarks_text(verdicts))
    for verdict in verdicts:
        if verdict.value is None:
            print(f"no value: {verdict.bar.id}: run `{verdict.bar.command}`", file=sys.stderr)
        elif not verdict.is_kept:
            print(f"missed: {verdict.bar.id}: {verdict.value} is not {verdict.bar.comparison} {verdict.bar.bar}")
    return int(any(verdict.value is None for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
