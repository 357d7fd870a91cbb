"""`asd-edge report`: the page shows what the work directory holds, names what it lacks, and needs nothing else."""

import json
import os
import re
import shutil
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asd_edge.cli import run
from asd_edge.diagnose.write_diagnosis import write_diagnosis
from asd_edge.errors import AsdEdgeError, EvaluationError, WorkDirectoryError
from asd_edge.evaluate.auc import auc
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.evaluate.evaluation import DataUsed
from asd_edge.evaluate.write_evaluation import write_evaluation
from asd_edge.report.machine_charts import roc_curve
from asd_edge.report.write_report import write_report
from tests.report.small_work import (
    LAYERS,
    MACHINES,
    RUNGS,
    diagnosis,
    evaluation,
    plan_content,
    profile_content,
    write_json,
    write_model,
    write_small_work,
)

SECTIONS = ("model", "data", "ladder", "roc", "scores", "machines", "attention", "damage", "boards", "plan", "obtained")
HOSTILE = "<script>window.injected=1</script>"
HOSTILE_MACHINES = (
    f"{HOSTILE.replace('/', '|')}/id_00",
    '"><img src=x onerror="injected=1">&amp;/id_01',
    "{{ 7 * 7 }}/\x07",
)
MOST_BYTES = 5_000_000


class Page(HTMLParser):
    """Ids, addresses, cells by section, and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self.words = ""
        self._section = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [found[name] or "" for name in ("src", "href", "action", "data", "srcset") if name in found]
        if tag == "section":
            self._section = found["id"] or ""
            self.ids.append(self._section)
        if tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        if tag in ("td", "th"):
            self.rows[self._section][-1].append("")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[self._section][-1][-1] += data
        self.words += data

    def row(self, section: str, *label: str) -> list[str]:
        """The cells after the label."""
        (found,) = [row for row in self.rows[section] if tuple(row[: len(label)]) == label]
        return found[len(label) :]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory that has everything that a report shows. Read only."""
    work = write_small_work(tmp_path_factory.mktemp("full") / "work")
    write_json(work / "plan-generic.json", plan_content())
    write_json(work / "profile-first.json", profile_content("first"))
    write_diagnosis(diagnosis(), work)
    (work / "explain-fan.png").write_bytes(png(8))
    write_report(work, work / "report.html")
    return work


def png(side: int, noise: bool = False) -> bytes:
    """A square picture; with noise nearly as large as its pixels."""
    generator = np.random.default_rng(0)
    rows = b"".join(b"\0" + (generator.bytes(3 * side) if noise else bytes(3 * side)) for _ in range(side))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in parts)
    return b"\x89PNG\r\n\x1a\n" + body


def page_of(work: Path) -> Page:
    return Page((work / "report.html").read_text(encoding="utf-8"))


def report_of(work: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((work / "report.json").read_text(encoding="utf-8"))
    return content


def test_every_section_is_there_and_nothing_is_absent(full: Path) -> None:
    page = page_of(full)
    assert tuple(page.ids) == SECTIONS
    assert report_of(full)["absent"] == []
    assert "Not here yet" not in page.words
    charts = 2 * len(MACHINES) + 5  # ROC curve and histogram of each; differences, SQNR, damage, boards, plan
    assert page.words.count("ROC curves") >= len(MACHINES)
    assert len(re.findall(r'<svg viewBox="[^"]*" role="img"', (full / "report.html").read_text())) == charts
    assert page.tags.count("img") == 1


def test_page_names_no_address_but_its_own_parts(full: Path) -> None:
    page, html = page_of(full), (full / "report.html").read_text()
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} == set(SECTIONS)
    assert "script" not in page.tags
    assert not re.search(r"https?:|//|@import|url\(", re.sub(r'base64,[^"]*', "", html))


def test_layers_stand_in_the_order_of_their_damage_with_their_repair(full: Path) -> None:
    page = page_of(full)
    rows = [row for row in page.rows["damage"] if row[0] in LAYERS]
    assert [row[0] for row in rows] == list(LAYERS[::-1])
    assert rows[0][3:5] == ["0.008", "-1.23"]
    assert rows[0][-2:] == ["distil", "its output is rounded"]
    assert "no layer stands out." in page.words
    assert "8 of 288 test clips" in page.words


def test_a_diagnosis_of_another_model_is_remarked(tmp_path: Path) -> None:
    work = write_small_work(tmp_path / "work", n_clips=4)
    write_diagnosis(replace(diagnosis(), files={"model.tflite": "0" * 64}), work)
    write_report(work, work / "report.html")
    assert "diagnosis.json is about another model.tflite" in page_of(work).words


def test_json_holds_the_records_as_their_stages_wrote_them(full: Path) -> None:
    report = report_of(full)
    names = ("evaluation", "thresholds", "export", "checkpoint", "diagnosis", "plan-generic", "profile-first")
    assert set(report["records"]) == {f"{name}.json" for name in names}
    for name, content in report["records"].items():
        assert content == json.loads((full / name).read_text())
    assert {row["file"] for row in report["obtained"]} <= set(report["files"])


