"""boards.yaml -> `Board`: what is known of every board that asd-edge knows, each fact with where it stands."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from asd_edge.errors import CompilerError

# In the tree it stands at the top; an installed wheel has it inside the package.
_PLACES = (Path(__file__).with_name("boards.yaml"), Path(__file__).parents[1] / "boards.yaml")
_N_NEAR = 3  # names that are offered for a misspelt one
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Unit:
    """What values of a key are given in, and the range outside which another unit was meant."""

    hint: str
    low: float
    high: float


_HERTZ = _Unit("give hertz, as 80_000_000 for 80 MHz", 1e6, 1e10)
_BYTES = _Unit("give bytes, as 262_144 for 256 KiB", 3072, 2**40)
_MILLIWATTS = _Unit("give milliwatts, as 120 for 0.12 W", 1e-3, 1e6)
_UNITS = {
    "clock_hz": _HERTZ,
    "accelerator_clock_hz": _HERTZ,
    "ram_bytes": _BYTES,
    "flash_bytes": _BYTES,
    "memory_bytes_per_s": _Unit("give bytes per second, as 4_000_000_000 for 4 GB/s", 1e6, 1e13),
    "accelerator_macs_per_s": _Unit("give MACs per second, as 2.0e+12 for 4 TOPS", 1e6, 1e16),
    "active_power_mw": _MILLIWATTS,
    "sleep_power_mw": _MILLIWATTS,
}
_NO_NUMBER = ("int_parsing", "int_type", "float_parsing", "float_type", "int_from_float")  # pydantic's names


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(_Record):
    """Something that can be looked up; revision None: not known which one."""

    title: str
    revision: str | int | None = None


class Fact(_Record, Generic[Value]):
    """A value and where it stands; value None: not known; document None: nobody says so. A page may be a section."""

    value: Value | None = None
    document: str | None = None  # key of the file's documents
    page: int | str | None = None


class Cycles(_Record):
    """Cycles that a core takes per instruction of the engine: `value` within [low, high]."""

    value: PositiveNumber
    low: PositiveNumber
    high: PositiveNumber
    method: Literal["calibrated", "by ratio", "by core", "uncalibrated"]

    @model_validator(mode="after")
    def _band_holds_the_value(self) -> "Cycles":
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} isn't within its band of {self.low} to {self.high}")
        return self


class Facts(_Record):
    """Of the board that a user buys. Bytes of RAM: of one piece, as an arena needs it."""

    part: Fact[str] = Fact[str]()
    core: Fact[str]
    n_cores: Fact[Positive] = Fact[Positive]()
    clock_hz: Fact[Positive] = Fact[Positive]()
    isa: Fact[str] = Fact[str]()
    ram_bytes: Fact[Positive] = Fact[Positive]()
    flash_base: Fact[NotNegative] = Fact[NotNegative]()  # its first address
    flash_bytes: Fact[Positive] = Fact[Positive]()
    flash_sectors: Fact[str] = Fact[str]()
    external_flash: Fact[str] = Fact[str]()  # on the board, beside the part
    wait_states: Fact[str] = Fact[str]()
    caches: Fact[str] = Fact[str]()
    memory_bytes_per_s: Fact[Positive] = Fact[Positive]()
    accelerator: Fact[str] = Fact[str]()
    accelerator_macs_per_s: Fact[PositiveNumber] = Fact[PositiveNumber]()  # its peak
    accelerator_clock_hz: Fact[Positive] = Fact[Positive]()
    active_power_mw: Fact[PositiveNumber] = Fact[PositiveNumber]()
    sleep_power_mw: Fact[PositiveNumber] = Fact[PositiveNumber]()  # between hops; of a Linux board: idle
    programmer: Fact[str] = Fact[str]()
    cycles_per_instruction: Fact[Cycles] = Fact[Cycles]()

    @field_validator("*", mode="before")
    @classmethod
    def _plain_value_is_a_fact_that_nobody_says(cls, given: object) -> object:
        is_whole = isinstance(given, Fact) or (isinstance(given, Mapping) and given.keys() <= Fact.model_fields.keys())
        return given if is_whole else {"value": given}

    @model_validator(mode="after")
    def _values_are_in_their_units(self) -> "Facts":
        for name, unit in _UNITS.items():
            value = getattr(self, name).value
            if value is not None and not unit.low <= value <= unit.high:
                wrong, bound = ("low", unit.low) if value < unit.low else ("high", unit.high)
                words = f"{value:,}".replace(",", "_")
                raise ValueError(f"{name}: {words} is too {wrong} (the {wrong}est is {bound:,.10g}); {unit.hint}")
        active, asleep = self.active_power_mw.value, self.sleep_power_mw.value
        if active is not None and asleep is not None and asleep > active:
            raise ValueError(f"sleep_power_mw: {asleep:g} mW is more than the {active:g} mW active; correct one")
        return self

    def by_name(self) -> dict[str, Fact[Any]]:
        """In the order above."""
        return {name: getattr(self, name) for name in Facts.model_fields}


class ModelFlash(_Record):
    """The flash behind the firmware, where a board holds one image and no signed bundles."""

    offset: NotNegative  # from the start of flash
    bytes: Positive


class Slots(_Record):
    """Where a board keeps two signed bundles and the log of what was decided about them; absolute addresses."""

    addresses: tuple[NotNegative, NotNegative]
    bytes: Positive  # of each: a bundle, its header included
    log: tuple[NotNegative, NotNegative]  # a page each
    page_bytes: Positive  # that one erase takes
    firmware_bytes: NotNegative  # kept for the firmware at the start of that flash; 0: it lies elsewhere

    @model_validator(mode="after")
    def _pages_are_apart(self) -> "Slots":
        n_page, end = self.page_bytes, 0
        for start, n_bytes in self.stretches():
            if start % n_page or n_bytes % n_page:
                raise ValueError(f"slots: {n_bytes:,} bytes at {start:#010x} aren't whole pages of {n_page:,}")
            if start < end:
                raise ValueError(f"slots: what begins at {start:#010x} overlaps what lies before it")
            end = start + n_bytes
        return self

    def stretches(self) -> list[tuple[int, int]]:
        """Address and bytes of the log's pages and the slots, by address."""
        pages = [(address, self.page_bytes) for address in self.log]
        return sorted(pages + [(address, self.bytes) for address in self.addresses])


