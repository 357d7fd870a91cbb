"""boards.yaml -> `Board`: core, clock, memory and image slots of every board that asd-edge knows."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asd_edge.errors import CompilerError

# In the tree it stands at the top; an installed wheel has it inside the package.
_PLACES = (Path(__file__).with_name("boards.yaml"), Path(__file__).parents[1] / "boards.yaml")
Positive = Annotated[int, Field(gt=0)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slot(_Record):
    """A stretch of flash that holds one image."""

    offset: Annotated[int, Field(ge=0)]  # from the start of flash
    bytes: Positive


class Board(_Record):
    """None: not known, or without a limit."""

    name: str
    core: str
    kernels: Literal["generic", "dsp", "mve"]
    part: str | None
    source: str | None  # document that gives the figures
    clock_hz: Positive | None
    ram_bytes: Positive | None
    flash_bytes: Positive | None
    slots: tuple[Slot, ...]
    emulator: str | None  # QEMU's machine

    @model_validator(mode="after")
    def _slots_lie_in_flash(self) -> "Board":
        end = 0
        for slot in self.slots:
            if self.flash_bytes is None or slot.offset < end or slot.offset + slot.bytes > self.flash_bytes:
                raise ValueError(f"slot at {slot.offset} overlaps another one or leaves the flash")
            end = slot.offset + slot.bytes
        return self

    @property
    def image_bytes(self) -> int | None:
        """The greatest image that fits a slot; None: any."""
        return max((slot.bytes for slot in self.slots), default=None)


def load_boards(path: Path | None = None) -> dict[str, Board]:
    """Boards by name. Raises CompilerError for a file that is missing or says something else than boards."""
    found = path or next((place for place in _PLACES if place.exists()), _PLACES[0])
    try:
        records = yaml.safe_load(found.read_text(encoding="utf-8"))["boards"]
        return {name: Board(name=name, **record) for name, record in records.items()}
    except OSError as error:
        raise CompilerError(f"{found}: can't be read ({error.strerror}); install asd-edge again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CompilerError(f"{found}: {error.title} {where}: {first['msg']}; correct it") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise CompilerError(f"{found}: is no list of boards ({error!r}); see the one that asd-edge ships") from error


def board_named(name: str) -> Board:
    """Raises CompilerError for a name that boards.yaml doesn't have."""
    boards = load_boards()
    if name not in boards:
        raise CompilerError(f"{name!r} is no board; choose {', '.join(boards)}, or add it to boards.yaml")
    return boards[name]