def test_tables_show_the_evaluation_s_figures(full: Path) -> None:
    page, content = page_of(full), json.loads((full / "evaluation.json").read_text())
    assert page.row("ladder", "AUC") == [f"{100 * group['auc']:.2f}" for group in content["overall"]]
    assert page.row("ladder", "pAUC") == [f"{100 * group['pauc']:.2f}" for group in content["overall"]]
    for group, cell in list(zip(content["overall"], page.row("ladder", "AUC difference"), strict=True))[1:]:
        found = group["auc_difference"]
        value, low, high = (f"{100 * found[name]:+.2f}" for name in ("value", "low", "high"))
        assert cell.replace("+0.00", "-0.00") == f"{value} [{low}, {high}]".replace("+0.00", "-0.00")
    for machine in content["machines"]:
        cells = page.row("machines", f"{machine['machine_type']}/{machine['machine_id']}", machine["rung"])
        assert cells[:2] == [f"{100 * machine['auc']:.2f}", f"{100 * machine['pauc']:.2f}"]
        assert cells[-2:] == [str(machine["normal_clips"]), str(machine["anomaly_clips"])]


def test_alarms_are_the_test_clips_above_each_threshold(full: Path) -> None:
    page, rung = page_of(full), RUNGS[-1]
    thresholds = json.loads((full / "thresholds.json").read_text())["rungs"][rung]
    rows = [row for row in evaluation().rows if row.rung == rung]
    for machine in MACHINES[:-1]:
        cells = page.row("scores", machine)
        expected = []
        for value in (thresholds[machine]["gamma"]["threshold"], thresholds[machine]["percentile"]):
            for label in ("normal", "anomaly"):
                clips = [r for r in rows if f"{r.machine_type}/{r.machine_id}" == machine and r.label == label]
                expected.append(f"{sum(row.score > value for row in clips)} of {len(clips)}")
        assert cells[3:] == expected
    assert page.row("scores", MACHINES[-1])[0] == "0"


@pytest.mark.parametrize(
    ("record", "present"), [("checkpoint.json", "model"), ("export.json", "model"), (None, "model")]
)
def test_what_is_absent_is_named_with_its_command_and_never_drawn(
    tmp_path: Path, record: str | None, present: str
) -> None:
    work = write_model(tmp_path / "work")
    for name in ("checkpoint.json", "export.json"):
        if record is not None and name != record:
            (work / name).unlink()
    write_report(work, work / "report.html")
    page, report = page_of(work), report_of(work)
    assert tuple(page.ids) == SECTIONS
    has_export = record != "checkpoint.json"
    sections = {absent["section"] for absent in report["absent"]}
    assert sections == set(SECTIONS) - {"obtained", present} | (set() if has_export else {"model"})
    for absent in report["absent"]:
        assert absent["what"] in page.words
        assert absent["command"] in page.words
        assert absent["command"].startswith("asd-edge ")
    assert len(re.findall(r'role="img"', (work / "report.html").read_text())) == int(has_export)  # SQNR of export.json


