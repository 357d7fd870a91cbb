"""Boards that run score_clips here, and what a test needs of each: firmware within its part's memory, images, clips."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from asd_edge.backends.emulate_board import MACHINES, SCORE_CLIPS, build_firmware, score_on_board
from asd_edge.backends.emulator_rung import core_of
from asd_edge.backends.score_records import ClipToRun, ScoreRun
from asd_edge.compiler.compile_network import CompiledModel, compile_work, core_named

BOARDS = tuple(MACHINES)
CORTEX_M = ("mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "netduinoplus2")
REFERENCE_BOARDS = tuple(board for board in BOARDS if board != "netduinoplus2")  # whose RAM holds the full width


@dataclass(frozen=True)
class WorkImages:
    """The images of a work directory by core, each compiled once."""

    work: Path
    folder: Path

    @cached_property
    def _compiled(self) -> dict[str, CompiledModel]:
        return {}

    def compiled(self, core: str) -> CompiledModel:
        if core not in self._compiled:
            self._compiled[core] = compile_work(self.work, core_named(core))
        return self._compiled[core]

    def path(self, core: str) -> Path:
        path = self.folder / f"model-{core}.asdm"
        if not path.exists():
            path.write_bytes(self.compiled(core).content)
        return path

    def run(
        self, board: str, clips: list[ClipToRun], program: str = SCORE_CLIPS, build: Path | None = None
    ) -> ScoreRun:
        """Clips on a board, in one run; `build`: a folder with its programs, else one is built."""
        programs = build or build_firmware(board, self.folder / board, [program])
        return score_on_board(board, programs / program, self.path(core_of(board)), clips)
