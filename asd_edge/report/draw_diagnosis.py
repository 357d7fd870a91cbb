"""A diagnosis -> WORK/diagnosis.svg, the report's chart of it as a picture of its own."""

from pathlib import Path

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.diagnose.diagnosis import Diagnosis
from asd_edge.report.damage_chart import damage_chart

DIAGNOSIS_PICTURE = "diagnosis.svg"
_STYLE_SHEET = Path(__file__).with_name("templates") / "report.css"


def draw_diagnosis(diagnosis: Diagnosis, work: Path) -> Path:
    """The file written. Raises WorkDirectoryError where `work` can't be written."""
    style = f"<style>{_STYLE_SHEET.read_text(encoding='utf-8')} svg {{ background: var(--page); }}</style>"
    start, end = damage_chart(diagnosis).split(">", 1)
    start = start.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_text_atomically(work / DIAGNOSIS_PICTURE, f"{start}>{style}{end}\n")
    return work / DIAGNOSIS_PICTURE
