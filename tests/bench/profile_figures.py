"""A profile's JSON, an ELF program's sections and symbols -> figures to compare: two runs, linker, painted stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asd_edge.boards import Board

_COUNTED = ("instructions", "mean_hop", "worst_hop", "ram", "flash", "stack")
_STACK_SECTION, _STACK_ENDS = ".stack", ("asd_stack_bottom", "asd_stack_top")
MCU, LINUX = "mcu", "linux"
TABLE_HEAD = (
    "| board | core | MHz | instructions per clip | ms per clip | real-time factor | RAM, bytes | flash, bytes "
    "| energy per clip, mJ | method |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class LinkedBytes:
    """What the linker gave a program; `loaded` lies in flash, `variables` and `stack` in RAM."""

    loaded: int
    variables: int
    stack: int


@dataclass(frozen=True)
class ProfiledBoard:
    """Of two cold runs: the slower one's seconds; `content` of the second."""

    board: Board
    seconds: float
    content: dict[str, Any]
    n_differing: int
    bytes_off: int
    stack_bytes_off: int


def linked_bytes(sections: str, symbols: str) -> LinkedBytes:
    """From what `readelf --sections --wide` and `nm` print of the program."""
    loaded = variables = 0
    for line in sections.splitlines():
        words = line.partition("]")[2].split()
        if len(words) < 7 or not words[0].startswith("."):
            continue
        name, kind, n_bytes, flags = words[0], words[1], int(words[4], 16), words[6]
        if "A" in flags and kind != "NOBITS":
            loaded += n_bytes
        if "A" in flags and "W" in flags and name != _STACK_SECTION:
            variables += n_bytes
    addresses = {words[-1]: int(words[0], 16) for words in map(str.split, symbols.splitlines()) if len(words) == 3}
    bottom, top = (addresses[name] for name in _STACK_ENDS)
    return LinkedBytes(loaded, variables, top - bottom)


def bytes_off_the_linker(content: Mapping[str, Any], linked: LinkedBytes, image_bytes: int, arena_bytes: int) -> int:
    """How far flash, variables, stack and RAM of a profile are from the linker's, image and arena, in all."""
    parts = content["ram_parts"]
    ram = linked.variables - parts["counting"] + arena_bytes + linked.stack
    pairs = (
        (content["flash"]["value"], linked.loaded + image_bytes),
        (parts["static"], linked.variables),
        (parts["stack"], linked.stack),
        (content["ram"]["value"], ram),
    )
    return int(sum(abs(found - expected) for found, expected in pairs))


def counted_figures(content: Mapping[str, Any]) -> dict[str, float | None]:
    """Of a profile: what must be the same on every run, layers too; None: the profile doesn't know it."""
    totals = {name: None if content[name] is None else content[name]["value"] for name in _COUNTED}
    layers = {f"layer {i}, {layer['name']}": layer["instructions"] for i, layer in enumerate(content["layers"])}
    parts = {f"RAM, {name}": n_bytes for name, n_bytes in content["ram_parts"].items()}
    return totals | layers | parts


def n_differing(first: Mapping[str, float | None], second: Mapping[str, float | None]) -> int:
    """Figures that differ, or that only one of the two has."""
    missing = object()
    return sum(first.get(name, missing) != second.get(name, missing) for name in first.keys() | second.keys())


def profile_values(profiled: Sequence[ProfiledBoard], n_boards: int) -> dict[str, float]:
    """Of all boards; the slowest of a kind is left out where there is none of the kind."""
    values: dict[str, float] = {
        "boards": n_boards,
        "boards_profiled": len(profiled),
        "boards_refused": n_boards - len(profiled),
        "differing_counts": sum(found.n_differing for found in profiled),
        "bytes_off_the_linker": sum(found.bytes_off for found in profiled),
        "bytes_off_the_painted_stack": sum(found.stack_bytes_off for found in profiled),
    }
    for system in (MCU, LINUX):
        seconds = [found.seconds for found in profiled if found.board.system == system]
        if seconds:
            values[f"slowest_{system}_seconds"] = round(max(seconds), 2)
    return values


def table_row(content: Mapping[str, Any]) -> str:
    """Markdown, under TABLE_HEAD; the band in brackets."""
    clock = "-" if content["clock_hz"] is None else f"{content['clock_hz'] / 1e6:g}"
    names = ("instructions", "clip_ms", "real_time_factor", "ram", "flash", "clip_energy")
    forms = (",.0f", ",.0f", ".2f", ",.0f", ",.0f", ",.0f")
    cells = [_cell(content[name], form) for name, form in zip(names, forms, strict=True)]
    given = content["cycles_per_instruction"]
    time = content["clip_ms"]
    method = "-" if time is None else time["method"] if given is None else f"{time['method']}, {_word(given['how'])}"
    return "| " + " | ".join([content["board"], content["core"], clock, *cells, method]) + " |"


def _cell(figure: Mapping[str, Any] | None, form: str) -> str:
    if figure is None:
        return "unknown"
    has_band = figure["low"] is not None and figure["high"] is not None
    band = f" [{figure['low']:{form}} to {figure['high']:{form}}]" if has_band else ""
    return f"{figure['value']:{form}}{band}"


def _word(how: str) -> str:
    """How the cycles per instruction came about: calibrated, by ratio, by core or uncalibrated."""
    return how.partition(":")[0]
