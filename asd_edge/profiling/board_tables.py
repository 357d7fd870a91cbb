"""Boards and their documents -> tables and JSON: all of them, one with its sources, and what is missing."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.table import Table
from rich.text import Text

from asd_edge.boards import Board, BoardTable, Cycles, Document, Fact
from asd_edge.profiling.accelerators import NONE
from asd_edge.profiling.cycle_model import ISSUE_WIDTH, calibrate

UNKNOWN, NO_MATTER = "unknown", "does not apply"
_OF_FLASH, _OF_ACCELERATOR = (
    ("flash_base", "flash_bytes", "flash_sectors", "wait_states"),
    ("accelerator_macs_per_s", "accelerator_clock_hz"),
)


def boards_table(table: BoardTable) -> Table:
    """One row each."""
    shown = _table("board", f"{len(table.boards)} boards; asd-edge boards NAME shows where each fact stands")
    for column in ("part", "core", "cores", "clock, MHz", "RAM", "flash", "accelerator", "emulated by"):
        shown.add_column(column, no_wrap=True)
    for name, board in table.boards.items():
        facts = board.facts
        megahertz = None if board.clock_hz is None else board.clock_hz / 1e6
        values = (facts.part.value, board.core, facts.n_cores.value, megahertz, board.ram_bytes, board.flash_bytes)
        cells = (*values, facts.accelerator.value, board.emulator)
        shown.add_row(Text(name), *(Text(_shown(value, "-")) for value in cells))
    return shown


def boards_content(table: BoardTable) -> dict[str, Any]:
    """As JSON."""
    return {name: board_content(board, table.documents) for name, board in table.boards.items()}


def board_table(board: Board, documents: Mapping[str, Document]) -> Table:
    """One row for each fact."""
    shown = _table("fact", f"{board.name}: {board.system}, kernels {board.kernels}, emulated by {board.emulator}")
    shown.add_column("value")
    shown.add_column("document")
    shown.add_column("revision")
    shown.add_column("page")
    for name, fact in board.facts.by_name().items():
        document = None if fact.document is None else documents[fact.document]
        source = ("", "", "") if document is None else (document.title, document.revision, fact.page)
        cells = [_shown(value, "-") for value in source] if document is not None else list(source)
        absent = UNKNOWN if applies(board, name) else NO_MATTER
        value = f"{fact.value:#010x}" if name == "flash_base" and fact.value is not None else _shown(fact.value, absent)
        shown.add_row(name, Text(value), *(Text(str(cell)) for cell in cells))
    shown.add_row("slots", Text(_slots_in_words(board)), "computed" if board.slots is not None else "")
    return shown


def board_content(board: Board, documents: Mapping[str, Document]) -> dict[str, Any]:
    """As JSON: value, document, revision and page of each fact; null: unknown."""
    facts = {}
    for name, fact in board.facts.by_name().items():
        document = None if fact.document is None else documents[fact.document]
        value = fact.value.model_dump() if isinstance(fact.value, BaseModel) else fact.value
        title, revision = (None, None) if document is None else (document.title, document.revision)
        facts[name] = {"value": value, "document": title, "revision": revision, "page": fact.page}
    kept = {
        name: value.model_dump() for name in ("model_flash", "slots") if (value := getattr(board, name)) is not None
    }
    rest = {"model_flash": None, "slots": None, **kept}
    return {"system": board.system, "kernels": board.kernels, "emulator": board.emulator, **rest, **facts}


def check_content(table: BoardTable) -> dict[str, Any]:
    """What is missing, by board."""
    return {
        name: {"unknown": unknown(board), "undocumented": undocumented(board), "without_page": without_page(board)}
        for name, board in table.boards.items()
    }


def check_table(table: BoardTable) -> Table:
    """One row each: how many facts are known, how many have a document, how many a page."""
    shown = _table("board", "Facts of each board")
    for column in ("known", "unknown", "without document", "without page"):
        shown.add_column(column, justify="right")
    shown.add_column("which are unknown")
    for name, board in table.boards.items():
        missing = unknown(board)
        counts = (len(known(board)), len(missing))
        sources = (len(undocumented(board)), len(without_page(board)))
        shown.add_row(Text(name), *(str(count) for count in (*counts, *sources)), Text(", ".join(missing)))
    return shown


def check_lines(table: BoardTable) -> list[str]:
    """In all, and constants that the published measurements no longer give."""
    boards = table.boards.values()
    n_known, n_unknown = sum(len(known(board)) for board in boards), sum(len(unknown(board)) for board in boards)
    lines = [
        f"{n_known} of {n_known + n_unknown} facts of {len(table.boards)} boards are known, {n_unknown} unknown; of "
        f"those known {sum(len(undocumented(board)) for board in boards)} name no document and "
        f"{sum(len(without_page(board)) for board in boards)} no page of theirs"
    ]
    for board in boards:
        given = board.facts.cycles_per_instruction.value
        found = stale_cycles(board)
        if found is not None and given is not None:
            lines.append(f"{board.name}: {given.value} cycles per instruction, {found.value} by published.yaml")
    return lines


def applies(board: Board, name: str) -> bool:
    """Whether a board has such a thing: a Linux board no flash sectors, one without accelerator no clock of it."""
    if board.part is None and name != "core" and board.name in ("host", board.emulator):
        return False  # stands for no part
    if name == "external_flash":
        return board.facts.external_flash.value is not None  # documents list what a board has
    if name in _OF_FLASH:
        return board.system == "mcu"
    if name == "memory_bytes_per_s":
        return board.system == "linux"
    return name not in _OF_ACCELERATOR or board.facts.accelerator.value != NONE


def known(board: Board) -> list[str]:
    """Names of facts with a value."""
    return [name for name, fact in board.facts.by_name().items() if fact.value is not None]


def unknown(board: Board) -> list[str]:
    """Names of facts that the board has, without a value."""
    return [name for name, fact in board.facts.by_name().items() if fact.value is None and applies(board, name)]


def undocumented(board: Board) -> list[str]:
    """Names of facts with a value that no document gives."""
    return [name for name, fact in board.facts.by_name().items() if fact.value is not None and fact.document is None]


def without_page(board: Board) -> list[str]:
    """Names of facts whose document is named, but not where in it."""
    return [name for name, fact in board.facts.by_name().items() if fact.document is not None and fact.page is None]


def stale_cycles(board: Board) -> Cycles | None:
    """What the cycle model gives, where the file names the model as its source and says something else."""
    fact: Fact[Cycles] = board.facts.cycles_per_instruction
    if fact.document != "cycle-model" or board.core not in ISSUE_WIDTH:
        return None
    found = calibrate(board).cycles
    return None if found == fact.value else found


def _slots_in_words(board: Board) -> str:
    slots = board.slots
    if slots is None:
        return "none" if board.system == "mcu" else NO_MATTER
    places, log = (" and ".join(f"{address:#010x}" for address in pair) for pair in (slots.addresses, slots.log))
    return (
        f"{places}, {slots.bytes:,} bytes each; log {log}; pages of {slots.page_bytes:,}; "
        f"firmware {slots.firmware_bytes:,}"
    )


def _table(first: str, title: str) -> Table:
    return Table(first, box=box.SIMPLE_HEAD, title=Text(title, "bold"), title_justify="left")


def _shown(value: object, absent: str) -> str:
    if value is None:
        return absent
    if isinstance(value, Cycles):
        return f"{value.value:g} [{value.low:g} to {value.high:g}], {value.method}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:,}" if is_number else str(value)