class Board(_Record):
    """None: not known, or without a limit."""

    name: str
    system: Literal["mcu", "linux", "host"] = "mcu"
    kernels: Literal["generic", "dsp", "mve"]
    emulator: str | None = None  # the emulated machine that runs the programs of its core
    device_tree_model: str | None = None  # how /proc/device-tree/model of a Linux board starts
    model_flash: ModelFlash | None = None
    slots: Slots | None = None
    facts: Facts

    @model_validator(mode="before")
    @classmethod
    def _facts_stand_beside_the_rest(cls, given: dict[str, Any]) -> dict[str, Any]:
        facts = {name: value for name, value in given.items() if name in Facts.model_fields}
        return {**{name: value for name, value in given.items() if name not in facts}, "facts": facts}

    @model_validator(mode="after")
    def _models_lie_in_flash(self) -> "Board":
        room, n_flash, base = self.model_flash, self.flash_bytes, self.facts.flash_base.value
        if room is not None and (n_flash is None or room.offset + room.bytes > n_flash):
            raise ValueError(f"model_flash: {room.bytes:,} bytes at offset {room.offset:,} leave the flash")
        if self.slots is not None and n_flash is not None and base is not None:
            first, last = self.slots.stretches()[0], self.slots.stretches()[-1]
            if first[0] < base + self.slots.firmware_bytes or sum(last) > base + n_flash:
                raise ValueError(f"slots: {first[0]:#010x} to {sum(last):#010x} leave the flash behind the firmware")
        return self

    @property
    def core(self) -> str:
        assert self.facts.core.value is not None, "checked when the file was read"
        return self.facts.core.value

    @property
    def part(self) -> str | None:
        return self.facts.part.value

    @property
    def clock_hz(self) -> int | None:
        return self.facts.clock_hz.value

    @property
    def ram_bytes(self) -> int | None:
        return self.facts.ram_bytes.value

    @property
    def flash_bytes(self) -> int | None:
        return self.facts.flash_bytes.value

    @property
    def image_bytes(self) -> int | None:
        """The greatest image that fits the flash beside the firmware; None: any."""
        return None if self.model_flash is None else self.model_flash.bytes


@dataclass(frozen=True)
class BoardTable:
    """Boards by name, and the documents that their facts name."""

    boards: Mapping[str, Board]
    documents: Mapping[str, Document]


def load_boards(path: Path | None = None) -> dict[str, Board]:
    """Boards by name. Raises CompilerError for a file that is missing or says something else than boards."""
    return dict(load_board_table(path).boards)


