"""Reads the bars (tests/bars.toml) and their measured results (tests/bench_results/*.json), and judges them."""

import json
import operator
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


class LedgerError(Exception):
    """A bar or a result that isn't written as the ledger needs it."""


@dataclass(frozen=True)
class Bar:
    """One promise: the value under `key` of the file `result` compares to `bar` as `comparison` says.

    `note` says of a missed bar why, and what was tried; it may be left out.
    """

    id: str
    stage: str
    words: str
    comparison: str
    bar: float
    unit: str
    command: str
    result: str
    key: str
    note: str = ""


@dataclass(frozen=True)
class Result:
    """What a benchmark measured, once: its values and the circumstances they hold for."""

    values: Mapping[str, float]
    measured_on: str  # YYYY-MM-DD
    commit: str
    machine: Mapping[str, str | int]
    clips_scored: int | None  # None: the benchmark uses no clips
    clips_available: int | None
    data_sha256: str | None


@dataclass(frozen=True)
class Verdict:
    """A bar beside its value; `value` is None while no benchmark has written it."""

    bar: Bar
    value: float | None
    result: Result | None

    @property
    def is_kept(self) -> bool:
        """Whether the value meets the bar; False without a value."""
        return self.value is not None and COMPARISONS[self.bar.comparison](self.value, self.bar.bar)


def load_bars(path: Path) -> tuple[Bar, ...]:
    """The bars in file order. Raises LedgerError for a missing, unknown or ill-typed key and for an id used twice."""
    bars = tuple(_bar(entry, path) for entry in tomllib.loads(path.read_text())["bar"])
    ids = [bar.id for bar in bars]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise LedgerError(f"{path.name}: bar {repeated[0]} stands there twice")
    return bars


def _bar(entry: Mapping[str, object], path: Path) -> Bar:
    name = entry.get("id", "without id")
    if set(entry) | {"note"} != {field.name for field in fields(Bar)}:
        differing = sorted((set(entry) | {"note"}) ^ {field.name for field in fields(Bar)})
        raise LedgerError(f"{path.name}: bar {name}: missing or unknown: {', '.join(differing)}")
    if entry["comparison"] not in COMPARISONS:
        raise LedgerError(f"{path.name}: bar {name}: comparison is one of {' '.join(COMPARISONS)}")
    limit = entry["bar"]
    if not isinstance(limit, int | float):
        raise LedgerError(f"{path.name}: bar {name}: bar is a number, not {limit!r}")
    text = {key: str(value) for key, value in entry.items() if key != "bar"}
    return Bar(bar=limit, **text)


def load_result(path: Path) -> Result:
    """One result file. Raises LedgerError when a field is missing or unknown."""
    content = json.loads(path.read_text())
    try:
        return Result(**content)
    except TypeError as error:
        raise LedgerError(f"{path.name}: {error}") from None


def judge(bars: tuple[Bar, ...], results_folder: Path) -> tuple[Verdict, ...]:
    """Each bar with its value from the results folder, in the order of the bars."""
    names = sorted({bar.result for bar in bars})  # details that a benchmark keeps beside its result aren't read
    results = {name: load_result(results_folder / name) for name in names if (results_folder / name).is_file()}
    verdicts = []
    for bar in bars:
        result = results.get(bar.result)
        value = result.values.get(bar.key) if result else None
        verdicts.append(Verdict(bar, value, result if value is not None else None))
    return tuple(verdicts)
