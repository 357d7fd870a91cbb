"""A board and the bytes of an image -> whether it can be updated with it: two slots for bundles, and room in each."""

from pathlib import Path

from asd_edge.boards import Board, ModelFlash
from asd_edge.errors import PackageError
from asd_edge.export.detector import Detector
from asd_edge.package.bundle import HEADER_BYTES
from asd_edge.profiling.fitting_width import width_advice


def check_slot(board: Board, n_image: int, work: Path, detector: Detector) -> None:
    """Raises PackageError with the numbers, and with the width of a network that fits. Linux has files, not slots."""
    if board.system != "mcu":
        return
    n_bundle = HEADER_BYTES + n_image
    if board.slots is None:
        raise PackageError(
            f"{board.name} has no two slots for bundles, this one of {n_bundle:,} bytes: {_why_without_slots(board)}; "
            "choose a board with slots (asd-edge boards), or write the image alone (asd-edge compile)"
        )
    if n_bundle > board.slots.bytes:
        room = ModelFlash(offset=0, bytes=board.slots.bytes - HEADER_BYTES)
        advice = width_advice(work, detector, board.model_copy(update={"model_flash": room}))
        raise PackageError(
            f"{board.name} has two slots of {board.slots.bytes:,} bytes in {_flash(board)}, this needs {n_bundle:,}; "
            f"{advice}"
        )


def _why_without_slots(board: Board) -> str:
    if board.flash_bytes is None:
        return "boards.yaml doesn't know its flash"
    external = board.facts.external_flash.value
    beside = "" if external is None else f" (its {external} lies outside of the part and would need a driver)"
    return f"{_flash(board)} can't be halved into equal sectors beside firmware and log{beside}"


def _flash(board: Board) -> str:
    sectors = board.facts.flash_sectors.value
    return f"{board.flash_bytes:,} bytes of flash" + ("" if sectors is None else f" in sectors of {sectors}")
