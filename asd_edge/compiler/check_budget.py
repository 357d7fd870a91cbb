"""Whether a board can hold an image: its kernels, RAM of everything that runs beside the network, the flash slot."""

from dataclasses import dataclass
from math import ceil

from asd_edge.boards import Board
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan_report import PlanReport
from asd_edge.errors import CompilerError

STACK_BYTES = 8192
DETECTOR_BYTES = 4096  # sizeof(asd_detector), rounded up to 1 KB: front end, scorer and engine outside of the arena
HOP_BYTES = 1024  # 512 int16
_HOPS_AT_ONCE = 2  # of audio: one that fills while the one before it is computed
_HOST = "host"  # its library has the kernels of every core, in plain C


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
    """The audio buffer is for a core that just keeps up with the mean hop: it holds the hops by which that one lags
    behind the audio after the heaviest run of hops (PlanReport.lag_hops), the hop that is being computed and the one
    that fills; rounded up to a power of two, as asd_audio_buffer wants it.
    """
    if report.kind == "network":
        return Budget(report.arena_bytes, 0, 0, STACK_BYTES)
    n_needed = ceil(round(report.lag_hops, 6)) + _HOPS_AT_ONCE
    n_hops = 1 << (n_needed - 1).bit_length()
    return Budget(report.arena_bytes, DETECTOR_BYTES, n_hops * HOP_BYTES, STACK_BYTES)


def check_core(core: Core, board: Board) -> None:
    """Raises CompilerError for kernels that the board's firmware doesn't have."""
    if core != Core.GENERIC and board.core != _HOST and core.name.lower() != board.kernels:
        own = "generic" if board.kernels == "generic" else f"generic and {board.kernels}"
        raise CompilerError(f"{board.name} runs images of core {own}, not {core.name.lower()}; leave out --core")


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
