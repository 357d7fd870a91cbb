"""Published results of a board that calibrate nothing -> where they lie against its estimate, in cycles per MAC."""

from collections.abc import Sequence

from asd_edge.boards import Board
from asd_edge.profiling.cycle_model import calibrate
from asd_edge.profiling.layer_profiles import NETWORK
from asd_edge.profiling.profile_record import Figure, HeldAgainst, LayerProfile
from asd_edge.profiling.published import Published, is_measured, load_published


def held_against(
    board: Board, parts: Sequence[LayerProfile], cycles: Figure | None, published: Published | None = None
) -> HeldAgainst | None:
    """`parts`: the profile's; None: nobody measured the board, its cycles are calibrated, or nothing was counted.

    Networks and engine are others: what is compared is what one multiply-accumulate takes with all around it.
    """
    known = published or load_published()
    network = next((part for part in parts if part.name == NETWORK), None)
    if cycles is None or network is None or network.instructions is None or not network.macs:
        return None
    if not is_measured(board, known) or calibrate(board, known).method != "uncalibrated":
        return None
    newest = known.of(board.name)[-1]
    how = "instructions of the network per multiply-accumulate x cycles per instruction"
    estimate = cycles.times(network.instructions / network.macs, how)
    per_mac = {task: newest.cycles(task) / known.task_macs[task] for task in newest.per_s}
    return HeldAgainst(
        newest.engine,
        f"MLPerf Tiny {newest.round}, {newest.source}",
        estimate,
        per_mac,
        tuple(task for task, value in per_mac.items() if estimate.low is not None and value < estimate.low),
        tuple(task for task, value in per_mac.items() if estimate.high is not None and value > estimate.high),
    )
