"""published.yaml -> rates and energies that others measured, and instructions counted of their software."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from asd_edge.boards import Board

PUBLISHED = Path(__file__).with_name("published.yaml")
TASKS = ("ad", "kws", "vww", "ic")
ByTask = Mapping[str, Annotated[float, Field(gt=0)]]


class Measurement(BaseModel):
    """One engine on one board: inferences per second of each task, and microjoules per inference where measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    round: str
    board: str
    engine: str
    clock_hz: Annotated[int, Field(gt=0)]
    per_s: ByTask
    energy_uj: ByTask = {}
    source: str

    def cycles(self, task: str) -> float:
        """Of one inference."""
        return self.clock_hz / self.per_s[task]

    @property
    def power_mw(self) -> float:
        """Mean over the tasks, each measured while one inference followed the other."""
        return sum(self.energy_uj[task] * self.per_s[task] for task in TASKS) / len(TASKS) / 1000.0


class MeasuredBoard(BaseModel):
    """What a board of the same name has to be, to be the one that was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    core: str
    part: str


class Published(BaseModel):
    """`counted`: instructions of the tasks under TFLM + CMSIS-NN on a Cortex-M4; `task_macs`: of their networks."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    commits: Mapping[str, str]
    task_macs: Mapping[str, int]
    counted: Mapping[str, int]
    boards: Mapping[str, MeasuredBoard]
    measured: tuple[Measurement, ...]

    def of(self, board: str) -> tuple[Measurement, ...]:
        """In the file's order, oldest round first."""
        return tuple(row for row in self.measured if row.board == board)


def is_measured(board: Board, published: Published) -> bool:
    """Whether it is one of the measured boards: by name, core and part."""
    found = published.boards.get(board.name)
    return found is not None and (found.core, found.part) == (board.core, board.part)


@cache
def load_published() -> Published:
    """The file is part of the package: a fault in it is a bug."""
    return Published(**yaml.safe_load(PUBLISHED.read_text(encoding="utf-8")))