def test_files_of_the_real_stages_are_shown(tmp_path: Path, tiny_work: Path, tiny_clips: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(tiny_work, work)
    found = evaluate_work(work, tiny_clips, ("onnx", "tflite"))
    written = write_report(work, work / "report.html")
    assert written.remarks == ()
    page = page_of(work)
    assert page.row("ladder", "AUC") == [f"{100 * group.auc:.2f}" for group in found.figures.overall]
    assert page.row("data", "test") == [tiny_clips.name, "24 of 24 clips"]
    assert {absent["section"] for absent in report_of(work)["absent"]} == {"attention", "damage", "boards", "plan"}


def test_directory_without_anything_to_show_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkDirectoryError, match=r"run asd-edge train or export first"):
        write_report(tmp_path, tmp_path / "report.html")
    with pytest.raises(WorkDirectoryError, match="no such directory"):
        write_report(tmp_path / "none", tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_same_files_give_the_same_bytes(full: Path, tmp_path: Path) -> None:
    write_report(full, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (full / "report.html").read_bytes()
    assert (tmp_path / "again.json").read_bytes() == (full / "report.json").read_bytes()


def test_hostile_names_stay_words(tmp_path: Path) -> None:
    work = write_small_work(tmp_path / HOSTILE.replace("/", "|"), HOSTILE_MACHINES, n_clips=4)
    write_json(work / "profile-x.json", {**profile_content(HOSTILE), "command": HOSTILE})
    plan = plan_content()
    plan["steps"][0]["name"] = HOSTILE
    write_json(work / f"plan-{HOSTILE.replace('/', '|')}.json", plan)
    (work / "explain-\"onerror='injected=1'.png").write_bytes(png(4))
    (work / os.fsdecode(b"explain-\xff.png")).write_bytes(png(4))
    write_report(work, work / "report.html")
    page = page_of(work)
    assert "script" not in page.tags
    assert page.tags.count("img") == 2
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert HOSTILE_MACHINES[1] in [row[0] for row in page.rows["machines"]]
    assert HOSTILE_MACHINES[2] in [row[0] for row in page.rows["machines"]]
    assert HOSTILE in [row[0] for row in page.rows["boards"]]


def test_page_of_a_large_evaluation_stays_small(tmp_path: Path) -> None:
    machines = tuple(f"type{index % 6}/id_{index:02d}" for index in range(42))
    work = write_model(tmp_path / "work")
    found = evaluation(machines, n_clips=100, rungs=RUNGS[:2])
    write_evaluation(found, work)
    for name in ("a", "b", "c"):
        (work / f"explain-{name}.png").write_bytes(png(700, noise=True))  # 1.5 MB each
    write_report(work, work / "report.html")
    assert (work / "report.html").stat().st_size < MOST_BYTES
    page = page_of(work)
    assert page.tags.count("img") == 2
    assert "Left out, for a page below 5 MB: explain-c.png." in page.words


def test_thresholds_that_are_missing_are_named(tmp_path: Path) -> None:
    work = write_small_work(tmp_path / "work", n_clips=4)
    (work / "thresholds.json").unlink()
    write_report(work, work / "report.html")
    assert [absent["section"] for absent in report_of(work)["absent"]].count("scores") == 1
    assert page_of(work).rows.get("scores", []) == []


def test_file_of_another_model_is_remarked(tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_evaluation(replace(evaluation(n_clips=4), files={"model.tflite": "0" * 64}), work)
    written = write_report(work, work / "report.html")
    assert [remark.split(";")[0] for remark in written.remarks] == [
        "evaluation.json is about another model.tflite than the one in this directory",
        "thresholds.json is about another model.tflite than the one in this directory",
    ]
    assert all(remark in page_of(work).words for remark in written.remarks)


def test_scores_of_another_evaluation_are_refused(tmp_path: Path) -> None:
    work = write_small_work(tmp_path / "work", n_clips=6)
    other = write_small_work(tmp_path / "other", n_clips=5)
    (work / "scores.csv").write_bytes((other / "scores.csv").read_bytes())
    with pytest.raises(EvaluationError, match="are of different runs"):
        write_report(work, work / "report.html")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("evaluation.json", "{", "damaged"),
        ("evaluation.json", "[]", "no JSON object"),
        ("evaluation.json", '{"format": "asd-edge evaluation 1"}', "date: field required"),
        ("evaluation.json", '{"format": "another 1"}', "its format is 'another 1'"),
        ("export.json", '{"format": NaN}', "NaN is no number"),
        ("thresholds.json", '{"format": "\\ud800"}', "surrogates not allowed"),
        ("plan-dsp.json", '{"core": "dsp", "is_endless": 3}', "is_endless"),
        ("profile-x.json", "[" * 100_000, "damaged"),
        (
            "diagnosis.json",
            '{"format": "asd-edge diagnosis 1", "date": "", "asd_edge": "", "layers": [{}]}',
            "score_kind",
        ),
        ("scores.csv", "rung,clip", "its first line"),
    ],
)
def test_damaged_file_is_refused_by_name(tmp_path: Path, name: str, content: str, message: str) -> None:
    work = write_small_work(tmp_path / "work", n_clips=4)
    (work / name).write_text(content)
    with pytest.raises(AsdEdgeError, match=message) as refused:
        write_report(work, work / "report.html")
    assert name in str(refused.value)
    assert "run asd-edge" in str(refused.value)
    assert not (work / "report.html").exists()


@pytest.mark.parametrize("seed", range(5))
def test_area_below_the_roc_curve_is_the_auc_with_ties(seed: int) -> None:
    generator = np.random.default_rng(seed)
    normal = generator.integers(0, 8, 30).astype(np.float64)
    anomaly = generator.integers(2, 10, 20).astype(np.float64)
    false_alarms, hits = roc_curve(normal, anomaly)
    assert (false_alarms[0], hits[0], false_alarms[-1], hits[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.trapezoid(hits, false_alarms) == pytest.approx(auc(normal, anomaly), abs=1e-12)


def test_command_writes_beside_the_work_and_says_what_is_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = write_small_work(tmp_path / "work", n_clips=4)
    assert run(["report", str(work)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [str(work / "report.html"), str(work / "report.json")]
    assert [line for line in lines if "asd-edge compile" in line] != []
    assert run(["report", str(work), "-o", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"), [(["-o", "report.json"], "no .html file"), ([], "no such directory")]
)
def test_command_refuses_in_one_line(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(tmp_path / "none"), *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_data_of_one_evaluation_names_clips_scored_of_available(tmp_path: Path) -> None:
    work = write_model(tmp_path / "work")
    write_evaluation(replace(evaluation(n_clips=4), data=DataUsed("a b", "cd" * 32, 48, 60)), work)
    write_report(work, work / "report.html")
    words = page_of(work).words
    assert "48 of 60 test clips scored" in words
    assert "asd-edge evaluate WORK --data 'a b' --backends torch,tflite,reference --sqnr" in words
