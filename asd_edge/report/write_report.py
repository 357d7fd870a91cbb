"""A work directory -> report.html, one page that needs nothing else, and report.json, the same figures for programs.

The same files give the same bytes: a report has no date of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from asd_edge import __version__
from asd_edge.clip.atomic_write import write_bytes_atomically, write_text_atomically
from asd_edge.export.work_files import TFLITE_FILE
from asd_edge.report.board_section import board_section
from asd_edge.report.figure_text import bytes_words, difference_words, percent
from asd_edge.report.ladder_section import ladder_section
from asd_edge.report.machine_sections import machine_section, roc_section, score_section
from asd_edge.report.model_sections import data_section, model_section
from asd_edge.report.network_sections import attention_section, damage_section, plan_section
from asd_edge.report.section import Absent, Section, Source
from asd_edge.report.work_contents import WorkContents, load_work

REPORT_FILE, REPORT_FORMAT = "report.html", "asd-edge report 1"
SECTIONS = (
    model_section,
    data_section,
    ladder_section,
    roc_section,
    score_section,
    machine_section,
    attention_section,
    damage_section,
    board_section,
    plan_section,
)


@dataclass(frozen=True)
class WrittenReport:
    """The files, and what they couldn't show yet."""

    html: Path
    json: Path
    remarks: tuple[str, ...]
    absent: tuple[Absent, ...]


def write_report(work_dir: Path, html: Path) -> WrittenReport:
    """Write `html` and beside it the .json of the same name.

    Raises WorkDirectoryError for a directory with nothing to show, a damaged file or an output that can't be written,
    and EvaluationError where scores and evaluation don't belong together. Nothing is written then.
    """
    work = load_work(work_dir)
    sections = tuple(make_section(work) for make_section in SECTIONS)
    page, content = report_html(work, sections), report_json(work, sections)
    write_bytes_atomically(html, page.encode("utf-8", "replace"))  # a file name may hold anything
    write_text_atomically(html.with_suffix(".json"), content)
    absent = tuple(absent for section in sections for absent in section.absent)
    return WrittenReport(html, html.with_suffix(".json"), work.remarks, absent)


def report_html(work: WorkContents, sections: tuple[Section, ...]) -> str:
    """The page; every word that comes from a file is escaped."""
    loader = PackageLoader("asd_edge.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, _, _ = loader.get_source(environment, "report.css")
    obtained: dict[Source, list[str]] = {}
    for section in sections:
        for source in section.sources:
            obtained.setdefault(source, []).append(section.title)
    return environment.get_template("report.html.j2").render(
        work=work,
        sections=sections,
        tiles=tuple(_tiles(work)),
        obtained=tuple(obtained.items()),
        style=style,
        version=__version__,
    )


def report_json(work: WorkContents, sections: tuple[Section, ...]) -> str:
    """The records as their stages wrote them, the files by hash, how figures were obtained and what is absent."""
    content = {
        "format": REPORT_FORMAT,
        "asd_edge": __version__,
        "work": work.name,
        "files": {name: asdict(facts) for name, facts in work.files.items()},
        "remarks": list(work.remarks),
        "absent": [{"section": s.key, **asdict(absent)} for s in sections for absent in s.absent],
        "obtained": [{"section": s.key, **asdict(source)} for s in sections for source in s.sources],
        "records": dict(work.json),
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _tiles(work: WorkContents) -> Iterator[tuple[str, str]]:
    evaluation = work.evaluation
    if evaluation is not None:
        first, last = evaluation.overall[0], evaluation.overall[-1]
        yield f"AUC, {first.rung}", f"{percent(first.auc)} %"
        if last is not first:
            yield f"AUC, {last.rung}", f"{percent(last.auc)} %"
            yield "difference, pp", difference_words(last.auc_difference)
            yield f"parity with {first.rung}", "kept" if evaluation.verdict.passed else "NOT kept"
        yield "test clips", f"{evaluation.data.clips_scored} of {evaluation.data.clips_available}"
    if TFLITE_FILE in work.files:
        yield f"{TFLITE_FILE}, bytes", bytes_words(work.files[TFLITE_FILE].n_bytes)
