"""Whether a board can hold an image: RAM of everything that runs beside the network, and the flash slot."""

from dataclasses import dataclass

from asd_edge.boards import Board
from asd_edge.compiler.plan_report import PlanReport
from asd_edge.errors import CompilerError

STACK_BYTES = 8192
DETECTOR_BYTES = 4096  # sizeof(asd_detector), rounded up to 1 KB: front end, scorer and engine outside of the arena
HOP_BYTES = 1024  # 512 int16
_FEWEST_HOPS = 2  # of audio buffered: one that fills while the one before it is computed


@dataclass(frozen=True)
class Budget:
    """Bytes of RAM."""

    arena: int
    detector: int
    audio_buffer: int
    stack: int

    @property
    def total(self) -> int:
        return self.arena + self.detector + self.audio_buffer + self.stack

    def in_words(self) -> str:
        """What it is made of."""
        return (
            f"arena {self.arena:,}, front end and scorer {self.detector:,}, audio {self.audio_buffer:,}, "
            f"stack {self.stack:,}"
        )


def budget_of(report: PlanReport) -> Budget:
    """The audio buffer holds the hops that may arrive during the worst one, if the mean just keeps up."""
    if report.kind == "network":
        return Budget(report.arena_bytes, 0, 0, STACK_BYTES)
    ratio = report.worst_tick_macs / report.mean_tick_macs if report.mean_tick_macs else 1.0
    n_hops = max(_FEWEST_HOPS, 1 + -(-int(ratio * 1000) // 1000))
    return Budget(report.arena_bytes, DETECTOR_BYTES, n_hops * HOP_BYTES, STACK_BYTES)


def check_budget(report: PlanReport, board: Board) -> Budget:
    """Raises CompilerError with the numbers where RAM or flash slot are too small."""
    budget = budget_of(report)
    if board.ram_bytes is not None and budget.total > board.ram_bytes:
        raise CompilerError(
            f"{board.name} has {board.ram_bytes:,} bytes of RAM, this needs {budget.total:,}: {budget.in_words()}; "
            "train a narrower model or choose another board"
        )
    if board.image_bytes is not None and report.image_bytes > board.image_bytes:
        raise CompilerError(
            f"{board.name} has a slot of {board.image_bytes:,} bytes, this needs {report.image_bytes:,}; "
            "train a narrower model or choose another board"
        )
    return budget
