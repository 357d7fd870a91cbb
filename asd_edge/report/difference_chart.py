"""Differences with their intervals -> a picture of one row each, and the margin that they have to stay within."""

from collections.abc import Sequence
from dataclasses import dataclass

from asd_edge.evaluate.figures import Difference
from asd_edge.report.figure_text import difference_words
from asd_edge.report.section import LegendEntry
from asd_edge.report.svg_chart import Scale, SvgChart, clipped, ticks

DIFFERENCE_LEGEND = (
    LegendEntry("rung-area", "difference"),
    LegendEntry("whisker", "95 % interval"),
    LegendEntry("shade", "allowed"),
)
_WIDTH, _ROW, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 18, 170, 180, 8, 34
_LABEL_CHARACTERS = 20


@dataclass(frozen=True)
class DifferenceRow:
    """One row; `is_strong`: the one that counts."""

    label: str
    difference: Difference
    is_strong: bool = False


def difference_chart(title: str, rows: Sequence[DifferenceRow], margin: float) -> str:
    """Fractions of 1 in, percentage points out; an open circle has no interval."""
    height = _TOP + _ROW * len(rows) + _BOTTOM
    chart = SvgChart(_WIDTH, height, title)
    reach = 1.1 * max((2 * margin, *(abs(value) for row in rows for value in _extent(row.difference))))
    x = Scale(-reach, reach, _LEFT, _WIDTH - _RIGHT)
    bottom = height - _BOTTOM
    chart.rect(x(-margin), _TOP, x(margin) - x(-margin), bottom - _TOP, "shade")
    for tick in ticks(-100 * reach, 100 * reach, 9):
        chart.line((x(tick / 100), _TOP), (x(tick / 100), bottom), "axis" if tick == 0 else "grid")
        chart.text(x(tick / 100), bottom + 14, f"{tick:+g}" if tick else "0", anchor="middle")
    chart.text(x(0), height - 4, "percentage points", anchor="middle")
    for index, row in enumerate(rows):
        y = _TOP + _ROW * (index + 0.5)
        style = "title" if row.is_strong else ""
        chart.text(_LEFT - 8, y + 4, clipped(row.label, _LABEL_CHARACTERS), style, anchor="end")
        low, high = row.difference.low, row.difference.high
        if low is not None and high is not None:
            chart.line((x(low), y), (x(high), y), "whisker")
        chart.circle(x(row.difference.value), y, 4, "rung-area" if low is not None else "open")
        chart.text(_WIDTH - _RIGHT + 10, y + 4, difference_words(row.difference), style)
    return chart.markup()


def _extent(difference: Difference) -> tuple[float, ...]:
    return tuple(value for value in (difference.value, difference.low, difference.high) if value is not None)
