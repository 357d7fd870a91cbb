"""Scores of one machine -> its ROC curve on two rungs, and its histogram with the thresholds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asd_edge.evaluate.bootstrap import MachineScores
from asd_edge.evaluate.thresholds import MachineThreshold
from asd_edge.report.section import LegendEntry
from asd_edge.report.svg_chart import Scale, SvgChart, clipped, ticks

WIDTH, HEIGHT = 260, 200
N_BINS = 24
ROC_STYLES = ("first-line", "rung-line")
HISTOGRAM_LEGEND = (
    LegendEntry("normal-area", "normal test clips"),
    LegendEntry("anomaly-area", "anomalous test clips"),
    LegendEntry("gamma-line", "threshold, gamma fit"),
    LegendEntry("percentile-line", "threshold, percentile"),
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 10, 24, 32
_TITLE_CHARACTERS = 27

FloatArray = NDArray[np.float64]


def roc_curve(normal: FloatArray, anomaly: FloatArray) -> tuple[FloatArray, FloatArray]:
    """False-alarm and hit rate, both from 0 to 1, as the threshold falls: straight across a tie, so that the area is
    the AUC that counts ties one half.
    """
    falling = np.unique(np.concatenate([normal, anomaly]))[::-1]
    rates = [1.0 - np.searchsorted(np.sort(scores), falling, side="left") / scores.size for scores in (normal, anomaly)]
    false_alarms, hits = (np.concatenate([[0.0], rate]) for rate in rates)
    return false_alarms, hits


def roc_chart(title: str, scores: MachineScores, rows: Sequence[int], max_fpr: float) -> str:
    """One line per row of the scores; the part left of `max_fpr`, which pAUC counts, is shaded."""
    chart = SvgChart(WIDTH, HEIGHT, f"{title}: ROC curves")
    x, y = Scale(0.0, 1.0, _LEFT, WIDTH - _RIGHT), Scale(0.0, 1.0, HEIGHT - _BOTTOM, _TOP)
    chart.text(_LEFT, 14, clipped(title, _TITLE_CHARACTERS), "title")
    chart.rect(x(0), y(1), x(max_fpr) - x(0), y(0) - y(1), "shade")
    for tick in (0.0, 0.5, 1.0):
        chart.line((x(0), y(tick)), (x(1), y(tick)), "grid")
        chart.line((x(tick), y(0)), (x(tick), y(1)), "grid")
        chart.text(x(0) - 5, y(tick) + 4, f"{tick:g}", anchor="end")
        chart.text(x(tick), y(0) + 14, f"{tick:g}", anchor="end" if tick == 1 else "middle")
    chart.text(x(0.5), HEIGHT - 4, "false alarms of normal clips", anchor="middle")
    chart.line((x(0), y(0)), (x(1), y(1)), "chance-line")
    for row, style in zip(rows, ROC_STYLES, strict=False):
        false_alarms, hits = roc_curve(scores.normal[row], scores.anomaly[row])
        chart.path([(x(rate), y(hit)) for rate, hit in zip(false_alarms, hits, strict=True)], style)
    return chart.markup()


def histogram_chart(
    title: str, normal: FloatArray, anomaly: FloatArray, threshold: MachineThreshold | None, unit: str
) -> str:
    """The share of the clips of each class over the score; bars of both start at zero and show through."""
    chart = SvgChart(WIDTH, HEIGHT, f"{title}: scores")
    lines = [] if threshold is None else [(threshold.percentile, "percentile-line")]
    if threshold is not None and threshold.gamma is not None:
        lines.append((threshold.gamma.threshold, "gamma-line"))
    values = np.concatenate([normal, anomaly, [value for value, _ in lines]])
    low, high = float(values.min()), float(values.max())
    margin = 0.03 * (high - low) or 0.5
    edges = np.linspace(low - margin, high + margin, N_BINS + 1)
    shares = [np.histogram(scores, edges)[0] / scores.size for scores in (normal, anomaly)]
    top = float(max(share.max() for share in shares))

    x = Scale(float(edges[0]), float(edges[-1]), _LEFT, WIDTH - _RIGHT)
    y = Scale(0.0, 1.08 * top, HEIGHT - _BOTTOM, _TOP)
    chart.text(_LEFT, 14, clipped(title, _TITLE_CHARACTERS), "title")
    for tick in ticks(0.0, top, 4):
        chart.line((_LEFT, y(tick)), (WIDTH - _RIGHT, y(tick)), "grid")
        chart.text(_LEFT - 5, y(tick) + 4, f"{100 * tick:g}", anchor="end")
    for tick in ticks(x.low, x.high, 5):
        near_edge = x(tick) > WIDTH - _RIGHT - 12
        chart.text(x(tick), y(0) + 14, f"{tick:g}", anchor="end" if near_edge else "middle")
    chart.text((x(x.low) + x(x.high)) / 2, HEIGHT - 4, f"score, {unit}; % of the class", anchor="middle")
    for share, style in zip(shares, ("normal-area", "anomaly-area"), strict=True):
        for index in np.flatnonzero(share):
            left, right = x(float(edges[index])), x(float(edges[index + 1]))
            height = y(0) - y(float(share[index]))
            chart.rect(left, y(0) - height, right - left, height, style)
    for value, style in lines:
        chart.line((x(value), y(0)), (x(value), y(1.08 * top)), style)
    return chart.markup()
