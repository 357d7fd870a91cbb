"""Profiles of boards -> memory, time and energy side by side, each against the board's own limit."""

from collections.abc import Iterator

from asd_edge.report.board_profile import BoardProfile, ProfileFigure
from asd_edge.report.figure_text import ABSENT
from asd_edge.report.section import Absent, Charts, LegendEntry, Section, Source, Table
from asd_edge.report.svg_chart import SvgChart, clipped
from asd_edge.report.work_contents import PROFILE_COMMAND, WorkContents

_LEGEND = (
    LegendEntry("normal-area", "used"),
    LegendEntry("anomaly-area", "beyond the limit"),
    LegendEntry("axis", "limit"),
)
_WIDTH, _ROW, _LEFT, _LIMIT = 720, 18, 190, 540  # the limit's place: 100 %; 25 % more fit the picture


def board_section(work: WorkContents) -> Section:
    """Each figure says whether it was measured, counted or estimated."""
    if not work.profiles:
        return Section("boards", "Boards", absent=(Absent("memory, time and energy on a board", PROFILE_COMMAND),))
    profiles = tuple(work.profiles.values())
    table = Table(
        "Figures; [band of the estimate]",
        ("board", "core", "RAM, bytes", "flash, bytes", "stack, bytes", "mean hop, ms", "worst hop, ms", "clip, mJ"),
        tuple(_row(profile) for profile in profiles),
        2,
    )
    parts: tuple[Table | Charts, ...] = (table,)
    shares = [share for profile in profiles for share in _shares(profile)]
    if shares:
        parts += (Charts("Share of each board's limit", (_limit_chart(shares),), _LEGEND, is_wide=True),)
    sources = tuple(Source(name, profile.command) for name, profile in work.profiles.items())
    return Section("boards", "Boards", (), parts, sources)


def _row(profile: BoardProfile) -> tuple[str, ...]:
    memory = (profile.ram, profile.flash, profile.stack)
    rest = (profile.mean_hop, profile.worst_hop, profile.clip_energy)
    return (
        profile.board,
        profile.core,
        *(_words(figure, ",.0f") for figure in memory),
        *(_words(figure, ".2f") for figure in rest),
    )


def _words(figure: ProfileFigure | None, form: str) -> str:
    if figure is None:
        return ABSENT
    band = ""
    if figure.low is not None and figure.high is not None:
        band = f" [{figure.low:{form}}, {figure.high:{form}}]"
    return f"{figure.value:{form}}{band}, {figure.method}"


def _shares(profile: BoardProfile) -> Iterator[tuple[str, float]]:
    limits = (
        ("RAM", profile.ram, profile.ram_limit),
        ("flash", profile.flash, profile.flash_limit),
        ("worst hop", profile.worst_hop, profile.hop_limit),
    )
    for name, figure, limit in limits:
        if figure is not None and limit:
            yield f"{profile.board}, {name}", figure.value / limit


def _limit_chart(shares: list[tuple[str, float]]) -> str:
    height = _ROW * len(shares) + 24
    chart = SvgChart(_WIDTH, height, "Share of each board's limit")
    most = 1.25 * (_LIMIT - _LEFT)
    for index, (label, share) in enumerate(shares):
        y = 20 + _ROW * index
        width = min(share * (_LIMIT - _LEFT), most)
        chart.text(_LEFT - 8, y + 12, clipped(label, 25), anchor="end")
        chart.rect(_LEFT, y + 2, width, _ROW - 5, "normal-area" if share <= 1 else "anomaly-area")
        chart.text(
            _LEFT + max(width, 0) + 6 if share < 0.8 or share > 1 else _LIMIT + 6, y + 12, f"{100 * share:.1f} %"
        )
    chart.line((_LIMIT, 16), (_LIMIT, height), "axis")
    chart.text(_LIMIT, 12, "limit", anchor="middle")
    return chart.markup()