def load_board_table(path: Path | None = None, known: Mapping[str, Document] | None = None) -> BoardTable:
    """`known`: documents that the file may name without listing them. Raises CompilerError as `load_boards`."""
    found = path or next((place for place in _PLACES if place.exists()), _PLACES[0])
    try:
        content = _read_yaml(found)
        listed = content.get("documents") or {}
        for entries, needs in ((listed, "a title"), (content["boards"], "core and kernels")):
            for name, given in entries.items():
                if not isinstance(given, Mapping):
                    raise CompilerError(f"{found}: {name} has no fields; give it {needs}")
        documents = {**(known or {}), **{key: Document(**given) for key, given in listed.items()}}
        boards = {name: Board(**{**given, "name": name}) for name, given in content["boards"].items()}
    except OSError as error:
        raise CompilerError(f"{found}: can't be read ({error.strerror}); give a file of boards") from error
    except ValidationError as error:
        raise CompilerError(f"{found}: {_place_of(error, content)}{_reason_of(error)}") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise CompilerError(f"{found}: is no list of boards ({reason}); see the one that asd-edge ships") from error
    for name, board in boards.items():
        _check_facts(found, name, board, documents)
    return BoardTable(boards, documents)


def load_boards_with(path: Path | None) -> BoardTable:
    """The boards that asd-edge ships and those of a user's file, which win where a name is in both."""
    shipped = load_board_table()
    if path is None:
        return shipped
    own = load_board_table(path, shipped.documents)
    emulators = [name for name, board in shipped.boards.items() if board.emulator == name]
    for name, board in own.boards.items():
        if board.emulator is not None and board.emulator not in emulators:
            meant = _did_you_mean(_near(board.emulator, emulators))
            raise CompilerError(
                f"{path}: {name} emulator: {board.emulator!r} is none; {meant}there are {', '.join(emulators)}"
            )
    return BoardTable({**shipped.boards, **own.boards}, own.documents)


def board_named(name: str, boards: Mapping[str, Board] | None = None) -> Board:
    """Of those that ship, unless others are given. Raises CompilerError for a name that isn't there."""
    known = load_boards() if boards is None else boards
    if name not in known:
        meant = _did_you_mean(_near(name, known))
        raise CompilerError(f"{name!r} is no board; {meant}there are {', '.join(known)}; --boards FILE adds your own")
    return known[name]


def _near(name: str, known: Iterable[str]) -> list[str]:
    """The likest first."""
    return difflib.get_close_matches(name.lower(), list(known), _N_NEAR, 0.5)


def _did_you_mean(near: Sequence[str]) -> str:
    return f"did you mean {' or '.join(near)}? " if near else ""


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, of which YAML's own would take the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line = key.start_mark.line + 1
            if key.value in lines:
                where = f"lines {lines[key.value]} and {line}" if line != lines[key.value] else f"line {line} twice"
                raise CompilerError(f"{self.name}: has {key.value!r} on {where}; leave one")
            lines[key.value] = line
        return node


def _read_yaml(path: Path) -> Any:
    loader = _UniqueKeys(path.read_text(encoding="utf-8"))
    loader.name = str(path)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check_facts(path: Path, name: str, board: Board, documents: Mapping[str, Document]) -> None:
    if board.facts.core.value is None:
        raise CompilerError(f"{path}: {name} core: every board has one; name it, as cortex-m4")
    for key, fact in board.facts.by_name().items():
        if fact.document is not None and fact.document not in documents:
            raise CompilerError(f"{path}: {name} {key}: {fact.document!r} isn't listed under documents; add it there")


def _place_of(error: ValidationError, content: Mapping[str, Any]) -> str:
    """Which board it was: the one whose record fails by itself."""
    if error.title != Board.__name__:
        return "documents: "
    for name, given in content["boards"].items():
        try:
            Board(**{**given, "name": name})
        except ValidationError:
            return f"{name} "
    return ""


def _reason_of(error: ValidationError) -> str:
    """What is wrong with which key, and what to give."""
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"] if part not in ("facts", "value")]
    where, key = ".".join(parts), parts[-1] if parts else ""
    if first["type"] == "extra_forbidden" and parts == [key] and error.title == Board.__name__:
        keys = [name for name in (*Facts.model_fields, *Board.model_fields) if name not in ("name", "facts")]
        near = _near(key, keys)[:2]
        unit = next((_UNITS[name].hint for name in near if name in _UNITS), "correct it")
        return f"{key}: no such key; {_did_you_mean(near)}{unit}"
    if first["type"] in _NO_NUMBER and key in _UNITS:
        return f"{where}: {first['input']!r} is no number; {_UNITS[key].hint}"
    reason = first["msg"].removeprefix("Value error, ")
    said = f"{where}: {reason}" if where else reason
    return said if ";" in reason else f"{said}; correct it"
