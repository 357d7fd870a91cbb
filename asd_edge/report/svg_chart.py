"""Lines, rectangles and words -> one inline SVG element; colours come from the page's style sheet, by class.

Text is escaped by ElementTree. Coordinates are in pixels of the element's own view box, rounded to a tenth.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """A value between `low` and `high` -> a place between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


class SvgChart:
    """Collects the elements of one picture."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._root = ElementTree.Element(
            "svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "style": f"--width:{width:g}px"}
        )
        ElementTree.SubElement(self._root, "title").text = title

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "start") -> None:
        place = {"x": _place(x), "y": _place(y), "text-anchor": anchor, "class": style}
        ElementTree.SubElement(self._root, "text", place).text = _printable(words)

    def line(self, start: Point, end: Point, style: str) -> None:
        self.path([start, end], style)

    def rect(self, x: float, y: float, width: float, height: float, style: str, tip: str = "") -> None:
        """`tip` appears when the pointer rests on it."""
        place = {"x": _place(x), "y": _place(y), "width": _place(max(width, 0)), "height": _place(max(height, 0))}
        element = ElementTree.SubElement(self._root, "rect", {**place, "class": style})
        if tip:
            ElementTree.SubElement(element, "title").text = _printable(tip)

    def circle(self, x: float, y: float, radius: float, style: str) -> None:
        place = {"cx": _place(x), "cy": _place(y), "r": _place(radius), "class": style}
        ElementTree.SubElement(self._root, "circle", place)

    def path(self, points: Sequence[Point], style: str) -> None:
        """A broken line through the points; points that round to the same place are drawn once."""
        places = [f"{_place(x)} {_place(y)}" for x, y in points]
        kept = [place for index, place in enumerate(places) if index == 0 or place != places[index - 1]]
        ElementTree.SubElement(self._root, "path", {"d": "M" + "L".join(kept), "class": style})

    def markup(self) -> str:
        return ElementTree.tostring(self._root, encoding="unicode")


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Round numbers from `low` to `high`, at most `most`, in steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(
        factor * power
        for factor in (1, 2, 5, 10, 20, 50, 100)
        if math.floor(high / (factor * power)) - math.ceil(low / (factor * power)) + 1 <= most
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def clipped(words: str, n_characters: int) -> str:
    """The words, their middle left out where they are too long."""
    if len(words) <= n_characters:
        return words
    head = (n_characters - 1) // 2
    return f"{words[:head]}…{words[len(words) - (n_characters - 1 - head) :]}"


def _place(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}"


def _printable(words: str) -> str:
    """XML 1.0 has no control characters."""
    return "".join(character if character.isprintable() else "\ufffd" for character in words)
