"""Published measurements -> cycles per instruction of a board's core, with its band. The formulas are DESIGN.md's.

`calibrated`: the very software whose instructions were counted was measured on the board. `by ratio`: engines were
measured on this board and on the calibrated one, and their cycles' ratio carries the calibration over.
`by core`: neither, but of boards with the same core; the geometric mean of theirs, and all of their bands together.
`uncalibrated`: nothing of the sort; a band from the core's issue width up to the calibrated board's upper end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Literal

from asd_edge.boards import Board, Cycles
from asd_edge.profiling.published import TASKS, Published, is_measured, load_published

REFERENCE_BOARD, REFERENCE_ENGINE = "nucleo-l4r5zi", "TFLM 2.3.1 + CMSIS-NN"
LEAST_MEASUREMENTS = 4  # from which a leave-one-out error means anything
# Instructions that can begin in one cycle; DESIGN.md has where each stands. Never too few: it is a band's lower end.
ISSUE_WIDTH = {
    "cortex-m4": 1,
    "cortex-m33": 2,
    "cortex-m7": 2,
    "cortex-m55": 2,
    "cortex-m85": 3,
    "cortex-a53": 2,
    "cortex-a72": 3,
    "cortex-a76": 4,
}


Method = Literal["calibrated", "by ratio", "by core", "uncalibrated"]


@dataclass(frozen=True)
class Calibration:
    """`least_error` and `greatest_error`: of a measurement that the others predict, as a fraction of it."""

    cycles: Cycles
    method: Method
    n_measurements: int
    least_error: float
    greatest_error: float
    same_core: tuple[str, ...] = ()  # the boards that `by core` takes


def calibrate(board: Board, published: Published | None = None) -> Calibration:
    """Raises KeyError for a core whose issue width isn't listed."""
    known = published or load_published()
    own = _measured(board.name, known) if is_measured(board, known) else None
    if own is not None:
        return own
    of_core = {
        name: found
        for name, that in known.boards.items()
        if that.core == board.core and (found := _measured(name, known))
    }
    if of_core:
        return _by_core(of_core)
    low, high = 1.0 / ISSUE_WIDTH[board.core], _of_reference(known)[2]
    return _calibration("uncalibrated", (sqrt(low * high), low, high), ())


def measured_cycles_per_instruction(published: Published) -> tuple[float, ...]:
    """Of each task on the reference board."""
    (row,) = (row for row in published.of(REFERENCE_BOARD) if row.engine == REFERENCE_ENGINE)
    return tuple(row.cycles(task) / published.counted[task] for task in TASKS)


def engine_ratios(board: str, published: Published) -> tuple[float, ...]:
    """Cycles on the board over those on the reference board: of each engine's version on both, and of each task."""
    references = {(row.round, row.engine): row for row in published.of(REFERENCE_BOARD)}
    pairs = ((row, references.get((row.round, row.engine))) for row in published.of(board))
    return tuple(
        row.cycles(task) / reference.cycles(task) for row, reference in pairs if reference is not None for task in TASKS
    )


def leave_one_out_errors(values: Sequence[float]) -> tuple[float, ...]:
    """Of each value, as the geometric mean of the others predicts it, as a fraction of it."""
    total = sum(log(value) for value in values)
    return tuple(exp((total - log(value)) / (len(values) - 1)) / value - 1.0 for value in values)


def _measured(board: str, known: Published) -> Calibration | None:
    """Of a measured board; None: too few results that another board has too."""
    if board == REFERENCE_BOARD:
        return _calibration("calibrated", _of_reference(known), measured_cycles_per_instruction(known))
    ratios = engine_ratios(board, known)
    if len(ratios) < LEAST_MEASUREMENTS:
        return None
    scaled = zip(_from_measurements(ratios, min(ratios)), _of_reference(known), strict=True)
    value, low, high = (ratio * direct for ratio, direct in scaled)
    return _calibration("by ratio", (value, low, high), ratios)


def _by_core(found: Mapping[str, Calibration]) -> Calibration:
    each = [calibration.cycles for calibration in found.values()]
    value = exp(sum(log(cycles.value) for cycles in each) / len(each))
    band = (value, min(cycles.low for cycles in each), max(cycles.high for cycles in each))
    n_measurements = sum(calibration.n_measurements for calibration in found.values())
    by_core = _calibration("by core", band, ())
    return replace(by_core, n_measurements=n_measurements, same_core=tuple(found))


def _of_reference(known: Published) -> tuple[float, float, float]:
    return _from_measurements(measured_cycles_per_instruction(known), 1.0 / ISSUE_WIDTH["cortex-m4"])


def _from_measurements(values: Sequence[float], floor: float) -> tuple[float, float, float]:
    """Value, low and high: the geometric mean, `floor`, and the mean raised by the worst under-prediction."""
    value = exp(sum(log(measured) for measured in values) / len(values))
    return value, floor, value / (1.0 + min(leave_one_out_errors(values)))


def _calibration(method: Method, band: tuple[float, float, float], values: Sequence[float]) -> Calibration:
    errors = leave_one_out_errors(values) if values else (0.0,)
    value, low, high = (round(bound, 3) for bound in band)
    cycles = Cycles(value=value, low=low, high=high, method=method)
    return Calibration(cycles, method, len(values), min(errors), max(errors))
