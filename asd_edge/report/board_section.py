"""Profiles of boards -> memory, time and energy side by side, each against the board's own limit."""

from collections.abc import Iterator, Sequence

from asd_edge.report.board_profile import BoardProfile, HostFacts, ProfileFigure
from asd_edge.report.figure_text import ABSENT
from asd_edge.report.section import Absent, Charts, LegendEntry, Section, Source, Table
from asd_edge.report.svg_chart import SvgChart, clipped
from asd_edge.report.work_contents import PROFILE_COMMAND, WorkContents

_LEGEND = (
    LegendEntry("normal-area", "used"),
    LegendEntry("anomaly-area", "beyond the limit"),
    LegendEntry("axis", "limit"),
)
_TIME_COLUMNS = (
    "board",
    "clip, ms",
    "real-time factor",
    "mean hop, ms",
    "worst hop, ms",
    "duty cycle",
    "clip, mJ",
    "battery, hours",
)
_HOST_COLUMNS = (
    "host",
    "board",
    "network in",
    "network, ms",
    "clocks before",
    "clocks after",
    "temperature before",
    "temperature after",
    "held back",
)
_WIDTH, _ROW, _LEFT, _LIMIT = 720, 18, 190, 540  # the limit's place: 100 %; 25 % more fit the picture


def board_section(work: WorkContents) -> Section:
    """Each figure says whether it was measured, counted or estimated."""
    if not work.profiles:
        return Section("boards", "Boards", absent=(Absent("memory, time and energy on a board", PROFILE_COMMAND),))
    profiles = tuple(work.profiles.values())
    tables = (
        Table(
            "Memory",
            ("board", "core", "RAM, bytes", "flash, bytes", "stack, bytes"),
            tuple(_memory_row(profile) for profile in profiles),
            2,
        ),
        Table("Time and energy; [band]", _TIME_COLUMNS, tuple(_time_row(profile) for profile in profiles)),
        *_accelerator_table(profiles),
        *_host_table(profiles),
    )
    parts: tuple[Table | Charts, ...] = tables
    shares = [share for profile in profiles for share in _shares(profile)]
    if shares:
        parts += (Charts("Share of each board's limit", (_limit_chart(shares),), _LEGEND, is_wide=True),)
    sources = tuple(Source(name, profile.command) for name, profile in work.profiles.items())
    return Section("boards", "Boards", (), parts, sources)


def _memory_row(profile: BoardProfile) -> tuple[str, ...]:
    return (
        profile.board,
        profile.core,
        _words(profile.ram, ",.0f", _limit(profile.ram_limit)),
        _words(profile.flash, ",.0f", _limit(profile.flash_limit)),
        _words(profile.stack, ",.0f"),
    )


def _time_row(profile: BoardProfile) -> tuple[str, ...]:
    cell = "" if profile.cell is None else f" from {profile.cell.mah:,g} mAh at {profile.cell.volts:g} V"
    return (
        profile.board,
        _words(profile.clip_ms, ",.2f", _limit(profile.clip_limit)),
        _words(profile.real_time_factor, ".3f"),
        _words(profile.mean_hop, ",.2f", _limit(profile.hop_limit)),
        _words(profile.worst_hop, ",.2f", _limit(profile.hop_limit)),
        _words(profile.duty_cycle, ".3f"),
        _words(profile.clip_energy, ",.2f"),
        _words(profile.battery_hours, ",.1f", cell),
    )


def _accelerator_table(profiles: Sequence[BoardProfile]) -> Iterator[Table]:
    found = [(profile.board, profile.accelerator) for profile in profiles if profile.accelerator is not None]
    rows = tuple(
        (
            board,
            unit.name,
            f"{unit.ops_mapped} of {unit.ops_mapped + unit.ops_left}",
            ABSENT if unit.macs_mapped is None else f"{100 * unit.macs_mapped:.1f} %",
            _words(unit.network_ms, ",.2f"),
            ABSENT if unit.sram_bytes is None else f"{unit.sram_bytes:,}",
        )
        for board, unit in found
    )
    if rows:
        columns = ("board", "accelerator", "operators", "MACs", "network, ms per clip", "its SRAM, bytes")
        yield Table("Accelerators", columns, rows, 2)


def _host_table(profiles: Sequence[BoardProfile]) -> Iterator[Table]:
    rows = tuple(
        (
            found.host,
            profile.board,
            found.network,
            _words(found.network_ms, ",.2f"),
            *(_clocks(state) for state in (found.before, found.after)),
            *(_degrees(state) for state in (found.before, found.after)),
            _held_back(found.after),
        )
        for profile in profiles
        if (found := profile.host_run) is not None
    )
    if rows:
        yield Table("Measured over SSH", _HOST_COLUMNS, rows, 3)


def _clocks(state: HostFacts) -> str:
    ends = sorted({clock // 1_000_000 for clock in state.clocks_hz})
    return f"{' to '.join(str(clock) for clock in dict.fromkeys((ends[0], ends[-1])))} MHz" if ends else ABSENT


def _degrees(state: HostFacts) -> str:
    return ABSENT if state.temperature_c is None else f"{state.temperature_c:.1f} °C"


def _held_back(state: HostFacts) -> str:
    """By heat or low voltage."""
    if state.throttled is None:
        return ABSENT
    return f"since it started ({state.throttled:#x})" if state.throttled else "no"


def _limit(limit: float | None) -> str:
    return f" of {limit:,.10g}" if limit else ""


def _words(figure: ProfileFigure | None, form: str, beside: str = "") -> str:
    """`beside`: the limit, or what else the figure is of."""
    if figure is None:
        return ABSENT
    band = ""
    if figure.low is not None and figure.high is not None:
        band = f" [{figure.low:{form}}, {figure.high:{form}}]"
    return f"{figure.value:{form}}{band}{beside}, {figure.method}"


def _shares(profile: BoardProfile) -> Iterator[tuple[str, float]]:
    limits = (
        ("RAM", profile.ram, profile.ram_limit),
        ("flash", profile.flash, profile.flash_limit),
        ("clip", profile.clip_ms, profile.clip_limit),
        ("mean hop", profile.mean_hop, profile.hop_limit),
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
