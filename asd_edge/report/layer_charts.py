"""Layers -> bars: what int8 leaves of the signal, and what a stream plan keeps in memory and computes."""

from collections.abc import Mapping

from asd_edge.report.section import LegendEntry
from asd_edge.report.stage_records import StreamPlan
from asd_edge.report.svg_chart import Scale, SvgChart, clipped, ticks

PLAN_LEGEND = (
    LegendEntry("normal-area", "state, kept from hop to hop"),
    LegendEntry("anomaly-area", "scratch, while the step runs"),
    LegendEntry("rung-area", "multiply-accumulates"),
)
_WIDTH, _ROW, _LEFT, _TOP = 760, 15, 235, 30
_LABEL_CHARACTERS = 32


def sqnr_chart(sqnr_db: Mapping[str, float | None], n_marked: int) -> str:
    """One bar per activation; the `n_marked` lowest stand out; None, where int8 is exact, has a word instead."""
    height = _TOP + _ROW * len(sqnr_db) + 6
    chart = SvgChart(_WIDTH, height, "Signal-to-quantization-noise ratio per activation")
    known = {name: value for name, value in sqnr_db.items() if value is not None}
    marked = sorted(known, key=known.__getitem__)[:n_marked]
    low = min((0.0, *known.values()))
    x = Scale(low, max((1.0, *known.values())), _LEFT, _WIDTH - 50)
    for tick in ticks(x.low, x.high, 8):
        chart.line((x(tick), _TOP - 6), (x(tick), height - 6), "grid")
        chart.text(x(tick), _TOP - 10, f"{tick:g} dB", anchor="middle")
    for index, (name, value) in enumerate(sqnr_db.items()):
        y = _TOP + _ROW * index
        chart.text(_LEFT - 8, y + 11, clipped(name, _LABEL_CHARACTERS), anchor="end")
        if value is None:
            chart.text(x(0) + 4, y + 11, "exact")
            continue
        left, right = sorted((x(0), x(value)))
        chart.rect(left, y + 2, right - left, _ROW - 4, "anomaly-area" if name in marked else "normal-area", name)
        chart.text(right + 4, y + 11, f"{value:.1f}")
    return chart.markup()


def plan_chart(plan: StreamPlan) -> str:
    """One row per computing step: bytes on the left, multiply-accumulates per hop on the right, how often it runs."""
    steps = [step for step in plan.steps if step.op != "store"]
    height = _TOP + _ROW * len(steps) + 6
    width, bytes_end, macs_start = 960, 500, 545
    chart = SvgChart(width, height, f"Stream plan for {plan.core}")
    n_bytes = Scale(0.0, max((1, *(step.state_bytes + step.scratch_bytes for step in steps))), _LEFT, bytes_end)
    per_hop = [step.macs / step.hops_per_firing for step in steps]
    n_macs = Scale(0.0, max((1.0, *per_hop)), macs_start, 760)
    for scale, most, unit in ((n_bytes, 5, "B"), (n_macs, 4, "")):
        for tick in ticks(scale.low, scale.high, most):
            chart.line((scale(tick), _TOP - 6), (scale(tick), height - 6), "grid")
            chart.text(scale(tick), _TOP - 10, _short(tick) + unit, anchor="middle")
    chart.text(790, _TOP - 10, "runs", "title")
    for index, (step, macs) in enumerate(zip(steps, per_hop, strict=True)):
        y = _TOP + _ROW * index
        words = f"{step.name}: {step.op}, state {step.state_bytes:,} B, scratch {step.scratch_bytes:,} B"
        chart.text(_LEFT - 8, y + 11, clipped(step.name, _LABEL_CHARACTERS), anchor="end")
        middle = n_bytes(step.state_bytes)
        chart.rect(_LEFT, y + 2, middle - _LEFT, _ROW - 4, "normal-area", words)
        chart.rect(middle, y + 2, n_bytes(step.state_bytes + step.scratch_bytes) - middle, _ROW - 4, "anomaly-area")
        chart.rect(macs_start, y + 2, n_macs(macs) - macs_start, _ROW - 4, "rung-area", f"{macs:,.0f} per hop")
        every = "every hop" if step.hops_per_firing == 1 else f"every {step.hops_per_firing:g} hops"
        chart.text(790, y + 11, every + (f", {step.delay} late" if step.delay else ""))
    return chart.markup()


def _short(value: float) -> str:
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g} {unit}"
    return f"{value:g} "
