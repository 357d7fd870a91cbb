"""What a report is made of: sections of words, tables and pictures, each with where its figures come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Cells are plain text; the first `n_label_columns` are set left, the others, numbers, right; `strong` rows stand
    out.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_label_columns: int = 1
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True)
class LegendEntry:
    """`style` is the CSS class that draws it, in a chart as in the legend."""

    style: str
    words: str


@dataclass(frozen=True)
class Charts:
    """SVG elements side by side; `is_wide`: each takes the whole width and scrolls on a narrow screen."""

    title: str
    svgs: tuple[str, ...]
    legend: tuple[LegendEntry, ...] = ()
    is_wide: bool = False


@dataclass(frozen=True)
class Picture:
    """A PNG inside the page."""

    title: str
    base64: str


@dataclass(frozen=True)
class Source:
    """How figures were obtained."""

    file: str
    command: str
    clips: str = ""
    when: str = ""
    versions: str = ""


@dataclass(frozen=True)
class Absent:
    """What isn't there yet, and the command that makes it."""

    what: str
    command: str


@dataclass(frozen=True)
class Section:
    """One chapter; `key` names it in links and in report.json."""

    key: str
    title: str
    words: tuple[str, ...] = ()
    parts: tuple[Table | Charts | Picture, ...] = ()
    sources: tuple[Source, ...] = ()
    absent: tuple[Absent, ...] = ()
