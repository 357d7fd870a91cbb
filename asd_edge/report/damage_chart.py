"""A diagnosis -> bars: what each layer does alone in int8, and what is left of int8's damage without it."""

from asd_edge.diagnose.diagnosis import Diagnosis
from asd_edge.report.svg_chart import Scale, SvgChart, clipped, ticks

_WIDTH, _ROW, _LEFT, _TOP = 760, 18, 235, 56
_LABEL_CHARACTERS = 32
_ALONE, _ALL_BUT, _ALL = "normal-area", "anomaly-area", "first-line"


def damage_measure(diagnosis: Diagnosis) -> str:
    """What layers are ranked by, in words."""
    return "relative error" if diagnosis.int8.cosine_mean is None else "1 - cosine"


def damage_chart(diagnosis: Diagnosis) -> str:
    """One row per layer in execution order, two bars each; a line where everything in int8 stands; its own legend, so
    that it can stand alone.
    """
    height = _TOP + _ROW * len(diagnosis.layers) + 6
    chart = SvgChart(_WIDTH, height, f"Damage per layer: {damage_measure(diagnosis)} of the output")
    errors = [damage.error for layer in diagnosis.layers for damage in (layer.alone, layer.all_but)]
    x = Scale(0.0, max((1e-9, diagnosis.int8.error, *errors)), _LEFT, _WIDTH - 50)
    for style, left, words in ((_ALONE, _LEFT, "layer alone in int8"), (_ALL_BUT, _LEFT + 160, "all but it in int8")):
        chart.rect(left, 5, 24, 8, style)
        chart.text(left + 30, 13, words)
    chart.line((_LEFT + 320, 9), (_LEFT + 344, 9), _ALL)
    chart.text(_LEFT + 350, 13, "all in int8")
    for tick in ticks(x.low, x.high, 8):
        chart.line((x(tick), _TOP - 6), (x(tick), height - 6), "grid")
        chart.text(x(tick), _TOP - 10, f"{tick:g}", anchor="middle")
    for index, layer in enumerate(diagnosis.layers):
        y = _TOP + _ROW * index
        chart.text(_LEFT - 8, y + 12, clipped(layer.name, _LABEL_CHARACTERS), anchor="end")
        bars = ((layer.alone, _ALONE, y + 2), (layer.all_but, _ALL_BUT, y + 9))
        for damage, style, top in bars:
            chart.rect(_LEFT, top, x(max(damage.error, 0.0)) - _LEFT, 6, style, f"{layer.name}: {damage.error:.2g}")
    at = x(max(diagnosis.int8.error, 0.0))
    chart.line((at, _TOP - 6), (at, height - 6), _ALL)
    return chart.markup()
