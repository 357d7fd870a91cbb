"""The ledger judges honestly: a miss stays visible, a bar without a value fails, BENCHMARKS.md is what was built."""

import json
from pathlib import Path

import pytest

from tests.bars import build_benchmarks
from tests.bars.ledger import Bar, LedgerError, Result, Verdict, judge, load_bars, load_result

ENTRY = """
[[bar]]
id = "x.size"
stage = "x"
words = "size"
comparison = "<="
bar = 1_000_000
unit = "bytes"
command = "make bench-x"
result = "x.json"
key = "bytes"
"""


def _bar(comparison: str, limit: float) -> Bar:
    return Bar("x.size", "x", "size", comparison, limit, "bytes", "make bench-x", "x.json", "bytes")


def _result(value: float) -> Result:
    return Result({"bytes": value}, "2026-11-22", "0123456789ab", {"cpu": "c", "cores": 2}, 64, 2160, "00")


@pytest.mark.parametrize(
    ("comparison", "limit", "value", "kept"),
    [
        ("<", 360, 359.9, True),
        ("<", 360, 360, False),
        ("<=", 4, 4, True),
        ("<=", 4, 5, False),
        ("==", 0, 0, True),
        ("==", 0, 1, False),
        (">=", 0.75, 0.75, True),
        (">=", 0.75, 0.74, False),
        (">", 1, 1, False),
        ("<", 360, float("nan"), False),
    ],
)
def test_a_value_is_judged_as_the_bar_says(comparison: str, limit: float, value: float, kept: bool) -> None:
    assert Verdict(_bar(comparison, limit), value, _result(value)).is_kept is kept


def test_a_bar_without_a_value_is_not_kept() -> None:
    assert not Verdict(_bar("<", 1), None, None).is_kept


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ENTRY + ENTRY, "twice"),
        (ENTRY.replace('unit = "bytes"\n', ""), "unit"),
        (ENTRY + 'hint = "?"\n', "hint"),
        (ENTRY.replace("<=", "around"), "comparison"),
        (ENTRY.replace("1_000_000", '"1 MB"'), "number"),
    ],
)
def test_a_badly_written_bar_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bars.toml"
    path.write_text(text)
    with pytest.raises(LedgerError, match=complaint):
        load_bars(path)


def test_a_result_without_its_commit_is_refused(tmp_path: Path) -> None:
    content = {**vars(_result(1))}
    del content["commit"]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    with pytest.raises(LedgerError, match="commit"):
        load_result(path)


def test_a_key_that_the_result_lacks_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({**vars(_result(1)), "values": {"other": 1}}))
    assert judge((_bar("<", 1),), tmp_path)[0].value is None


@pytest.mark.parametrize(
    ("value", "shown", "exit_code"),
    [(968_336, "| 968,336 bytes | kept | 64 of 2160 |", 0), (1_082_000, "| 1,082,000 bytes | **missed** |", 0)],
)
def test_benchmarks_show_a_kept_and_a_missed_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, shown: str, exit_code: int
) -> None:
    assert _build(tmp_path, monkeypatch, json.dumps(vars(_result(value)))) == exit_code
    assert shown in (tmp_path / "BENCHMARKS.md").read_text()


def test_the_note_of_a_missed_bar_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missed, entry = json.dumps(vars(_result(2_000_000))), ENTRY + 'note = "too long a name; shortened twice"\n'
    monkeypatch.setattr("tests.bars.test_ledger.ENTRY", entry)
    assert _build(tmp_path, monkeypatch, missed) == 0
    assert "- size: too long a name; shortened twice" in (tmp_path / "BENCHMARKS.md").read_text()


def test_building_fails_on_a_bar_without_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _build(tmp_path, monkeypatch, None) == 1
    assert "**no value**" in (tmp_path / "BENCHMARKS.md").read_text()


def _build(folder: Path, monkeypatch: pytest.MonkeyPatch, result: str | None) -> int:
    (folder / "bars.toml").write_text(ENTRY)
    (folder / "results").mkdir()
    if result is not None:
        (folder / "results/x.json").write_text(result)
    monkeypatch.setattr(build_benchmarks, "BARS", folder / "bars.toml")
    monkeypatch.setattr(build_benchmarks, "RESULTS", folder / "results")
    monkeypatch.setattr(build_benchmarks, "BENCHMARKS", folder / "BENCHMARKS.md")
    return build_benchmarks.main()


def test_benchmarks_md_is_what_make_bars_builds_from_the_committed_results() -> None:
    verdicts = judge(load_bars(build_benchmarks.BARS), build_benchmarks.RESULTS)
    assert build_benchmarks.BENCHMARKS.read_text() == build_benchmarks.benchmarks_text(verdicts), "run `make bars`"


def test_every_bar_names_a_make_target_that_exists() -> None:
    makefile = (build_benchmarks.ROOT / "Makefile").read_text()
    for bar in load_bars(build_benchmarks.BARS):
        program, target = bar.command.split()
        assert program == "make"
        assert f"\n{target}:" in makefile, f"{bar.id}: no target {target}"
