"""A board -> cycles per instruction of its core with the band, and in words where they come from."""

from asd_edge.boards import Board, Cycles
from asd_edge.profiling.cycle_model import ISSUE_WIDTH, Calibration, calibrate
from asd_edge.profiling.profile_record import ESTIMATED, Figure


def cycles_of(board: Board) -> Figure | None:
    """What the boards file gives, else the model's for its core; None: no such core."""
    given = board.facts.cycles_per_instruction.value
    computed = calibrate(board) if board.core in ISSUE_WIDTH else None
    if computed is not None and given in (None, computed.cycles):
        return _figure(computed.cycles, _words(computed, board.core))
    return None if given is None else _figure(given, f"{given.method}, as the boards file gives it")


def _figure(cycles: Cycles, how: str) -> Figure:
    return Figure(cycles.value, ESTIMATED, how, cycles.low, cycles.high)


def _words(found: Calibration, core: str) -> str:
    errors = f"leave-one-out error {100 * found.least_error:+.0f} to {100 * found.greatest_error:+.0f} %"
    match found.method:
        case "calibrated":
            return f"calibrated: {found.n_measurements} tasks of TFLM + CMSIS-NN measured on this board, {errors}"
        case "by ratio":
            return (
                f"by ratio: {found.n_measurements} results of the same engines on this board and on the calibrated "
                f"Cortex-M4, {errors} of the ratio"
            )
        case "by core":
            return (
                f"by core: nobody measured engines on this board; mean of the {core} boards on which somebody did "
                f"({', '.join(found.same_core)}: {found.n_measurements} results), and all of their bands"
            )
        case _:
            return (
                f"uncalibrated: nobody measured the counted software on this board; from {ISSUE_WIDTH[core]} "
                "instructions per cycle, the core's most, to the calibrated Cortex-M4's upper end; middle"
            )
